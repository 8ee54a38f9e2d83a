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
	// membersFresh is how old what is known of a user group may be.
	membersFresh = 15 * time.Second
	// stopgap is how old an answer may be that stands in while Slack's rate limit
	// keeps us from asking again: a hundred people may use a command in one minute.
	stopgap = 10 * time.Second
)

var _ access.Directory = (*Directory)(nil)

// Directory tells who somebody is, asked of Slack each time.
type Directory struct {
	api *API

	asking singleflight.Group // those who ask the same at the same time share the answer

	mu     sync.Mutex
	self   *slack.AuthTestResponse // our workspace, once known
	groups map[string]members
	lately map[access.UserID]seen
}

type seen struct {
	profile access.Profile
	at      time.Time
}

type members struct {
	ids []access.UserID
	at  time.Time
}

// NewDirectory makes a Directory.
func NewDirectory(api *API) *Directory {
	return &Directory{api: api, groups: map[string]members{}, lately: map[access.UserID]seen{}}
}

// Profile answers who somebody is now, or, while Slack's rate limit keeps us from
// asking, who they were ten seconds ago at most. A user that Slack does not know is
// Nobody; an error means that Slack did not say.
func (d *Directory) Profile(ctx context.Context, id access.UserID) (access.Profile, error) {
	profile, err := d.profile(ctx, id, func() (*slack.User, error) {
		return shared(ctx, d, string(id), func(ctx context.Context) (*slack.User, error) { return d.api.User(ctx, id) })
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if err != nil {
		if known, ok := d.lately[id]; ok && now.Sub(known.at) < stopgap && access.CodeOf(err) == access.RateLimited {
			return known.profile, nil
		}
		return access.Profile{}, err
	}
	maps.DeleteFunc(d.lately, func(_ access.UserID, s seen) bool { return now.Sub(s.at) >= stopgap })
	d.lately[id] = seen{profile, now}
	return profile, nil
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
	case u.IsRestricted || u.IsUltraRestricted || u.IsInvitedUser:
		return access.Guest
	}
	return access.Member
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

// Members lists a user group's members, as of fifteen seconds ago at most, and somewhat
// older while Slack's rate limit keeps us from asking.
func (d *Directory) Members(ctx context.Context, group string) ([]access.UserID, error) {
	d.mu.Lock()
	known, ok := d.groups[group]
	d.mu.Unlock()
	age := time.Since(known.at)
	if ok && age < membersFresh {
		return known.ids, nil
	}
	found, err := shared(ctx, d, group, func(ctx context.Context) (members, error) { return d.askMembers(ctx, group) })
	if ok && age < membersFresh+stopgap && access.CodeOf(err) == access.RateLimited {
		return known.ids, nil
	}
	return found.ids, err
}

func (d *Directory) askMembers(ctx context.Context, group string) (members, error) {
	found := members{at: time.Now()}
	ids, err := d.api.Group(ctx, group)
	if err != nil {
		return members{}, err
	}
	for _, id := range ids {
		found.ids = append(found.ids, access.UserID(id))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups[group] = found
	return found, nil
}
