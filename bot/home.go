package bot

import (
	"context"

	"sshkeybot/bot/draw"
	"sshkeybot/internal/access"
)

// home draws Home tabs.
type home struct {
	uses Looking
	api  *API
}

func (b *Bot) home() home { return home{b.cfg.Uses, b.cfg.API} }

// publish draws a person's Home tab from what is so now. Who may not take part sees
// an empty one.
func (h home) publish(ctx context.Context, person access.UserID, page int) error {
	data := draw.HomeData{Me: person, Page: page}
	if err := h.fill(ctx, &data); err != nil && access.CodeOf(err) != access.Forbidden {
		return err
	}
	return h.api.PublishHome(ctx, person, draw.Home(data))
}

func (h home) fill(ctx context.Context, d *draw.HomeData) error {
	own, err := h.uses.Access(ctx, d.Me, d.Me)
	if err != nil {
		return err
	}
	d.Grants, d.Asked = own.Grants, own.Waiting
	if d.Keys, err = h.uses.Keys(ctx, d.Me, d.Me); err != nil {
		return err
	}
	if d.Approver, err = h.uses.IsApprover(ctx, d.Me); err != nil || !d.Approver {
		return err
	}
	if d.Waiting, err = h.uses.PendingRequests(ctx, d.Me); err != nil {
		return err
	}
	d.Team, err = h.uses.Access(ctx, d.Me, "")
	return err
}
