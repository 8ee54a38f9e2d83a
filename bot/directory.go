package bot

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"sshkeybot/internal/access"
)

const (
	// membersFresh is how old what is known of a user group may be for those who look.
	membersFresh = 15 * time.Second
	// stopgap is how old an answer may be that stands in while Slack's rate limit
	// keeps us from asking again: a hundred people may use a command in one minute.
	stopgap = 10 * time.Second
)

var _ access.Directory = (*Directory)(nil)

// Directory tells who somebody is, asked of Slack each time.
type Directory struct {
	// Bind refuses a workspace (or organisation) that is not the one this bot is for;
	// may be nil. Nothing is told of anybody before it has agreed.
	Bind func(ctx context.Context, team, enterprise string) error

	api *API

	asking singleflight.Group // those who ask the same at the same time share the answer

	mu     sync.Mutex
	self   *slack.AuthTestResponse // our workspace, once known
	groups map[string]*group
	lately map[access.UserID]seen
}

// seen is who somebody was when we asked; without a profile: since when every earlier
// answer is out of date.
type seen struct {
	profile access.Profile
	at      time.Time
}

// NewDirectory makes a Directory.
func NewDirectory(api *API) *Directory {
	return &Directory{api: api, groups: map[string]*group{}, lately: map[access.UserID]seen{}}
}

// Profile answers who somebody is now, or, while Slack's rate limit keeps us from
// asking, who they were ten seconds ago at most. A user that Slack does not know is
// Nobody; an error means that Slack did not say.
func (d *Directory) Profile(ctx context.Context, id access.UserID) (access.Profile, error) {
	var asked time.Time
	profile, err := d.profile(ctx, id, func() (*slack.User, error) {
		found, err := shared(ctx, d, string(id), func(ctx context.Context) (dated, error) {
			at := time.Now()
			user, err := d.api.User(ctx, id)
			return dated{user, at}, err
		})
		asked = found.at
		return found.user, err
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	now, known := time.Now(), d.lately[id]
	if err != nil {
		if known.profile.ID != "" && now.Sub(known.at) < stopgap && access.CodeOf(err) == access.RateLimited {
			return known.profile, nil
		}
		return access.Profile{}, err
	}
	maps.DeleteFunc(d.lately, func(_ access.UserID, s seen) bool { return now.Sub(s.at) >= stopgap })
	if asked.After(known.at) {
		d.lately[id] = seen{profile, asked}
	}
	return profile, nil
}

// dated is a record, and when it was asked for.
type dated struct {
	user *slack.User
	at   time.Time
}

// Forget drops what is remembered of a person, whose account has changed: no answer to
// an earlier question stands in for a new one.
func (d *Directory) Forget(id access.UserID) {
	d.asking.Forget(string(id))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lately[id] = seen{at: time.Now()}
}

// shared asks Slack, or joins those who have just asked the same.
func shared[T any](ctx context.Context, d *Directory, name string, ask func(context.Context) (T, error)) (answer T, err error) {
	// Whoever joins a question must not fail because the one who asked gave up.
	asked := d.asking.DoChan(name, func() (any, error) { return ask(context.WithoutCancel(ctx)) })
	select {
	case got := <-asked:
		answer, _ = got.Val.(T)
		return answer, got.Err
	case <-ctx.Done():
		return answer, unanswered(call{method: "slack", safe: true}, ctx.Err())
	}
}

// ProfileNow answers who somebody is after what has just been heard of them: neither an
// earlier answer nor one to an earlier question will do.
func (d *Directory) ProfileNow(ctx context.Context, id access.UserID) (access.Profile, error) {
	return d.profile(ctx, id, func() (*slack.User, error) { return d.api.User(ctx, id) })
}

func (d *Directory) profile(ctx context.Context, id access.UserID, ask func() (*slack.User, error)) (access.Profile, error) {
	self, err := d.ourselves(ctx)
	if err != nil {
		return access.Profile{}, err
	}
	user, err := ask()
	switch code := slackCode(err); {
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
