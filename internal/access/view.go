package access

import (
	"slices"
	"time"
)

// RequestView is everything a message about a request shows, read in one
// transaction.
type RequestView struct {
	Request    Request
	Servers    []ServerRef
	Offline    int   // how many of them were offline when last read
	Keys       []Key // what it covers, or would cover if it were approved now
	Approvals  []Approval
	Needed     int      // approvals needed
	Deciders   []string // configured approvers, users and groups, that may still decide
	Grant      *Grant   // once approved
	Overlaps   []Grant  // other live grants of the same person
	There      int      // servers where all keys are already placed by the bot for this system user
	Results    []Result // by server name
	Candidates []Candidate
	Sessions   []OpenSession
	Messages   []Message
	Drawing    Drawing
	Halted     bool // all work waits, because the target refuses our credentials
	Renewals   Renewals
}

// Undecided counts the keys that the bot did not place and that nobody has decided
// about: to remove them, or to leave them.
func (v RequestView) Undecided() int {
	open := 0
	for _, c := range v.Candidates {
		if c.PickedBy == "" {
			open++
		}
	}
	return open
}

// Read tells whether every server has been read for keys that the bot did not place.
func (v RequestView) Read() bool {
	return !slices.ContainsFunc(v.Results, func(r Result) bool { return r.Phase == PhaseInspect && !r.State.Final() })
}

// Renewals is what keeping a long grant alive costs of the target's quota.
type Renewals struct {
	Every         time.Duration // 0 when the grant needs none
	CallsPerMonth int
}

// OpenSession is an SSH session seen on a server while offboarding.
type OpenSession struct {
	Server  ServerRef
	Session Session
}

// GrantView is a grant as a list shows it.
type GrantView struct {
	Grant   Grant
	Servers int
	Names   []string // up to a handful of server names
	Pattern string
	Placed  int // keys placed now
	Wanted  int // keys not placed yet
}

// DebtView is a key that must go and could not yet.
type DebtView struct {
	Placement Placement
	Server    ServerRef
}

// Overview answers who has access now and what is owed.
type Overview struct {
	Grants   []GrantView
	Waiting  []Request // open requests of the persons shown
	Debt     []DebtView
	Complete bool // everybody's, not only one person's
}
