package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// handle does what an act asks for, once or again after a restart, and answers.
func (b *Bot) handle(ctx context.Context, a act, s *slot) {
	r, err := b.perform(ctx, a)
	if err != nil && b.postpone(ctx, a, s, err) {
		return
	}
	if err != nil {
		b.cfg.Log.Info("refused", "envelope", a.ID, "person", a.Person, "kind", a.Kind, "code", access.CodeOf(err), "error", err)
		r = refusal(err)
		r.Replace = a.Private && access.CodeOf(err) == access.Conflict // its buttons can do no more
	}
	if a.Kind == aSubmission {
		a.Channel = b.shownIn(ctx, a)
	}
	told := true
	if r.Text != "" && a.expectsAnswer() {
		told = b.answer(ctx, a, s, r)
	}
	if err != nil && temporary(err) && a.changes() && !told {
		return // Slack is away: it is given up when somebody can be told, and done if it can be until then
	}
	b.settle(ctx, a.ID)
	if a.Kind == aClick {
		b.mend(ctx, a, err)
	}
}

// postpone leaves an act that would change something to a later sweep while
// somebody we need is away, and tells so once. That somebody left is never given up.
func (b *Bot) postpone(ctx context.Context, a act, s *slot, err error) bool {
	late := b.now().Sub(a.At) > giveUp && (a.Kind != aLeft || access.CodeOf(err) == access.Internal)
	if !temporary(err) || !a.changes() || late {
		return false
	}
	b.cfg.Log.Warn("an act waits", "envelope", a.ID, "person", a.Person, "kind", a.Kind, "error", err)
	if a.fresh && a.expectsAnswer() {
		b.answer(ctx, a, s, slackapi.Ephemeral(render.HasToWait()))
	}
	return true
}

// temporary reports whether what failed may succeed in a minute.
func temporary(err error) bool { return slackapi.IsTemporary(err) && keySentence(err) == "" }

// expectsAnswer tells whether somebody did this to us, rather than Slack told us of it.
func (a act) expectsAnswer() bool { return a.Kind != aLeft && a.Kind != aHomeOpened }

// changes tells whether the act is more than a look.
func (a act) changes() bool {
	switch a.Kind {
	case aCommand:
		verb, _ := cutWord(a.Text)
		switch strings.ToLower(verb) {
		case "list", "pending", "servers", "keys":
			return false
		}
		return true
	case aHomeOpened:
		return false
	}
	return a.Action != render.ActionHomePage
}

// perform contains a panic, which counts as refused: it would come again.
func (b *Bot) perform(ctx context.Context, a act) (r slackapi.Reply, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			b.cfg.Log.Error("panic", "envelope", a.ID, "kind", a.Kind, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = &access.Error{Code: access.Conflict, Op: "panic", Message: "Something went wrong on my side; the log tells more."}
		}
	}()
	switch a.Kind {
	case aCommand:
		return b.command(ctx, a)
	case aClick:
		return b.click(ctx, a)
	case aSubmission:
		return b.submitted(ctx, a)
	case aLeft:
		return slackapi.Reply{}, b.cfg.Uses.AccountDeactivated(ctx, a.Person)
	case aHomeOpened:
		return slackapi.Reply{}, b.cfg.Outbox.PublishHome(ctx, a.Person, 0)
	}
	return slackapi.Reply{}, nil
}
