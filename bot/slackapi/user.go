package slackapi

import (
	"context"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// User asks who somebody is, now.
func (c *Client) User(ctx context.Context, id access.UserID) (user *slack.User, err error) {
	err = c.do(ctx, call{method: "users.info", safe: true}, func(ctx context.Context) (err error) {
		user, err = c.slack.GetUserInfoContext(ctx, string(id))
		return err
	})
	return user, err
}

// Users reads a page of the list of all users, from the cursor that came with the page
// before; an empty next one means that this is the last.
func (c *Client) Users(ctx context.Context, cursor string) (users []slack.User, next string, err error) {
	err = c.do(ctx, call{method: "users.list", safe: true}, func(ctx context.Context) error {
		page, err := c.slack.GetUsersPaginated(slack.GetUsersOptionCursor(cursor), slack.GetUsersOptionIncludeLocale(false)).Next(ctx)
		users, next = page.Users, page.Cursor
		return err
	})
	return users, next, err
}

// Group lists the active members of a user group.
func (c *Client) Group(ctx context.Context, id string) (members []string, err error) {
	err = c.do(ctx, call{method: "usergroups.users.list", safe: true}, func(ctx context.Context) (err error) {
		members, err = c.slack.GetUserGroupMembersContext(ctx, id)
		return err
	})
	return members, err
}

// Self asks who we are.
func (c *Client) Self(ctx context.Context) (self *slack.AuthTestResponse, err error) {
	err = c.do(ctx, call{method: "auth.test", safe: true}, func(ctx context.Context) (err error) {
		self, err = c.slack.AuthTestContext(ctx)
		return err
	})
	return self, err
}
