package bot

import (
	"context"
	"fmt"
	"strconv"

	"sshkeybot/bot/render"
	"sshkeybot/internal/workflow"
)

// requestFor returns a request for somebody who may take part: its message shows no more
// than this list does.
func (b *Bot) requestFor(ctx context.Context, in interaction) (workflow.RequestView, error) {
	if err := b.checkEligible(ctx, in); err != nil {
		return workflow.RequestView{}, err
	}
	return b.cfg.Uses.View(ctx, in.id())
}

// turnServersPage turns to another page of a request's servers. It changes nothing, so a page
// that Slack does not take is only noted.
func (b *Bot) turnServersPage(ctx context.Context, in interaction) {
	at, ok := in.ids(2)
	if !ok {
		return
	}
	in.Value = strconv.FormatInt(at[0], 10)
	v, err := b.requestFor(ctx, in)
	if err == nil {
		err = b.cfg.API.UpdateModal(ctx, in.View, render.ServersModal(v, int(at[1])))
	}
	if err != nil {
		b.cfg.Log.Info("a page of servers is not shown", "request", at[0], "error", err)
	}
}

// sendServers sends the list of a request's servers as a file to the one who asks for it,
// in their direct messages.
func (b *Bot) sendServers(ctx context.Context, in interaction) error {
	v, err := b.requestFor(ctx, in)
	if err != nil {
		return err
	}
	return b.sendFile(ctx, in, render.ServersFile(v), fmt.Sprintf("request-%d-servers.csv", v.Request.ID), "Servers", render.ServersCSV(v))
}

// sendKeys does the same with the keys that a request lists.
func (b *Bot) sendKeys(ctx context.Context, in interaction) error {
	v, err := b.requestFor(ctx, in)
	if err != nil {
		return err
	}
	return b.sendFile(ctx, in, render.KeysFile(v), fmt.Sprintf("request-%d-keys.csv", v.Request.ID), "Keys", render.KeysCSV(v))
}

// sendFile sends a file to the direct messages of the one who asks for it.
func (b *Bot) sendFile(ctx context.Context, in interaction, m render.Message, name, title string, content []byte) error {
	at, err := b.cfg.API.Post(ctx, string(in.Person), "", m)
	if err != nil {
		return err
	}
	return b.cfg.API.Upload(ctx, at, name, title, content)
}
