package socket

import "time"

// tally is what the connections have noticed.
type tally struct {
	connects    int
	ping, event time.Time
	refused     string
}

// Health says how well the client hears.
type Health struct {
	Sockets    int           // connections that Slack has greeted and not closed
	PingAge    time.Duration // since the last ping or greeting on any of them
	EventAge   time.Duration // since the last envelope; 0 when there was none
	Reconnects int           // connections beyond the first two
	Refused    string        // Slack's code, while it refuses a token of ours
	Deaf       bool          // Slack cannot reach us: no connection, or no ping for too long
}

// Health returns how things stand now.
func (c *Client) Health() Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Health{
		Sockets: len(c.conns), PingAge: age(c.health.ping), EventAge: age(c.health.event),
		Reconnects: max(0, c.health.connects-overlap),
		Refused:    c.health.refused,
		Deaf:       len(c.conns) == 0 || age(c.health.ping) > c.pace.deaf,
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
	c.health.ping = time.Now()
}

func (c *Client) refusedWith(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.health.refused = code
}
