package access

import (
	"context"
	"time"
)

// Priority orders calls that wait for the target's budget.
type Priority int

// From what may wait longest to what goes before everything else.
const (
	Reading  Priority = iota // for an audit
	Addition                 // what gives access
	Renewal                  // what keeps access that is given, and the search for keys to be removed
	Removal                  // what ends access
)

// Target is one configured system whose places keys are put on: an account with its
// servers, say. What not every target can do is an interface of its own below, which it
// implements or not. Package targettest holds every adapter to what is said here.
//
// A target is called by many at once. What others wrote there it returns as CleanText leaves
// it, and else whole. A call ends soon after its ctx does.
//
// Its errors are *Error, except those of Acquire. They show neither our credentials nor a
// whole answer, and have one of these codes:
//
//   - Unauthorized when our own credentials are refused, and for nothing else: all work on the
//     target halts.
//   - NotFound when the target itself says that it does not have the server or the credential:
//     what is owed there ends.
//   - UnknownOutcome when a write failed that may have been carried out, or may still be. With
//     every other code it was not and will not be.
//   - Invalid when the target refuses what a call is about, and Forbidden when it refuses the
//     call to us: both until a person changes something.
//   - RateLimited when it asks for patience, with RetryAfter where it says for how long.
//   - Unavailable when the same call may succeed later, and when its ctx ended.
type Target interface {
	// Name tells this target from the others that are configured. The ledger keeps it, so
	// it stays the same for ever. People write it before a slash and the name of a server, so
	// it holds no blanks, commas, slashes, * or ?.
	Name() string
	// Title returns what people call the target in a sentence, like «RunCloud».
	Title() string
	// Servers reads all servers, to the last page or not at all: ExternalID, Name, Tags and
	// Online. No two have the same ExternalID. The other fields are the ledger's.
	Servers(ctx context.Context) ([]Server, error)
	// Acquire waits until a call may be made, what is more urgent in front, and returns a
	// context for that one call. Any further call, and one that has no leave, waits for itself.
	// What was acquired must be given back with release, used or not; more than once
	// does no harm. The error is that of ctx.
	Acquire(ctx context.Context, p Priority) (call context.Context, release func(), err error)
	// List reads all credentials of a server, to the last page or not at all. No two have the
	// same ID.
	List(ctx context.Context, server string) ([]Credential, error)
	// Add places a key and returns the credential as confirmed, with its ID. Invalid when the
	// target does not take it: because it has the label already, say, or the key, where the
	// error wraps ErrKeyTaken. UnknownOutcome when the answer was lost; it is never repeated by
	// itself.
	Add(ctx context.Context, server string, c Credential) (Credential, error)
	// Remove deletes a credential. NotFound when the server has none with that id.
	Remove(ctx context.Context, server, credential string) error
	// Ping makes the cheapest call that needs our credentials.
	Ping(ctx context.Context) error
}

// ServerReader is a target whose servers may be offline, or leave it. A server of any other
// is always there, and listed as online.
type ServerReader interface {
	// Server reads one server; NotFound when the target does not have it.
	Server(ctx context.Context, id string) (Server, error)
}

// SessionLister is a target that knows who is logged in.
type SessionLister interface {
	// Sessions lists the open SSH sessions of a server.
	Sessions(ctx context.Context, server string) ([]Session, error)
}

// Expirer is a target that removes keys by itself which were placed as temporary.
type Expirer interface {
	// TemporaryLifetime returns after how long, which is above 0.
	TemporaryLifetime() time.Duration
}

// Pace is how fast a target lets itself be called now.
type Pace struct {
	Pause     time.Duration // for so long it asks to be left alone; 0 when it does not
	PerMinute int           // calls it takes in a minute; 0 when that is not known
}

// Paced is a target that knows its pace.
type Paced interface {
	Pace() Pace
}

// Metered is a target whose calls are counted by the month.
type Metered interface {
	// MonthlyQuota returns how many calls a month are paid for; 0 when that is not known.
	MonthlyQuota() int
}

// TargetState is what the ledger knows of a target. All replicas share it.
type TargetState struct {
	ID   int64
	Name string

	ListedAt time.Time // when the list of its servers was last read; zero for never, or when it is to be read anew
	Doubt    string    // why that list is not believed; empty while it is

	HaltedAt  time.Time     // since when it refuses our credentials, so that all work on it waits; zero while it does not
	HaltTold  bool          // the team was told of a halt, and not yet that it is over
	ResumedAt time.Time     // when the last halt ended
	HaltWait  time.Duration // for so long the next one lasts at least, and must its end hold to be told
}

// Halted reports whether all work on the target waits because it refuses our credentials.
func (t TargetState) Halted() bool { return !t.HaltedAt.IsZero() }
