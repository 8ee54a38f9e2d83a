package bot

import (
	"context"
	"unicode/utf8"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func (b *Bot) list(ctx context.Context, in interaction, c command) (render.Message, error) {
	return b.listPage(ctx, in, c.Person, workflow.PageQuery{})
}

func (b *Bot) pending(ctx context.Context, in interaction, _ command) (render.Message, error) {
	return b.pendingPage(ctx, in, workflow.PageQuery{}, "")
}

func (b *Bot) servers(ctx context.Context, in interaction, c command) (render.Message, error) {
	return b.serversPage(ctx, in, c.Servers, workflow.PageQuery{})
}

// turnPage shows another page of a list to somebody who may see it now.
func (b *Bot) turnPage(ctx context.Context, in interaction) (render.Message, error) {
	q, about, ok := render.ReadPage(in.Value)
	if !ok {
		return render.Message{}, refuse("That page cannot be read. Please use the command again.")
	}
	switch in.Action {
	case render.ActionListPage:
		return b.listPage(ctx, in, access.UserID(about), q)
	case render.ActionPendingPage:
		return b.pendingPage(ctx, in, q, "")
	}
	return b.serversPage(ctx, in, about, q)
}

func (b *Bot) listPage(ctx context.Context, in interaction, of access.UserID, q workflow.PageQuery) (render.Message, error) {
	all, err := b.cfg.Uses.AccessPage(ctx, in.Person, of, q)
	if err != nil {
		return render.Message{}, err
	}
	return render.List(all, of, in.Person), nil
}

// pendingPage shows what waits for a decision, after what came of the last one.
func (b *Bot) pendingPage(ctx context.Context, in interaction, q workflow.PageQuery, after string) (render.Message, error) {
	all, err := b.cfg.Uses.PendingRequests(ctx, in.Person, q)
	if err != nil {
		return render.Message{}, err
	}
	var ids []int64
	for _, v := range all.Views {
		ids = append(ids, v.Request.ID)
	}
	posts, err := b.cfg.Outbox.RequestPosts(ctx, ids...)
	return render.Pending(all, posts, after), err
}

// patternOnButton is how long a pattern may be that the buttons of a page carry: Slack allows their values 2,000
// characters (Slack, "Block Kit: button element").
const patternOnButton = 1900

func (b *Bot) serversPage(ctx context.Context, in interaction, pattern string, q workflow.PageQuery) (render.Message, error) {
	if utf8.RuneCountInString(pattern) > patternOnButton {
		return render.Message{}, refuse("That names too many servers one by one. Name them with * and ?, or by a tag.")
	}
	all, err := b.cfg.Uses.ServersPage(ctx, in.Person, pattern, q)
	if err != nil {
		return render.Message{}, err
	}
	return render.Servers(all), nil
}
