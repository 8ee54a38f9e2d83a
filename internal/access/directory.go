package access

import (
	"context"
	"time"
)

// Directory looks up people and user groups where the team talks to the bot. Its errors are
// *Error.
type Directory interface {
	// Title returns what people call the directory in a sentence.
	Title() string
	// Profile returns the profile of a user. A cached one is returned if it was requested
	// at most maxAge before the call, and may be some seconds older while the rate
	// limit of the directory delays a new request. With a maxAge of 0 it is always requested anew.
	Profile(ctx context.Context, id UserID, maxAge time.Duration) (Profile, error)
	// Forget drops what is cached about a user.
	Forget(id UserID)
	// Standings reads the list of all users, to its last page, and returns the standing
	// of each of the given users that it contains.
	Standings(ctx context.Context, of []UserID) (map[UserID]Standing, error)
	// Members returns the members of a user group; maxAge is as for Profile. NotFound and
	// Forbidden mean that asking again would not help.
	Members(ctx context.Context, group string, maxAge time.Duration) ([]UserID, error)
	// Workspace returns the ID of the bot's own workspace.
	Workspace(ctx context.Context) (string, error)
}
