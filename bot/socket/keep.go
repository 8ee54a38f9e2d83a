package socket

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// pace says how fast connections may follow each other.
type pace struct {
	healthy time.Duration // a connection that lived that long was no failure
	first   time.Duration // pause after the second failure in a row, doubling
	longest time.Duration
	refused time.Duration // pause after a refusal that only a person can mend
	opens   rate.Limit    // of apps.connections.open, over all connections
	burst   int
	deaf    time.Duration // without a ping for that long a connection is dead
	silent  time.Duration // the same where Slack has answered our own pings
	drain   time.Duration // how long a connection that was told to go is still read
	knock   time.Duration // our own pings, for the routers between
	ack     time.Duration // after which Slack has told the person that we did not answer
	goodbye time.Duration // for Slack's answer to a close frame
}

// slackPace: Slack pings well within 30 s, warns about 10 s before the end, and
// counts apps.connections.open in its strictest tier.
var slackPace = pace{
	healthy: 30 * time.Second, first: time.Second, longest: 30 * time.Second, refused: 2 * time.Minute,
	opens: rate.Every(3 * time.Second), burst: 4,
	deaf: 30 * time.Second, silent: 12 * time.Second, drain: 15 * time.Second, knock: 5 * time.Second, goodbye: time.Second,
	ack: 3 * time.Second,
}

// backoff is the pause before the next attempt after so many failures in a row.
// The first one is free: connections do get recycled early.
func (p pace) backoff(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	d := min(p.longest, p.first<<min(failures-2, 20))
	return d/2 + rand.N(d/2+1)
}

// refusals are the codes of apps.connections.open, and of every method's
// authorisation, that only a person can mend.
var refusals = map[string]bool{
	"invalid_auth": true, "not_authed": true, "account_inactive": true, "token_revoked": true, "token_expired": true,
	"not_allowed_token_type": true, "missing_scope": true, "no_permission": true, "forbidden_team": true,
	"access_denied": true, "org_login_required": true, "team_access_not_granted": true,
}

// refused returns Slack's code where only a person can mend it, and "" otherwise.
func refused(err error) string {
	answer, ok := errors.AsType[slack.SlackErrorResponse](err)
	if ok && refusals[answer.Err] {
		return answer.Err
	}
	return ""
}

// keep keeps a connection, one after the other. A connection that Slack asks to go is
// replaced at once, while it is still being read. Even a refusal is asked about
// again: whoever mends it in Slack need not know that we run.
func (c *Client) keep(ctx context.Context) {
	failures := 0
	for pause := time.Duration(0); ; pause = c.pace.backoff(failures) {
		began := time.Now()
		asked, err := c.live(ctx, pause)
		if ctx.Err() != nil || c.isClosing() {
			return
		}
		if code := refused(err); code != "" {
			c.refusedWith(code)
			c.log.Error("socket: Slack refuses the app-level token, so nobody can reach the bot: look at SLACK_APP_TOKEN (xapp-, with the scope connections:write, of an app that is installed)",
				"code", code, "again_in", c.pace.refused)
			asked = c.pace.refused
		} else if err != nil {
			c.log.Warn("socket: cannot connect", "error", err, "failures", failures+1)
		}
		failures++
		if time.Since(began)-pause >= c.pace.healthy && err == nil {
			failures = 0
		}
		if !sleep(ctx, asked) {
			return
		}
	}
}

// live makes one connection after a pause and returns once it needs a
// replacement, or at once when it could not be made, with the time that Slack
// asks to wait.
func (c *Client) live(ctx context.Context, pause time.Duration) (asked time.Duration, err error) {
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
	k := newConn(ws, c.pace)
	if !c.enter(ctx, k) {
		_ = ws.Close()
		return 0, nil
	}
	select {
	case <-k.leaving:
	case <-ctx.Done():
	}
	return 0, nil
}

// enter starts to read a connection, unless the client is closing.
func (c *Client) enter(ctx context.Context, k *conn) bool {
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

func dialer() *websocket.Dialer {
	return &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: openTimeout, WriteBufferSize: writeBuffer}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timer.Done()
	return ctx.Err() == nil
}
