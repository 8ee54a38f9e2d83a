package workflow

import (
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/sshkey"
)

// Settings are the rules a team has chosen.
type Settings struct {
	Approvers           []string // user IDs and user group IDs
	Approvals           int      // approvals needed, by different people
	SelfApproval        bool     // whether who asks or receives may decide
	RequestTTL          time.Duration
	MinDuration         time.Duration
	MaxDuration         time.Duration
	AllowForever        bool
	SystemUser          string   // the one keys are placed for when nobody says
	SystemUsers         []string // those that may be named
	OffboardDeactivated OffboardMode
	ProveAlways         bool // whether every key has to be proved, not only one that was somebody else's
}

// MayUse reports whether keys may be placed for that system user.
func (s Settings) MayUse(user string) bool {
	return slices.Contains(s.SystemUsers, user)
}

// Service carries out what people ask for and decide. It is safe for use by many
// goroutines and, on PostgreSQL, by many processes.
type Service struct {
	Engine    *reconcile.Engine
	Store     access.Store
	Directory access.Directory
	Settings  Settings
	Now       func() time.Time
	Late      func(d time.Duration) // told how long after its end each expired grant was ended; may be nil

	mismatches mismatches
}

// GrantAsk is somebody's wish that a person may log in.
type GrantAsk struct {
	Source     string // identity of the command, so that a second delivery makes no second request
	Asker      access.UserID
	Person     access.UserID
	Duration   time.Duration
	Forever    bool
	Servers    string // as written; empty is every server
	SystemUser string // empty is the usual one
	Reason     string
	Channel    string
}

// ExtendAsk is the wish that one live grant of a person ends later: Duration after its
// present end.
type ExtendAsk struct {
	Source   string
	Asker    access.UserID
	Person   access.UserID
	GrantID  int64 // one grant; 0 is the person's grant that ends next
	Duration time.Duration
	Channel  string
}

// RevokeAsk is the wish that access ends. Exactly one of Person, Fingerprint and
// Key is set.
type RevokeAsk struct {
	Source      string
	Asker       access.UserID
	Person      access.UserID
	Fingerprint string
	Key         *sshkey.Key
	Servers     string
	Reason      string
	Channel     string
}

// OffboardAsk is an approver's wish that everything of a person's goes.
type OffboardAsk struct {
	Source  string
	Asker   access.UserID
	Person  access.UserID
	Reason  string
	Channel string
}

// Decision is an approver's verdict.
type Decision struct {
	RequestID int64
	Shown     string // digest of the facts that the approver was shown
	Actor     access.UserID
	Verdict   access.Verdict
	Reason    string
	At        time.Time // when it was pressed: in time counts, however late it is carried out; zero is now
}

// Edit narrows a request before it is decided; nil fields stay.
type Edit struct {
	RequestID int64
	Shown     string // as in Decision
	Actor     access.UserID
	Duration  *time.Duration
	Servers   *string
	At        time.Time // as in Decision
}

// Registration is the outcome of registering a key.
type Registration struct {
	Key      access.Key
	Fresh    bool    // false when the person had registered it before
	Released []int64 // requests that waited for it and go to the approvers now

	Proof     ProofCause       // why it is not registered yet; empty when it is
	Challenge access.Challenge // what has to be signed then
}
