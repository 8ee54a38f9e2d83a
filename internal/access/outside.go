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
	// Turn waits until a call may be made and answers a context for that one
	// call. The turn must be given back with release, used or not; more than once
	// does no harm.
	Turn(ctx context.Context, p Priority) (turn context.Context, release func(), err error)
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

// Directory tells who somebody is, as Slack says.
type Directory interface {
	// Profile may stand in, for some seconds, with an answer it had before.
	Profile(ctx context.Context, id UserID) (Profile, error)
	// ProfileNow never does: it asks after it was called, or fails.
	ProfileNow(ctx context.Context, id UserID) (Profile, error)
	// Forget drops what is remembered of a person.
	Forget(id UserID)
	// Standings reads the list of all users, to its last page, and returns how those of
	// the given ones stand whom it holds.
	Standings(ctx context.Context, of []UserID) (map[UserID]Standing, error)
	// Members lists the members of a user group, as of some seconds ago. NotFound and
	// Forbidden mean that asking again would not help.
	Members(ctx context.Context, group string) ([]UserID, error)
	// MembersNow lists them as they are after it was called, or fails like Members.
	MembersNow(ctx context.Context, group string) ([]UserID, error)
	// Workspace returns the id of our own workspace.
	Workspace(ctx context.Context) (string, error)
}
