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
// implements or not. Its errors are *Error.
type Target interface {
	// Name tells this target from the others that are configured. The ledger keeps it, so
	// it stays the same for ever.
	Name() string
	// Title returns what people call the target in a sentence, like «RunCloud».
	Title() string
	// Servers reads all servers, to the last page, with their ExternalID and without an ID.
	Servers(ctx context.Context) ([]Server, error)
	// Acquire waits until a call may be made and returns a context for that one
	// call. What was acquired must be given back with release, used or not; more than once
	// does no harm.
	Acquire(ctx context.Context, p Priority) (call context.Context, release func(), err error)
	// List reads all credentials of a server, to the last page.
	List(ctx context.Context, server string) ([]Credential, error)
	// Add places a key and returns the credential as confirmed. UnknownOutcome when
	// the answer was lost; it is never repeated by itself.
	Add(ctx context.Context, server string, c Credential) (Credential, error)
	// Remove deletes a credential. NotFound when there is none with that id.
	Remove(ctx context.Context, server, credential string) error
	// Ping makes the cheapest call that needs our credentials.
	Ping(ctx context.Context) error
}

// ServerReader is a target whose servers may be offline, or leave it. A server of any other
// is always there.
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
	// TemporaryLifetime returns after how long.
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
