package bot

import (
	"context"
	"errors"
	"time"

	"sshkeybot/internal/access"
)

// group is what is known of a user group. Its turn is had by one who reads at a time.
type group struct {
	turn chan struct{}
	ids  []access.UserID
	err  error
	at   time.Time // when the last reading began
}

// Members implements access.Directory: as of fifteen seconds ago at most, and somewhat
// older while Slack's rate limit keeps us from asking.
func (d *Directory) Members(ctx context.Context, id string) ([]access.UserID, error) {
	d.mu.Lock()
	known := d.group(id)
	ids, err, age := known.ids, known.err, time.Since(known.at)
	d.mu.Unlock()
	good := err == nil || forGood(err)
	if good && age < membersFresh {
		return ids, err
	}
	now, nowErr := d.MembersNow(ctx, id)
	if good && age < membersFresh+stopgap && access.CodeOf(nowErr) == access.RateLimited {
		return ids, err
	}
	return now, nowErr
}

// forGood reports whether a group is refused in a way that asking again does not mend.
func forGood(err error) bool {
	code := access.CodeOf(err)
	return code == access.NotFound || code == access.Forbidden
}

// MembersNow implements access.Directory. Those who ask while the group is being read
// share the next reading.
func (d *Directory) MembersNow(ctx context.Context, id string) ([]access.UserID, error) {
	if _, err := d.ourselves(ctx); err != nil {
		return nil, err
	}
	asked := time.Now()
	d.mu.Lock()
	g := d.group(id)
	d.mu.Unlock()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return nil, unanswered(call{method: "usergroups.users.list", safe: true}, ctx.Err())
	}
	d.mu.Lock()
	ids, err, shared := g.ids, g.err, g.at.After(asked)
	d.mu.Unlock()
	if shared {
		return ids, err
	}
	began := time.Now()
	ids, err = d.readMembers(ctx, id)
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx.Err() == nil { // what one gave up is not told the others
		g.ids, g.err, g.at = ids, err, began
	}
	return ids, err
}

// group answers what is known of a user group. The caller holds mu.
func (d *Directory) group(id string) *group {
	if d.groups[id] == nil {
		d.groups[id] = &group{turn: make(chan struct{}, 1), err: errors.New("not read yet")}
	}
	return d.groups[id]
}

func (d *Directory) readMembers(ctx context.Context, id string) ([]access.UserID, error) {
	names, err := d.api.Group(ctx, id)
	if err != nil {
		return nil, refusedGroup(err)
	}
	ids := make([]access.UserID, len(names))
	for i, name := range names {
		ids[i] = access.UserID(name)
	}
	return ids, nil
}

// refusedGroup tells what Slack refuses for good from what passes. Whatever is not
// Slack's word on this group, as the page of a proxy, passes.
func refusedGroup(err error) error {
	code := slackCode(err)
	refused := &access.Error{Code: access.Forbidden, Op: "usergroups.users.list", Err: err}
	switch {
	case temporary(err) || refusesToken(code):
		return err
	case code == "":
		refused.Code, refused.Message = access.Unavailable, slackIsAway
	case code == "no_such_subteam":
		refused.Code, refused.Message = access.NotFound, "Slack knows no such user group."
	case code == "plan_upgrade_required" || code == "paid_teams_only":
		refused.Message = "The plan of this Slack workspace has no user groups."
	case code == "missing_scope" || code == "not_allowed_token_type":
		refused.Message = "My token lacks the scope usergroups:read."
	default:
		refused.Message = "Slack does not let me read it (" + code + ")."
	}
	return refused
}
