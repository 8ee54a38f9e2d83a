package outbox

import (
	"context"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
)

// PublishHome draws a page of a person's Home tab, counted from 0, from what is so now. Who may not take part sees
// why, and nothing to press.
func (n *Announcer) PublishHome(ctx context.Context, person access.UserID, page int) error {
	home, err := n.Uses.Home(ctx, person)
	if err != nil && access.CodeOf(err) != access.Forbidden {
		return err
	}
	var waiting []int64
	for _, v := range home.Waiting {
		waiting = append(waiting, v.Request.ID)
	}
	channels, unread := n.RequestChannels(ctx, waiting...)
	if unread != nil {
		return unread
	}
	data := render.HomeData{
		Me: person, Page: page, Approver: home.Approver, Grants: home.Own.Grants, Keys: home.Keys,
		Asked: home.Asked, Waiting: home.Waiting, Team: home.Team, Channels: channels,
	}
	if err != nil {
		data.Refused = access.MessageOf(err)
	}
	return n.API.PublishHome(ctx, person, render.Home(data))
}
