package access

import (
	"slices"
	"sync/atomic"
	"time"

	"sshkeybot/internal/sshkey"
)

// LongGrants says how a grant longer than the target's temporary lifetime is placed.
type LongGrants string

// Renew places it as temporary again and again, so that a dead bot means closed
// doors; Permanent leaves the end to the bot alone.
const (
	Renew     LongGrants = "renew"
	Permanent LongGrants = "permanent"
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

// EngineSettings are the rules of placing keys.
type EngineSettings struct {
	LongGrants        LongGrants
	TemporaryLifetime time.Duration // after which the target removes a temporary key by itself
	Replica           string        // name of this process among several
	MonthlyQuota      int           // calls to the target; 0 is not known
	OnlyRemoves       bool          // leaves the placing of keys, renewals too, to another process
}

// MayUse tells whether keys may be placed for that system user.
func (s Settings) MayUse(user string) bool {
	return slices.Contains(s.SystemUsers, user)
}

// Service is the domain: its methods are the use cases. It is safe for use by
// many goroutines and, on PostgreSQL, by many processes.
type Service struct {
	Store          Store
	Target         Target
	Directory      Directory
	Settings       Settings
	EngineSettings EngineSettings
	Now            func() time.Time
	Clock          *Clock                // tells whether Now is right; nil where it always is
	Late           func(d time.Duration) // told how long after its end each expired grant was ended; may be nil

	refresh  turn // one complete reading of the servers at a time
	readings readings
	suspects suspects
	tried    atomic.Bool // whether this process has tried to end a halt
}

// GrantAsk is somebody's wish that a person may log in.
type GrantAsk struct {
	Source     string // identity of the command, so that a second delivery makes no second request
	Asker      UserID
	Person     UserID
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
	Asker    UserID
	Person   UserID
	GrantID  int64 // one grant; 0 is the person's grant that ends next
	Duration time.Duration
	Channel  string
}

// RevokeAsk is the wish that access ends. Exactly one of Person, Fingerprint and
// Key is set.
type RevokeAsk struct {
	Source      string
	Asker       UserID
	Person      UserID
	Fingerprint string
	Key         *sshkey.Key
	Servers     string
	Reason      string
	Channel     string
}

// OffboardAsk is an approver's wish that everything of a person's goes.
type OffboardAsk struct {
	Source  string
	Asker   UserID
	Person  UserID
	Reason  string
	Channel string
}

// Decision is an approver's verdict.
type Decision struct {
	RequestID int64
	Shown     string // digest of the facts that the approver was shown
	Actor     UserID
	Verdict   Verdict
	Reason    string
	At        time.Time // when it was pressed: in time counts, however late it is carried out; zero is now
}

// Edit narrows a request before it is decided; nil fields stay.
type Edit struct {
	RequestID int64
	Shown     string // as in Decision
	Actor     UserID
	Duration  *time.Duration
	Servers   *string
	At        time.Time // as in Decision
}

// Registration is the outcome of registering a key.
type Registration struct {
	Key      Key
	Fresh    bool    // false when the person had registered it before
	Released []int64 // requests that waited for it and go to the approvers now

	Proof     ProofCause // why it is not registered yet; empty when it is
	Challenge Challenge  // what has to be signed then
}
