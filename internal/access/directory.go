package access

import (
	"context"
	"time"
)

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
