package slackapi

import (
	"context"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// OpenModal shows a modal to the person who did something three seconds ago at most.
func (c *Client) OpenModal(ctx context.Context, trigger string, v slack.ModalViewRequest) error {
	return c.do(ctx, call{method: "views.open"}, func(ctx context.Context) error {
		_, err := c.slack.OpenViewContext(ctx, trigger, v)
		return err
	})
}

// UpdateModal replaces what an open modal shows.
func (c *Client) UpdateModal(ctx context.Context, id string, v slack.ModalViewRequest) error {
	return c.do(ctx, call{method: "views.update", safe: true}, func(ctx context.Context) error {
		_, err := c.slack.UpdateViewContext(ctx, v, "", "", id)
		return err
	})
}

// PublishHome replaces a person's Home tab.
func (c *Client) PublishHome(ctx context.Context, to access.UserID, v slack.HomeTabViewRequest) error {
	return c.do(ctx, call{method: "views.publish", safe: true}, func(ctx context.Context) error {
		_, err := c.slack.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: string(to), View: v})
		return err
	})
}
