package bot

import (
	"context"
	"fmt"
	"strconv"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/workflow"
)

// serversModal shows the first page of a request's servers.
func (b *Bot) serversModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	v, err := b.servedTo(ctx, a)
	return render.ServersModal(v, 0), err
}

// servedTo returns a request for somebody who may take part: its message shows no more
// than this list does.
func (b *Bot) servedTo(ctx context.Context, a act) (workflow.RequestView, error) {
	if err := b.shutOut(ctx, a); err != nil {
		return workflow.RequestView{}, err
	}
	return b.cfg.Uses.View(ctx, a.number())
}

// turnServers turns to another page of a request's servers. It changes nothing, so a page
// that Slack does not take is only noted.
func (b *Bot) turnServers(ctx context.Context, a act) {
	at, ok := a.numbers(2)
	if !ok {
		return
	}
	a.Value = strconv.FormatInt(at[0], 10)
	v, err := b.servedTo(ctx, a)
	if err == nil {
		err = b.cfg.API.UpdateModal(ctx, a.View, render.ServersModal(v, int(at[1])))
	}
	if err != nil {
		b.cfg.Log.Info("a page of servers is not shown", "request", at[0], "error", err)
	}
}

// sendServers sends the list of a request's servers as a file to the one who asks for it,
// in their direct messages.
func (b *Bot) sendServers(ctx context.Context, a act) error {
	if err := b.cfg.Uses.Eligible(ctx, a.Person); err != nil {
		return err
	}
	v, err := b.cfg.Uses.View(ctx, a.number())
	if err != nil {
		return err
	}
	at, err := b.cfg.API.Post(ctx, string(a.Person), "", render.ServersFile(v))
	if err != nil {
		return err
	}
	return b.cfg.API.Upload(ctx, at, fmt.Sprintf("request-%d-servers.csv", v.Request.ID), "Servers", render.ServersCSV(v))
}
