package reconcile

import (
	"time"
)

// Renewals tells what keeping a long grant alive costs: two calls for each key and
// server before each end of RunCloud's own timer.
func (e *Engine) Renewals(d time.Duration, keys int) Renewals {
	lifetime := e.Settings.TemporaryLifetime
	if e.Settings.LongGrants == Permanent || d <= lifetime {
		return Renewals{}
	}
	every := lifetime - min(renewalLead, lifetime/4)
	month := min(d, 30*24*time.Hour)
	return Renewals{Every: every, CallsPerMonth: 2 * keys * int(month/every)}
}

// Renewals is what keeping a long grant alive costs of the target's quota.
type Renewals struct {
	Every         time.Duration // 0 when the grant needs none
	CallsPerMonth int
}
