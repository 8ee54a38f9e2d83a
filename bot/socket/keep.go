package socket

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

const (
	openTimeout = 10 * time.Second

	// writeBuffer holds the longest acknowledgement, so that it leaves in one
	// frame: Slack does not put fragments together.
	writeBuffer = 32 << 10
)

// timing holds the intervals and timeouts of the connections.
type timing struct {
	stableAfter    time.Duration // a connection that lived that long was no failure
	minBackoff     time.Duration // pause after the second failure in a row, doubling
	maxBackoff     time.Duration
	refusedBackoff time.Duration // pause after a refusal that only a person can mend
	opens          rate.Limit    // of apps.connections.open, over all connections
	burst          int
	pingTimeout    time.Duration // without a ping for that long a connection is dead
	pongTimeout    time.Duration // the same where Slack has answered our own pings
	drainTimeout   time.Duration // how long a connection is still read whose end Slack has announced
	pingInterval   time.Duration // of our own pings, for the routers between
	ackTimeout     time.Duration // after which Slack shows the person that the bot did not answer
	closeTimeout   time.Duration // for Slack's answer to a close frame
}

// slackTiming is the timing for Slack itself, which pings well within 30 s, warns
// about 10 s before the end, and counts apps.connections.open in its strictest tier.
var slackTiming = timing{
	stableAfter: 30 * time.Second, minBackoff: time.Second, maxBackoff: 30 * time.Second, refusedBackoff: 2 * time.Minute,
	opens: rate.Every(3 * time.Second), burst: 4,
	pingTimeout: 30 * time.Second, pongTimeout: 12 * time.Second, pingInterval: 5 * time.Second,
	drainTimeout: 15 * time.Second, closeTimeout: time.Second, ackTimeout: 3 * time.Second,
}

// backoff returns the pause before the next attempt after so many failures in a row.
// The first one is free: connections do get recycled early.
func (t timing) backoff(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	d := min(t.maxBackoff, t.minBackoff<<min(failures-2, 20))
	return d/2 + rand.N(d/2+1)
}

// refusals are the codes of apps.connections.open, and of every method's
// authorisation, that only a person can mend.
var refusals = map[string]bool{
	"invalid_auth": true, "not_authed": true, "account_inactive": true, "token_revoked": true, "token_expired": true,
	"not_allowed_token_type": true, "missing_scope": true, "no_permission": true, "forbidden_team": true,
	"access_denied": true, "org_login_required": true, "team_access_not_granted": true,
}

// refused returns Slack's code if only a person can mend it, and "" otherwise.
func refused(err error) string {
	answer, ok := errors.AsType[slack.SlackErrorResponse](err)
	if ok && refusals[answer.Err] {
		return answer.Err
	}
	return ""
}

// keepConnected holds one connection after the other until ctx ends. A connection whose end
// Slack announces is replaced at once, while it is still being read. Even after a
// refusal it tries again: whoever mends the token in Slack need not know that we run.
func (c *Client) keepConnected(ctx context.Context) {
	failures := 0
	for pause := time.Duration(0); ; pause = c.timing.backoff(failures) {
		began := time.Now()
		asked, err := c.connect(ctx, pause)
		if ctx.Err() != nil || c.isClosing() {
			return
		}
		if code := refused(err); code != "" {
			c.refusedWith(code)
			c.barred.Saw(ctx, "", errors.New(code),
				"remedy", "Nobody can reach the bot: look at SLACK_APP_TOKEN (xapp-, with the scope connections:write, of an app that is installed).")
			asked = c.timing.refusedBackoff
		} else if err != nil {
			c.fails(ctx, err)
		}
		failures++
		if time.Since(began)-pause >= c.timing.stableAfter && err == nil {
			failures = 0
		}
		if !sleep(ctx, asked) {
			return
		}
	}
}

// connect makes one connection after a pause and returns once it needs a
// replacement, or at once when it could not be made. It returns how long Slack asks
// to wait before the next one, 0 if it does not ask.
func (c *Client) connect(ctx context.Context, pause time.Duration) (asked time.Duration, err error) {
	if !sleep(ctx, pause) {
		return 0, ctx.Err()
	}
	if err := c.opens.Wait(ctx); err != nil {
		return 0, err
	}
	ws, err := c.dial(ctx)
	if limit, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return limit.RetryAfter, err
	}
	if err != nil {
		return 0, err
	}
	k := newConn(ws, c.timing)
	if !c.startReading(ctx, k) {
		_ = ws.Close()
		return 0, nil
	}
	select {
	case <-k.leaving:
	case <-ctx.Done():
	}
	return 0, nil
}

// startReading starts to read a connection, unless the client is closing, and reports
// whether it has.
func (c *Client) startReading(ctx context.Context, k *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.reading.Go(func() { c.read(ctx, k) })
	}
	return !c.closing
}

func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*openTimeout)
	defer cancel()
	_, address, err := c.api.StartSocketModeContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("apps.connections.open: %w", err)
	}
	c.barred.Saw(ctx, "", nil)
	ws, answer, err := c.dialer.DialContext(ctx, address, nil)
	if answer != nil && answer.Body != nil {
		_ = answer.Body.Close()
	}
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err // without the address, which holds a ticket
	}
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return ws, nil
}

func dialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) *websocket.Dialer {
	d := &websocket.Dialer{NetDialContext: dial, HandshakeTimeout: openTimeout, WriteBufferSize: writeBuffer}
	if dial == nil {
		d.Proxy = http.ProxyFromEnvironment
	}
	return d
}

// sleep waits for d and reports whether it passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timer.Done()
	return ctx.Err() == nil
}
