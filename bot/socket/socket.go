// Package socket receives what people do in Slack over Socket Mode.
//
// It opens connections with slack-go and reads them itself, because slack-go's
// own reader closes a connection the moment Slack announces its end, and so
// loses the envelopes that still come over it, reconnects without a pause when
// connections are cut at once, and stops answering pings while a handler is
// busy. Here two connections overlap, each is read to its end, and nothing a
// handler does can hold up a reader.
package socket

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"sshkeybot/internal/outage"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

const (
	overlap     = 2    // connections held at a time, of the ten that Slack allows
	maxHandlers = 256  // handlers that run at a time
	maxHeld     = 5000 // envelopes held in memory; more are left to Slack's redelivery
)

// Envelope is one delivery of Slack's (Slack, "Using Socket Mode").
type Envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"` // events_api, slash_commands or interactive
	Payload json.RawMessage `json:"payload"`
	Accepts bool            `json:"accepts_response_payload"` // whether the acknowledgement may carry an answer
	At      time.Time       `json:"-"`                        // when it was read
}

// Handler handles an envelope as far as it must before Slack may forget it.
// The envelope is acknowledged when Handler returns without an error, with the
// payload unless it is nil; after an error or a panic it is not, and Slack
// delivers events once more. It must return well within three seconds.
type Handler func(ctx context.Context, e Envelope) (payload any, err error)

// Config is what a Client needs: where to connect, and who handles what comes.
type Config struct {
	AppToken string
	APIURL   string       // base address with a trailing slash; empty is Slack's own
	HTTP     *http.Client // for apps.connections.open; one without a timeout gets one; may be nil
	Log      *slog.Logger
	Handler  Handler
	Lost     func(e Envelope, payload any) // called with a payload that did not reach Slack; may be nil

	// Dial makes the connections of Socket Mode; nil is over the machine's network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client holds the connections to Slack. It is used for one Run.
type Client struct {
	api     *slack.Client
	dialer  *websocket.Dialer
	log     *slog.Logger
	deaf    outage.Watch // without a connection
	barred  outage.Watch // while Slack refuses the token
	handler Handler
	lost    func(Envelope, any)
	timing  timing
	opens   *rate.Limiter // calls of apps.connections.open
	slots   chan struct{} // holds one item for each handler that runs

	done     chan struct{} // closed when Close has finished
	finish   func()
	reading  sync.WaitGroup
	handling sync.WaitGroup

	mu      sync.Mutex // guards everything below
	closing bool
	held    int
	conns   []*conn // greeted, in order
	stats   stats
}

// New returns a client that does nothing before Run.
func New(cfg Config) *Client {
	var web http.Client
	if cfg.HTTP != nil {
		web = *cfg.HTTP
	}
	web.Timeout = cmp.Or(web.Timeout, openTimeout)
	options := []slack.Option{slack.OptionAppLevelToken(cfg.AppToken), slack.OptionHTTPClient(&web)}
	if cfg.APIURL != "" {
		options = append(options, slack.OptionAPIURL(cfg.APIURL))
	}
	done := make(chan struct{})
	return &Client{
		deaf:   outage.Watch{Log: cfg.Log, Level: slog.LevelWarn, Down: "no socket is connected to Slack", Up: "socket connected to Slack", Greets: true},
		barred: outage.Watch{Log: cfg.Log, Level: slog.LevelError, Down: "Slack refuses the app-level token", Up: "Slack accepts the app-level token again"},
		api:    slack.New("", options...), dialer: dialer(cfg.Dial), log: cfg.Log, handler: cfg.Handler, lost: cfg.Lost, timing: slackTiming,
		opens: rate.NewLimiter(slackTiming.opens, slackTiming.burst), slots: make(chan struct{}, maxHandlers),
		done: done, finish: sync.OnceFunc(func() { close(done) }),
	}
}

// Run holds the connections until ctx ends or Close has finished.
func (c *Client) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var keeping sync.WaitGroup
	for range overlap {
		keeping.Go(func() { c.keepConnected(ctx) })
	}
	keeping.Go(func() {
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	})
	keeping.Wait()
	c.reading.Wait()
	c.handling.Wait()
}

// Close ends gracefully: envelopes that come from now on are left to others,
// handlers finish, and their acknowledgements are known to have arrived, since
// Slack has answered the close frame behind them. After ctx ends it does not
// wait any longer. Run returns afterwards.
func (c *Client) Close(ctx context.Context) {
	defer c.finish()
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	if !wait(ctx, &c.handling) {
		c.log.Warn("stopped in the middle of what Slack has delivered, which is done after the next start")
	}
	ctx, cancel := context.WithTimeout(ctx, c.timing.closeTimeout)
	defer cancel()
	for _, k := range c.open() {
		k.sendClose()
	}
	wait(ctx, &c.reading)
}

// wait waits for the group and reports whether it finished before ctx ended.
func wait(ctx context.Context, group *sync.WaitGroup) bool {
	finished := make(chan struct{})
	go func() {
		group.Wait()
		close(finished)
	}()
	select {
	case <-finished:
		return true
	case <-ctx.Done():
		return false
	}
}
