package bot

import (
	"context"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// home draws Home tabs.
type home struct {
	uses Looking
	api  *slackapi.Client
}

func (b *Bot) home() home { return home{b.cfg.Uses, b.cfg.API} }

// publish draws a person's Home tab from what is so now. Who may not take part sees
// why, and nothing to press.
func (h home) publish(ctx context.Context, person access.UserID, page int) error {
	home, err := h.uses.Home(ctx, person)
	if err != nil && access.CodeOf(err) != access.Forbidden {
		return err
	}
	data := render.HomeData{
		Me: person, Page: page, Approver: home.Approver, Grants: home.Own.Grants, Keys: home.Keys,
		Asked: home.Asked, Waiting: home.Waiting, Team: home.Team,
	}
	if err != nil {
		data.Refused = access.MessageOf(err)
	}
	return h.api.PublishHome(ctx, person, render.Home(data))
}
