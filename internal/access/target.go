package access

import (
	"context"
	"time"
)

// Priority is the order in which calls to a target get their turn when its rate limit makes
// them wait.
type Priority int

// The priorities, the lowest first.
const (
	Reading  Priority = iota // reads for an audit
	Addition                 // gives access
	Renewal                  // keeps access that was given, or searches for keys to remove
	Removal                  // ends access
)

// Target is one configured system on whose servers keys are placed, such as an account with
// a hosting provider. What only some targets can do is one of the interfaces below, which such
// a target implements as well. Package targettest checks every adapter against what these
// comments promise.
//
// A target must be safe for use by many goroutines. A call must return soon after its ctx
// ends. Texts that others have written there are returned as CleanText leaves them, and not
// shortened.
//
// The errors are *Error, except for those of Acquire. They contain neither our credentials
// nor a whole answer of the target, and have one of these codes:
//
//   - Unauthorized if our own credentials are refused, and for nothing else: it halts all work
//     on the target.
//   - NotFound if the target itself says that it does not have the server or the credential:
//     what had to be removed there is settled then.
//   - UnknownOutcome if a write failed that may have taken effect, or still may. After every
//     other code, it has not and will not.
//   - Invalid if the target refuses what the call is about, and Forbidden if it refuses the
//     call to us: both until a person changes something.
//   - RateLimited if it asks to be called later, with RetryAfter if it says when.
//   - Unavailable if the same call may succeed later, and if its ctx ended.
type Target interface {
	// Name identifies the target among those that are configured. The ledger stores it, so it
	// must stay the same. People type it before a slash and the name of a server, so it has no
	// blanks, commas, slashes, * or ?.
	Name() string
	// Title returns what people call the target in a sentence, like «the vault».
	Title() string
	// Servers returns all servers, to the last page, or an error. It sets ExternalID, which no
	// two share, Name, Tags and Online, and Address where the target knows it. Where other targets
	// have servers, too, each Name begins with that of the target and a slash.
	Servers(ctx context.Context) ([]Server, error)
	// Acquire waits until the target's rate limit allows a call, higher priorities first, and
	// returns the context to make that one call with. A call with a context that was not
	// acquired, or was used before, waits by itself. The caller must call release when it is
	// done, whether it made the call or not; calling it more than once does no harm. The error
	// is that of ctx.
	Acquire(ctx context.Context, p Priority) (call context.Context, release func(), err error)
	// List returns all credentials of a server, to the last page, or an error. No two have the
	// same ID.
	List(ctx context.Context, server string) ([]Credential, error)
	// Add places a key and returns the credential as the target confirmed it, with its ID. The
	// error has code Invalid if the target refuses it, for example because it has that label
	// already; if it has that key already, the error wraps ErrKeyTaken. It has code
	// UnknownOutcome if the answer was lost. Add never repeats the call by itself: the first
	// one may still take effect.
	Add(ctx context.Context, server string, c Credential) (Credential, error)
	// Remove deletes a credential. The error has code NotFound if the server has none with that
	// ID.
	Remove(ctx context.Context, server, credential string) error
	// Ping makes the cheapest call that needs our credentials.
	Ping(ctx context.Context) error
}

// ServerReader is a target whose servers may be offline, or leave it. The servers of other
// targets are always there, and listed as online.
type ServerReader interface {
	// Server returns one server. The error has code NotFound if the target does not have it.
	Server(ctx context.Context, id string) (Server, error)
}

// Pager is a target whose list of servers takes several calls. Other targets list all of their
// servers in one.
type Pager interface {
	// ServersPerCall returns how many servers one call lists. It is above 0.
	ServersPerCall() int
}

// SessionLister is a target that knows who is logged in.
type SessionLister interface {
	// Sessions returns the open SSH sessions of a server.
	Sessions(ctx context.Context, server string) ([]Session, error)
}

// Expirer is a target that removes temporary keys by itself.
type Expirer interface {
	// TemporaryLifetime returns how long after it was placed a temporary key is removed. It is
	// above 0.
	TemporaryLifetime() time.Duration
}

// ManualOffboarder is a target that may hold something of a person's which only a person can
// take away, because it has no API for that.
type ManualOffboarder interface {
	// ManualOffboarding returns the sentence that says what has to be done by hand when
	// somebody leaves.
	ManualOffboarding() string
}

// Lender is a target whose one place is an account with a service: whoever holds a key there can
// act as that account, and there are no system users. A grant names the place alone.
type Lender interface {
	// Lending returns the sentence that says what it means to hold a key there, also beside an
	// error, which has code Forbidden if keys are not placed there for grants.
	Lending() (means string, err error)
	// Tokens returns all API tokens of the account. A key lets its holder make them, and they
	// outlive it. Remove takes their IDs, too, which no key has, and refuses those that are
	// Fixed.
	Tokens(ctx context.Context, server string) ([]Credential, error)
}

// Pace is how fast a target may be called at the moment.
type Pace struct {
	Pause     time.Duration // how long it asks not to be called at all; 0 if it does not
	PerMinute int           // how many calls a minute it accepts; 0 if that is not known
}

// Paced is a target that knows its pace.
type Paced interface {
	Pace() Pace
}

// Reserver is a target whose rate limit can be kept in part for calls that end access.
type Reserver interface {
	// Reserve announces that such calls may come within the next d.
	Reserve(d time.Duration)
}

// Metered is a target that allows a number of calls each month.
type Metered interface {
	// MonthlyQuota returns that number; 0 if it is not known.
	MonthlyQuota() int
}

// TargetState is what the ledger stores of a target. All replicas share it.
type TargetState struct {
	ID   int64
	Name string

	ListedAt time.Time // when its list of servers was last read; zero for never, or if it has to be read again
	Doubt    string    // why that list is not taken for complete; empty while it is

	HaltedAt  time.Time     // since when it refuses our credentials, so that all work on it waits; zero while it does not
	HaltTold  bool          // the team was told about a halt, and not yet that it is over
	ResumedAt time.Time     // when the last halt ended
	HaltWait  time.Duration // how long a halt lasts at least, and how long work has to go on before the team is told so; grows with each relapse
}

// Halted reports whether all work on the target waits because it refuses our credentials.
func (t TargetState) Halted() bool { return !t.HaltedAt.IsZero() }
