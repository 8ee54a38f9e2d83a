package reconcile

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// Renewals is what keeping a long grant alive costs of a target's quota.
type Renewals struct {
	Every         time.Duration // 0 when the grant needs none
	CallsPerMonth int
	Targets       int // whose quotas that costs
}

// Renewals returns what keeping so many keys on each of these servers costs while a grant
// of that length lives: two calls for each key and server before each end of its target's
// own timer.
func (e *Engine) Renewals(ctx context.Context, tx access.Tx, d time.Duration, keys int, servers []access.ServerRef) (r Renewals, err error) {
	on := map[string]int{}
	known, err := e.Identities(ctx, tx, servers)
	if err != nil {
		return Renewals{}, err
	}
	for _, at := range known {
		on[at.Target] += keys
	}
	for _, t := range e.Targets {
		lifetime := lifetime(t)
		if on[t.Name()] == 0 || lifetime == 0 || e.Settings.LongGrants == Permanent || d <= lifetime {
			continue
		}
		every := lifetime - min(renewalLead, lifetime/4)
		month := min(d, 30*24*time.Hour)
		r.Targets++
		r.CallsPerMonth += 2 * on[t.Name()] * int(month/every)
		if r.Every == 0 || every < r.Every {
			r.Every = every
		}
	}
	return r, nil
}
