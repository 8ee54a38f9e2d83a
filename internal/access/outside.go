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

// Target is a system whose servers keys are placed on. Its errors are *Error.
type Target interface {
	// Servers reads all servers, to the last page.
	Servers(ctx context.Context) ([]Server, error)
	// Server reads one; NotFound when the account does not have it.
	Server(ctx context.Context, id int64) (Server, error)
	// Acquire waits until a call may be made and answers a context for that one
	// call. The turn must be given back with release, used or not; more than once
	// does no harm.
	Acquire(ctx context.Context, p Priority) (turn context.Context, release func(), err error)
	// List reads all credentials of a server, to the last page.
	List(ctx context.Context, server int64) ([]Credential, error)
	// Add places a key and answers the credential as confirmed. UnknownOutcome when
	// the answer was lost; it is never repeated by itself.
	Add(ctx context.Context, server int64, c Credential) (Credential, error)
	// Remove deletes a credential. NotFound when there is none with that id.
	Remove(ctx context.Context, server, id int64) error
	// Sessions lists the open SSH sessions.
	Sessions(ctx context.Context, server int64) ([]Session, error)
	// Ping makes the cheapest call that needs our credentials.
	Ping(ctx context.Context) error
}

// Pace is how fast a target lets itself be called now.
type Pace struct {
	Pause     time.Duration // for so long it asks to be left alone; 0 when it does not
	PerMinute int           // calls it takes in a minute; 0 when that is not known
}

// Paced is a Target that knows its pace.
type Paced interface {
	Pace() Pace
}

// Directory knows who somebody is in Slack.
type Directory interface {
	// Profile returns who somebody is, by an answer to a question asked no longer than
	// maxAge before the call. With 0 it asks after it was called, or fails; otherwise an
	// answer some seconds older will do while Slack's rate limit keeps it from asking.
	Profile(ctx context.Context, id UserID, maxAge time.Duration) (Profile, error)
	// Forget drops what is remembered of a person.
	Forget(id UserID)
	// Standings reads the list of all users, to its last page, and returns how those of
	// the given ones stand whom it holds.
	Standings(ctx context.Context, of []UserID) (map[UserID]Standing, error)
	// Members lists the members of a user group; maxAge is that of Profile. NotFound and
	// Forbidden mean that asking again would not help.
	Members(ctx context.Context, group string, maxAge time.Duration) ([]UserID, error)
	// Workspace returns the id of our own workspace.
	Workspace(ctx context.Context) (string, error)
}
