package workflow

import (
	"slices"
	"sync/atomic"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// Settings are the rules a team has chosen.
type Settings struct {
	Approvers           []string // user IDs and user group IDs
	Quiet               []string // those of them whom only the reminder mentions, where others can decide
	Approvals           int      // approvals needed, by different people
	SelfApproval        bool     // whether who asks or receives may decide
	RequestTTL          time.Duration
	MinDuration         time.Duration
	MaxDuration         time.Duration
	AllowForever        bool
	SystemUser          string   // the one keys are placed for when nobody says
	SystemUsers         []string // those that may be named
	OffboardDeactivated OffboardMode
	ProveAlways         bool   // whether every key has to be proved, not only one that was somebody else's
	ReasonRequired      bool   // whether a grant needs a reason
	TicketURL           string // where a ticket that a reason names is found: %s stands for it; empty for nowhere
}

// needed returns how many approvals a request of that kind needs.
func (s Settings) needed(k access.RequestKind) int {
	if k == access.KindRestore {
		return 1
	}
	return s.Approvals
}

// MayUse reports whether keys may be placed for that system user.
func (s Settings) MayUse(user string) bool {
	return slices.Contains(s.SystemUsers, user)
}

// Closed is a request that is over: approved, or any other of its final states.
type Closed struct {
	Kind    access.RequestKind
	State   access.RequestState
	Decided bool          // by an approver
	Waited  time.Duration // of one that was Decided, from when it could be
}

// Service carries out what people ask for and decide. It is safe for use by many
// goroutines and, on PostgreSQL, by many processes.
type Service struct {
	Engine    *reconcile.Engine
	Store     access.Store
	Directory access.Directory
	Settings  Settings
	Now       func() time.Time
	Accounts  access.KeyedAccounts  // whose keys can be rotated; nil if no such system is configured
	Late      func(d time.Duration) // told how long after its end each expired grant was ended; may be nil
	Closed    func(Closed)          // told of each request that is over; may be nil

	mismatches    mismatches
	halves        halves
	shownRestored atomic.Value // what was not read yet when WatchRestored last looked, as text
}
