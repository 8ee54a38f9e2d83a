package runcloudsim

import "time"

// Rules are the behaviours on which RunCloud's pages are silent. The zero value is the likeliest form of
// each.
type Rules struct {
	RefuseDuplicateKey bool          // the same key for the same user again is a 422
	TemporaryLifetime  time.Duration // 12h when zero (RunCloud's article on adding keys)
	FullKeys           bool          // answers show keys uncut
}

func (r Rules) withDefaults() Rules {
	r.TemporaryLifetime = orDefault(r.TemporaryLifetime, 12*time.Hour)
	return r
}

// SetRules replaces the rules from the next call on.
func (a *Account) SetRules(r Rules) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rules = r.withDefaults()
}
