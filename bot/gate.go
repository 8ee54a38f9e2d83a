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
	turn := g.reserve(c, isFirst(ctx), now)
	wait := max(turn.DelayFrom(now), g.heldFor(c, now))
	if wait > patience {
		turn.CancelAt(now)
		return &access.Error{Code: access.RateLimited, Op: c.method, Message: "Slack is busy, so nothing was changed. Please try again in a minute.", RetryAfter: wait}
	}
	if !sleep(ctx, wait) {
		turn.Cancel()
		return &access.Error{Code: access.Unavailable, Op: c.method, Message: "There was no time left for Slack to answer.", Err: ctx.Err()}
	}
	if isFirst(ctx) {
		g.reserve(c, false, now.Add(wait)) // the others give way
	}
	return nil
}

func (g *gate) reserve(c call, first bool, now time.Time) *rate.Reservation {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case c.method == "chat.postMessage" && first:
		return g.lane("first in "+c.place).ReserveN(now, 1)
	case c.method == "chat.postMessage":
		g.forget(now)
		return g.lane(c.place).ReserveN(now, 1)
	case c.method == "chat.update" && !first: // the others are few
		return g.updates.ReserveN(now, 1)
	}
	return rate.NewLimiter(rate.Inf, 1).ReserveN(now, 1)
}

// lane returns the pace of messages in one channel.
func (g *gate) lane(place string) *rate.Limiter {
	if g.posts[place] == nil {
		g.posts[place] = rate.NewLimiter(g.pace, 2)
	}
	return g.posts[place]
}

type firstKey struct{}

// first has the calls made with ctx pass before those that wait already; these are set
// back by as much.
func first(ctx context.Context) context.Context { return context.WithValue(ctx, firstKey{}, true) }

func isFirst(ctx context.Context) bool { return ctx.Value(firstKey{}) != nil }

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
