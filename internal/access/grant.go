package access

import (
	"slices"
	"time"
)

// GrantState is the state of a grant in the ledger: live until it ends, for any reason.
type GrantState string

// The states of a grant.
const (
	Live  GrantState = "live"
	Ended GrantState = "ended"
)

// EndReason is why a grant ended.
type EndReason string

// Why a grant ended.
const (
	EndExpired    EndReason = "expired"
	EndRevoked    EndReason = "revoked"
	EndGivenBack  EndReason = "given_back"
	EndOffboarded EndReason = "offboarded"
	EndPurged     EndReason = "purged"
	EndRotated    EndReason = "rotated"  // the account has another key, or this one never came into it
	EndKeyLost    EndReason = "key_lost" // somebody else proved that its only key left is theirs
)

// Grant lets a person log in to a set of servers as a system user from start to end.
// What it covers is kept beside it: one Cover for each server and key.
type Grant struct {
	ID         int64
	RequestID  int64
	Person     UserID // empty if it is an account's
	Alias      string // the person's name when granted, for labels only; or the name of the account
	SystemUser string
	State      GrantState
	StartsAt   time.Time
	EndsAt     time.Time // zero is forever
	SteadyEnd  time.Time // EndsAt by the steady clock, which nobody can set (package clock); zero is forever
	EndedAt    time.Time
	EndReason  EndReason
	EndedBy    UserID
	RemindedAt time.Time // when its person was told that it ends soon
}

// LiveAt reports whether the grant gives access at that time. A grant whose end has passed
// does not, even while the sweep has not set its State to Ended yet.
func (g Grant) LiveAt(now time.Time) bool {
	return g.State == Live && (g.EndsAt.IsZero() || now.Before(g.EndsAt))
}

// ReminderLead is how long before a grant's end its person is told, at most.
const ReminderLead = 15 * time.Minute

// RemindAt returns when a grant's person is told that it ends soon: ReminderLead before, and half-way
// through a shorter grant. The grant has an end.
func (g Grant) RemindAt() time.Time {
	halfway := g.StartsAt.Add(g.EndsAt.Sub(g.StartsAt) / 2)
	if early := g.EndsAt.Add(-ReminderLead); early.After(halfway) {
		return early
	}
	return halfway
}

// OfAccount reports whether the key is not a person's but that of an account, which Alias
// names. Such a grant has no end, and only the rotation of the account's key ends it.
func (g Grant) OfAccount() bool { return g.Person == "" }

// Cover is one key on one server that a grant wants there while it lives.
type Cover struct {
	GrantID     int64
	ServerID    int64
	Fingerprint string
	EndedAt     time.Time // when this cover alone was revoked; zero while the whole grant counts
}

// LiveCovers returns the covers that have not ended. It overwrites the slice it is given.
func LiveCovers(covers []Cover) []Cover {
	return slices.DeleteFunc(covers, func(c Cover) bool { return !c.EndedAt.IsZero() })
}

// ServersOf returns the IDs of the servers of covers, each once, in ascending order.
func ServersOf(covers []Cover) []int64 {
	var ids []int64
	for _, c := range covers {
		ids = append(ids, c.ServerID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// GrantSize is how much a grant covers now.
type GrantSize struct {
	Servers int
	Keys    int // on all of these servers together
	Placed  int // of Keys, those that are placed
}
