package slacksim

import (
	"math"
	"time"
)

// bucket is a token bucket: burst calls at once, refilled at perSecond.
type bucket struct {
	tokens float64
	at     time.Time
}

type rate struct{ perSecond, burst float64 }

// The tiers of Slack's rate limit page, each per method, app and workspace.
// Posting has a limit of its own: one a second and channel with short bursts,
// and several hundred a minute in the workspace.
func tier(perMinute float64) rate { return rate{perMinute / 60, perMinute} }

func methodRate(method string) rate {
	switch method {
	case "apps.connections.open":
		// Tier 1 in one of Slack's own lists, Tier 3 in another: the stricter one
		// counts, with a burst for one round of all ten connections.
		return rate{1. / 60, maxSockets}
	case "usergroups.users.list", "users.list":
		return tier(20)
	case "chat.update", "chat.delete", "conversations.info":
		return tier(50)
	case "auth.test", "chat.getPermalink":
		return tier(600)
	case "chat.postMessage":
		return tier(300)
	default:
		return tier(100)
	}
}

// limited takes one token for a call and returns 0, or how long to wait when none is
// left. The caller holds mu.
func (w *Workspace) limited(method, channel string) time.Duration {
	if !w.opt.RateLimits {
		return 0
	}
	wait := w.take(method, methodRate(method))
	if wait == 0 && method == "chat.postMessage" {
		wait = w.take(method+" "+channel, rate{1, 4})
	}
	return wait
}

func (w *Workspace) take(key string, r rate) time.Duration {
	now := w.opt.Now()
	b := w.buckets[key]
	if b == nil {
		b = &bucket{tokens: r.burst, at: now}
		w.buckets[key] = b
	}
	speed := r.perSecond * w.opt.RateScale
	b.tokens = min(r.burst, b.tokens+now.Sub(b.at).Seconds()*speed)
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return time.Duration(math.Ceil((1-b.tokens)/speed)) * time.Second
}
