package socket

import "time"

// stats is what the connections have seen so far.
type stats struct {
	connects    int
	ping, event time.Time
	refused     string
}

// Health is the state of the connections.
type Health struct {
	Sockets    int           // connections that Slack has greeted and not closed
	PingAge    time.Duration // since the last ping or greeting on any of them
	EventAge   time.Duration // since the last envelope; 0 when there was none
	Reconnects int           // connections beyond the first two
	Refused    string        // Slack's code, while it refuses a token of ours
	Deaf       bool          // Slack cannot reach us: no connection, or no ping for too long
}

// Health returns the state of the connections now.
func (c *Client) Health() Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Health{
		Sockets: len(c.conns), PingAge: age(c.stats.ping), EventAge: age(c.stats.event),
		Reconnects: max(0, c.stats.connects-overlap),
		Refused:    c.stats.refused,
		Deaf:       len(c.conns) == 0 || age(c.stats.ping) > c.timing.pingTimeout,
	}
}

func age(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return time.Since(at)
}

func (c *Client) pinged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.ping = time.Now()
}

func (c *Client) refusedWith(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.refused = code
}
