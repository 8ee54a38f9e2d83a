package slackapi

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

// pacer spaces calls as Slack's rate limits ask: one message a second in a channel, and
// fifty updates a minute for all messages together. A pause that Slack asks for holds for
// the method and, where it is limited by channel, the channel.
type pacer struct {
	mu      sync.Mutex
	perSec  rate.Limit // of messages in one channel
	updates *rate.Limiter
	posts   map[string]*rate.Limiter // by channel
	paused  map[string]time.Time     // by method and channel; until when
}

// newPacer returns a pacer that is so many times faster than Slack's limits.
func newPacer(speed float64) *pacer {
	return &pacer{
		perSec: rate.Limit(speed), updates: rate.NewLimiter(rate.Limit(speed)*rate.Every(1200*time.Millisecond), 10),
		posts: map[string]*rate.Limiter{}, paused: map[string]time.Time{},
	}
}

func (c call) key() string { return c.method + " " + c.place }

// wait returns when it is the call's turn.
func (p *pacer) wait(ctx context.Context, c call) error {
	now := time.Now()
	turn := p.reserve(c, isUrgent(ctx), now)
	wait := max(turn.DelayFrom(now), p.pauseOf(c, now))
	if wait > patience {
		turn.CancelAt(now)
		return &access.Error{Code: access.RateLimited, Op: c.method, Message: "Slack is busy, so nothing was changed. Please try again in a minute.", RetryAfter: wait}
	}
	if !sleep(ctx, wait) {
		turn.Cancel()
		return &access.Error{Code: access.Unavailable, Op: c.method, Message: "There was no time left for Slack to answer.", Err: ctx.Err()}
	}
	if isUrgent(ctx) {
		p.reserve(c, false, now.Add(wait)) // the others give way
	}
	return nil
}

func (p *pacer) reserve(c call, urgent bool, now time.Time) *rate.Reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.method == "chat.postMessage" && urgent:
		return p.limiter("urgent in "+c.place).ReserveN(now, 1)
	case c.method == "chat.postMessage":
		p.prune(now)
		return p.limiter(c.place).ReserveN(now, 1)
	case c.method == "chat.update" && !urgent: // those that are urgent are few
		return p.updates.ReserveN(now, 1)
	}
	return rate.NewLimiter(rate.Inf, 1).ReserveN(now, 1)
}

// limiter returns the limiter of messages in one channel. The caller holds mu.
func (p *pacer) limiter(place string) *rate.Limiter {
	if p.posts[place] == nil {
		p.posts[place] = rate.NewLimiter(p.perSec, 2)
	}
	return p.posts[place]
}

type urgentKey struct{}

// Urgent returns a context whose calls go before those that wait already; these wait as
// much longer.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

func isUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

// maxChannels is how many channels and persons may have limiters of their own before those
// that are idle are dropped.
const maxChannels = 1000

// prune drops what has no effect any more, so that the tables stay small. The caller
// holds mu.
func (p *pacer) prune(now time.Time) {
	if len(p.posts) < maxChannels {
		return
	}
	for place, limiter := range p.posts {
		if limiter.TokensAt(now) >= float64(limiter.Burst()) {
			delete(p.posts, place)
		}
	}
	for key, until := range p.paused {
		if now.After(until) {
			delete(p.paused, key)
		}
	}
}

// pause keeps the method, in that channel, from being called for d.
func (p *pacer) pause(c call, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused[c.key()] = time.Now().Add(d)
}

func (p *pacer) pauseOf(c call, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused[c.key()].Sub(now)
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timer.Done()
	return ctx.Err() == nil
}
