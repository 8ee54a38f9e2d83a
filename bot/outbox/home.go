package outbox

import (
	"context"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
)

// PublishHome draws a page of a person's Home tab, counted from 0, from what is so now. Who may not take part sees
// why, and nothing to press.
func (n *Announcer) PublishHome(ctx context.Context, person access.UserID, page int) error {
	view, err := n.HomeView(ctx, person, page)
	if err != nil {
		return err
	}
	return n.API.PublishHome(ctx, person, view)
}

// HomeView returns what PublishHome shows.
func (n *Announcer) HomeView(ctx context.Context, person access.UserID, page int) (slack.HomeTabViewRequest, error) {
	v, err := n.Uses.PersonView(ctx, person)
	if err != nil && access.CodeOf(err) != access.Forbidden {
		return slack.HomeTabViewRequest{}, err
	}
	data := render.HomeData{
		Me: person, Page: page, Approver: v.Approver, Grants: v.Own.Grants, Keys: v.Keys,
		Asked: v.Asked, Past: v.Past, Waiting: v.Waiting, Team: v.Team,
	}
	if err != nil {
		data.Refused = access.MessageOf(err)
	}
	var waiting []int64
	for _, r := range v.Waiting {
		waiting = append(waiting, r.Request.ID)
	}
	data.Posts, err = n.RequestPosts(ctx, waiting...)
	return render.Home(data), err
}
