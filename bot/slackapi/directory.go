package slackapi

import (
	"context"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

var _ access.Directory = (*Directory)(nil)

// Directory is an access.Directory that asks Slack.
type Directory struct {
	// Bind refuses a workspace (or organisation) that is not the one this bot is for;
	// may be nil. Nothing is told of anybody before it has agreed.
	Bind func(ctx context.Context, team, enterprise string) error

	api      *Client
	profiles cache[access.Profile]  // by user
	members  cache[[]access.UserID] // by user group

	mu   sync.Mutex
	self *slack.AuthTestResponse // our workspace, once known
}

// NewDirectory returns a Directory.
func NewDirectory(api *Client) *Directory {
	return &Directory{
		api: api, profiles: cache[access.Profile]{method: "users.info"}, members: cache[[]access.UserID]{method: "usergroups.users.list"},
	}
}

// Title implements access.Directory.
func (d *Directory) Title() string { return "Slack" }

// Profile implements access.Directory. The standing of a user whom Slack does not know
// is Nobody; an error means that Slack did not say.
func (d *Directory) Profile(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	return d.profiles.get(ctx, string(id), maxAge, func(ctx context.Context) (access.Profile, error) { return d.profile(ctx, id) })
}

// Forget implements access.Directory, for an account that has changed.
func (d *Directory) Forget(id access.UserID) { d.profiles.forget(string(id)) }

func (d *Directory) profile(ctx context.Context, id access.UserID) (access.Profile, error) {
	self, err := d.ourselves(ctx)
	if err != nil {
		return access.Profile{}, err
	}
	user, err := d.api.User(ctx, id)
	switch code := ErrorCode(err); {
	case code == "user_not_found" || code == "user_not_visible":
		return access.Profile{ID: id, Standing: access.Nobody}, nil
	case err != nil:
		return access.Profile{}, err
	}
	return access.Profile{
		ID: id, Standing: standing(*user, self.TeamID, self.EnterpriseID),
		Name: user.Name, RealName: user.Profile.RealName, DisplayName: user.Profile.DisplayName,
	}, nil
}

// Standings implements access.Directory. Slack's rate limit is for few pages a minute:
// it is waited for.
func (d *Directory) Standings(ctx context.Context, of []access.UserID) (map[access.UserID]access.Standing, error) {
	self, err := d.ourselves(ctx)
	if err != nil {
		return nil, err
	}
	wanted, shown := map[access.UserID]bool{}, map[access.UserID]access.Standing{}
	for _, id := range of {
		wanted[id] = true
	}
	for cursor := ""; ; {
		users, next, err := d.api.Users(ctx, cursor)
		if access.CodeOf(err) == access.RateLimited && sleep(ctx, access.RetryAfter(err)) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, user := range users {
			if id := access.UserID(user.ID); wanted[id] {
				shown[id] = standing(user, self.TeamID, self.EnterpriseID)
			}
		}
		if next == "" || next == cursor {
			return shown, nil
		}
		cursor = next
	}
}

// standing judges a record of users.info. Deactivated comes first: such a record
// lacks most other fields, and what is missing would look like a full member.
// is_stranger says too little: it is false for partners of a shared channel.
func standing(u slack.User, team, enterprise string) access.Standing {
	switch {
	case u.Deleted:
		return access.Deactivated
	case u.IsBot || u.IsWorkflowBot || u.IsConnectorBot || u.ID == "USLACKBOT":
		return access.Bot
	case u.TeamID == "" || u.IsStranger:
		return access.Outsider
	case u.TeamID != team && (enterprise == "" || u.Enterprise.EnterpriseID != enterprise):
		return access.Outsider
	case u.IsRestricted || u.IsUltraRestricted:
		return access.Guest
	case u.IsInvitedUser:
		return access.Invited
	}
	return access.Member
}

// Check reports whether Slack takes our token, and as that of the right workspace.
func (d *Directory) Check(ctx context.Context) error {
	_, err := d.ourselves(ctx)
	return err
}

func (d *Directory) ourselves(ctx context.Context) (*slack.AuthTestResponse, error) {
	d.mu.Lock()
	known := d.self
	d.mu.Unlock()
	if known != nil {
		return known, nil
	}
	self, err := d.api.Self(ctx)
	if err != nil {
		return nil, err
	}
	if d.Bind != nil {
		if err := d.Bind(ctx, self.TeamID, self.EnterpriseID); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.self = self
	return self, nil
}

// Workspace implements access.Directory.
func (d *Directory) Workspace(ctx context.Context) (string, error) {
	self, err := d.ourselves(ctx)
	if err != nil {
		return "", err
	}
	return self.TeamID, nil
}
