package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// requestFor returns a request for somebody who may take part: its message and its thread show
// no less than these lists do.
func (b *Bot) requestFor(ctx context.Context, in interaction, id int64) (workflow.RequestView, error) {
	if err := b.checkEligible(ctx, in); err != nil {
		return workflow.RequestView{}, err
	}
	return b.cfg.Uses.View(ctx, id)
}

// serversFor returns a request for its list of servers or, where the button is of something that
// an audit has found, the audit with the servers of that.
func (b *Bot) serversFor(ctx context.Context, in interaction) (v workflow.RequestView, found string, at int, err error) {
	id, at, found := render.ReadFinding(in.Value)
	if found == "" {
		v, err = b.requestFor(ctx, in, id)
		return v, "", at, err
	}
	if v, err = b.cfg.Uses.Audit(ctx, in.Person, id); err != nil {
		return v, found, at, err
	}
	v, ok := render.OnlyFound(v, found)
	if !ok {
		err = &access.Error{Code: access.Conflict, Message: "That has changed since it was shown. Please look at the audit again."}
	}
	return v, found, at, err
}

func (b *Bot) openServers(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	v, found, at, err := b.serversFor(ctx, in)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	return render.ServersModal(v, found, at), nil
}

// turnServersPage turns to another page of such a list.
func (b *Bot) turnServersPage(ctx context.Context, in interaction) {
	view, err := b.openServers(ctx, in)
	b.redrawModal(ctx, in, view, err)
}

// sendServers sends such a list as a file to the one who asks for it, in their direct messages.
func (b *Bot) sendServers(ctx context.Context, in interaction) error {
	v, _, _, err := b.serversFor(ctx, in)
	if err != nil {
		return err
	}
	return b.sendFile(ctx, in, render.ServersFile(v), fmt.Sprintf("request-%d-servers.csv", v.Request.ID), "Servers", render.ServersCSV(v))
}

// sendKeys does so with the keys that a request lists.
func (b *Bot) sendKeys(ctx context.Context, in interaction) error {
	v, err := b.requestFor(ctx, in, in.id())
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
