package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// handle does what an interaction asks for, once or again after a restart, and replies.
func (b *Bot) handle(ctx context.Context, in interaction, ack *ackReply) {
	r, err := b.perform(ctx, in)
	if err != nil && b.postpone(ctx, in, ack, err) {
		return
	}
	b.waiting.Saw(ctx, in.ID, nil, "envelope", in.ID, "person", in.Person, "type", in.Kind)
	if err != nil {
		b.cfg.Log.Info("refused", "envelope", in.ID, "person", in.Person, "type", in.Kind, "code", access.CodeOf(err), "error", err)
		r = refusal(err)
		r.Replace = in.Private && access.CodeOf(err) == access.Conflict // its buttons can do no more
	}
	if in.Kind == kindSubmission {
		in.Channel = b.formChannel(ctx, in)
	}
	told := true
	if r.Text != "" && in.expectsReply() {
		told = b.reply(ctx, in, ack, r)
	}
	if err != nil && temporary(err) && in.changes() && !told {
		return // Slack is away: it is tried again until it succeeds or the person can be told
	}
	b.markHandled(ctx, in.ID)
	if in.Kind == kindClick {
		b.refreshStale(ctx, in, err)
	}
}

// postpone leaves an interaction that would change something to a later sweep when its
// error is temporary, and says so once. It reports whether it did. That somebody left is
// never given up.
func (b *Bot) postpone(ctx context.Context, in interaction, ack *ackReply, err error) bool {
	late := b.now().Sub(in.At) > giveUpAfter && (in.Kind != kindUserChange || access.CodeOf(err) == access.Internal)
	if !temporary(err) || !in.changes() || late {
		return false
	}
	b.waiting.Saw(ctx, in.ID, err, "envelope", in.ID, "person", in.Person, "type", in.Kind)
	if in.fresh && in.expectsReply() {
		b.reply(ctx, in, ack, slackapi.Ephemeral(render.HasToWait()))
	}
	return true
}

// temporary reports whether what failed may succeed in a minute.
func temporary(err error) bool { return slackapi.IsTemporary(err) && keySentence(err) == "" }

// expectsReply reports whether a person did this, rather than that Slack noted it.
func (in interaction) expectsReply() bool {
	return in.Kind != kindUserChange && in.Kind != kindHomeOpened
}

// changes reports whether the interaction may change something.
func (in interaction) changes() bool {
	switch in.Kind {
	case kindCommand:
		return !in.command.verb().readsOnly
	case kindHomeOpened:
		return false
	}
	turns := []string{render.ActionHomePage, render.ActionListPage, render.ActionPendingPage, render.ActionFoundPage, render.ActionLogPage}
	return !slices.Contains(turns, in.Action)
}

// perform does what an interaction asks for. A panic counts as refused: it would come again.
func (b *Bot) perform(ctx context.Context, in interaction) (r slackapi.Reply, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			b.cfg.Log.Error("a fault of the bot", "envelope", in.ID, "type", in.Kind, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = &access.Error{Code: access.Conflict, Op: "panic", Message: "Something went wrong on my side; the log tells more."}
		}
	}()
	switch in.Kind {
	case kindCommand:
		return b.command(ctx, in)
	case kindClick:
		return b.click(ctx, in)
	case kindSubmission:
		return b.submission(ctx, in)
	case kindUserChange:
		return slackapi.Reply{}, b.cfg.Uses.AccountDeactivated(ctx, in.Person)
	case kindHomeOpened:
		return slackapi.Reply{}, b.cfg.Outbox.PublishHome(ctx, in.Person, 0)
	}
	return slackapi.Reply{}, nil
}
