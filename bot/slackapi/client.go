package slackapi

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

const (
	callTimeout = 15 * time.Second
	maxAttempts = 3 // of a call that Slack did not carry out
)

// Config is what a Client is made of.
type Config struct {
	Token string       // of the bot
	URL   string       // base address with a trailing slash; empty is Slack's own
	HTTP  *http.Client // one without a timeout gets one; may be nil
	Log   *slog.Logger // nil is silent

	// Dated is given the Date of every response; may be nil.
	Dated func(date time.Time)
	// Plain returns the text that is sent alone for a message whose form Slack refuses;
	// nil is the message's own.
	Plain func(Message) string
	// Speed is how many times faster calls may follow each other than Slack's limits let
	// them; 0 is 1. More is for a played Slack.
	Speed float64
}

// Client calls Slack's Web API at the pace that Slack allows. Its errors are
// *access.Error: RateLimited and Unavailable where nothing happened and coming back later
// helps, UnknownOutcome where an answer was lost, Unauthorized where our token is
// refused, and others where Slack will not do it. It is safe for use by many goroutines.
type Client struct {
	cfg      Config
	slack    *slack.Client
	pacer    *pacer
	breakers *breakers
	links    links
}

// New returns a Client.
func New(cfg Config) *Client {
	var web http.Client
	if cfg.HTTP != nil {
		web = *cfg.HTTP
	}
	web.Timeout = cmp.Or(web.Timeout, callTimeout)
	web.Transport = dateReader{cmp.Or(web.Transport, http.DefaultTransport), cfg.Dated}
	cfg.HTTP = &web
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Plain == nil {
		cfg.Plain = func(m Message) string { return m.Text }
	}
	options := []slack.Option{slack.OptionHTTPClient(cfg.HTTP)}
	if cfg.URL != "" {
		options = append(options, slack.OptionAPIURL(cfg.URL))
	}
	speed := cmp.Or(cfg.Speed, 1)
	return &Client{cfg: cfg, slack: slack.New(cfg.Token, options...), pacer: newPacer(speed), breakers: newBreakers(speed)}
}

// call is one method of the Web API.
type call struct {
	method  string
	place   string // channel, where the method is limited by channel
	channel string // that a message is for
	safe    bool   // doing it twice is doing it once
}

// do makes the call, again where Slack said that it was not carried out, or where
// it can do no harm. A post whose answer was lost is not repeated.
func (c *Client) do(ctx context.Context, what call, make func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		if err := c.breakers.allow(what); err != nil {
			return err
		}
		if err := c.pacer.wait(ctx, what); err != nil {
			return err
		}
		err := c.breakers.record(what, failure(what, make(ctx)))
		switch {
		case err == nil || attempt == maxAttempts:
			return err
		case access.CodeOf(err) == access.RateLimited:
			c.pacer.pause(what, access.RetryAfter(err))
		case what.safe && access.CodeOf(err) == access.Unavailable:
			if !sleep(ctx, rand.N(200*time.Millisecond)*time.Duration(attempt)) {
				return err
			}
		default:
			return err
		}
	}
}

// Refused returns Slack's code while it refuses the bot token, and "" otherwise.
func (c *Client) Refused() string { return c.breakers.refused() }
