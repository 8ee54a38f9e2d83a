package slackapi

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// Members implements access.Directory.
func (d *Directory) Members(ctx context.Context, group string, maxAge time.Duration) ([]access.UserID, error) {
	return d.members.get(ctx, group, maxAge, func(ctx context.Context) ([]access.UserID, error) { return d.readMembers(ctx, group) })
}

func (d *Directory) readMembers(ctx context.Context, id string) ([]access.UserID, error) {
	if _, err := d.ourselves(ctx); err != nil {
		return nil, err
	}
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

// refusedGroup turns the error of a reading into what Slack refuses for good and what
// passes. Whatever is not Slack's word on this group, as the page of a proxy, passes.
func refusedGroup(err error) error {
	code := ErrorCode(err)
	refused := &access.Error{Code: access.Forbidden, Op: "usergroups.users.list", Err: err}
	switch {
	case IsTemporary(err) || refusesToken(code):
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
