package bot

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sshkeybot/internal/access"
)

// patience is how long a call waits for its turn; above that the caller is told
// when to come back, so that one busy channel holds up nobody else.
const patience = 6 * time.Second

// gate lets calls pass at the pace of Slack's rate limits: one message a second in
// a channel, and fifty updates a minute for all messages together. What Slack asks
// to wait is kept for each method and channel.
type gate struct {
	mu      sync.Mutex
	pace    rate.Limit // of messages in one channel
	updates *rate.Limiter
	posts   map[string]*rate.Limiter // by channel
	held    map[string]time.Time     // by method and channel
}

func newGate() *gate {
	return &gate{
		pace: 1, updates: rate.NewLimiter(rate.Every(1200*time.Millisecond), 10),
		posts: map[string]*rate.Limiter{}, held: map[string]time.Time{},
	}
}

func (c call) key() string { return c.method + " " + c.place }

// pass waits for the call's turn.
func (g *gate) pass(ctx context.Context, c call) error {
	now := time.Now()
	turn := g.reserve(c, now)
	wait := max(turn.DelayFrom(now), g.heldFor(c, now))
	if wait > patience {
		turn.CancelAt(now)
		return &access.Error{Code: access.RateLimited, Op: c.method, Message: "Slack is busy, so nothing was changed. Please try again in a minute.", RetryAfter: wait}
	}
	if !sleep(ctx, wait) {
		turn.Cancel()
		return &access.Error{Code: access.Unavailable, Op: c.method, Message: "There was no time left for Slack to answer.", Err: ctx.Err()}
	}
	return nil
}

func (g *gate) reserve(c call, now time.Time) *rate.Reservation {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch c.method {
	case "chat.postMessage":
		g.forget(now)
		if g.posts[c.place] == nil {
			g.posts[c.place] = rate.NewLimiter(g.pace, 2)
		}
		return g.posts[c.place].ReserveN(now, 1)
	case "chat.update":
		return g.updates.ReserveN(now, 1)
	}
	return rate.NewLimiter(rate.Inf, 1).ReserveN(now, 1)
}

// maxChannels is how many channels and persons are kept apart.
const maxChannels = 1000

// forget drops what has no effect any more, so that the tables stay small.
func (g *gate) forget(now time.Time) {
	if len(g.posts) < maxChannels {
		return
	}
	for place, limiter := range g.posts {
		if limiter.TokensAt(now) >= float64(limiter.Burst()) {
			delete(g.posts, place)
		}
	}
	for key, until := range g.held {
		if now.After(until) {
			delete(g.held, key)
		}
	}
}

// hold keeps the method, in that channel, from being called for d.
func (g *gate) hold(c call, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held[c.key()] = time.Now().Add(d)
}

func (g *gate) heldFor(c call, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held[c.key()].Sub(now)
}

// sleep tells whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timer.Done()
	return ctx.Err() == nil
}
