package access

import (
	"slices"
	"time"
)

// GrantState is live until the grant ends, for whatever reason.
type GrantState string

// The states of a grant.
const (
	Live  GrantState = "live"
	Ended GrantState = "ended"
)

// EndReason says why a grant ended.
type EndReason string

// Why a grant ended.
const (
	EndExpired    EndReason = "expired"
	EndRevoked    EndReason = "revoked"
	EndGivenBack  EndReason = "given_back"
	EndOffboarded EndReason = "offboarded"
	EndKeyLost    EndReason = "key_lost" // somebody else proved that its last key is theirs
)

// Grant lets a person log in to a set of servers as a system user from start to end.
// What it covers is in its Covers: one for each server and key.
type Grant struct {
	ID         int64
	RequestID  int64
	Person     UserID
	Alias      string // the person's name when granted, for labels only
	SystemUser string
	State      GrantState
	StartsAt   time.Time
	EndsAt     time.Time // zero is forever
	SteadyEnd  time.Time // EndsAt by the steady clock, which nobody can set; zero is forever
	EndedAt    time.Time
	EndReason  EndReason
	EndedBy    UserID
	RemindedAt time.Time // when its person was told that it ends soon
}

// LiveAt tells whether the grant gives access at that time. The clock decides,
// even before the sweep has ended the grant.
func (g Grant) LiveAt(now time.Time) bool {
	return g.State == Live && (g.EndsAt.IsZero() || now.Before(g.EndsAt))
}

// Cover is one key on one server that a grant wants there while it lives.
type Cover struct {
	GrantID     int64
	ServerID    int64
	Fingerprint string
	EndedAt     time.Time // when this one was revoked though the grant lives on; zero otherwise
}

// LiveCovers returns the covers that have not ended.
func LiveCovers(covers []Cover) []Cover {
	return slices.DeleteFunc(covers, func(c Cover) bool { return !c.EndedAt.IsZero() })
}

// ServersOf returns the ids of the servers of covers, each once.
func ServersOf(covers []Cover) []int64 {
	var ids []int64
	for _, c := range covers {
		ids = append(ids, c.ServerID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
