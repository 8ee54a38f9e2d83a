package outbox

import (
	"context"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
)

// PublishHome draws a page of a person's Home tab, counted from 0, from what is so now. Who may not take part sees
// why, and nothing to press.
func (n *Announcer) PublishHome(ctx context.Context, person access.UserID, page int) error {
	v, err := n.Uses.PersonView(ctx, person)
	if err != nil && access.CodeOf(err) != access.Forbidden {
		return err
	}
	var waiting []int64
	for _, r := range v.Waiting {
		waiting = append(waiting, r.Request.ID)
	}
	channels, unread := n.RequestChannels(ctx, waiting...)
	if unread != nil {
		return unread
	}
	data := render.HomeData{
		Me: person, Page: page, Approver: v.Approver, Grants: v.Own.Grants, Keys: v.Keys,
		Asked: v.Asked, Waiting: v.Waiting, Team: v.Team, Channels: channels,
	}
	if err != nil {
		data.Refused = access.MessageOf(err)
	}
	return n.API.PublishHome(ctx, person, render.Home(data))
}
