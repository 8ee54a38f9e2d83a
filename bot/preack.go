package bot

import (
	"cmp"
	"context"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// preack does before the acknowledgement what must not or need not be stored: refusals,
// the help, and modals. It returns the payload of the acknowledgement, and false for what
// is to be stored and handled.
func (b *Bot) preack(ctx context.Context, in interaction) (payload any, done bool) {
	switch in.Kind {
	case kindCommand:
		return b.preackCommand(ctx, in)
	case kindClick:
		return nil, b.preackClick(ctx, in)
	case kindSubmission:
		return b.preackSubmission(ctx, in)
	case kindSuggestion:
		return b.suggest(ctx, in), true
	}
	return nil, false
}

func (b *Bot) preackCommand(ctx context.Context, in interaction) (payload any, done bool) {
	if err := checkNoSecret(in.Text); err != nil {
		return refusal(err), true
	}
	if in.unclear != nil {
		return refusal(in.unclear), true
	}
	v := in.command.verb()
	switch {
	case in.command.Incomplete:
		return b.openForCommand(ctx, in, modalNamed(v.modal)), true
	case v.atOnce:
		r, err := b.command(ctx, in)
		if err != nil {
			r = refusal(err)
		}
		return r, true
	}
	return nil, false
}

// openForCommand opens the modal that asks for what a command leaves out.
func (b *Bot) openForCommand(ctx context.Context, in interaction, m modal) (payload any) {
	view, err := m.open(b, ctx, in)
	if err != nil {
		return refusal(err)
	}
	return b.open(ctx, in, view)
}

// checkEligible returns why somebody may take no part at all. It returns nil when that
// cannot be found out quickly: whatever changes something is checked again later.
func (b *Bot) checkEligible(ctx context.Context, in interaction) error {
	quick, cancel := context.WithTimeout(ctx, b.timeouts.check)
	defer cancel()
	if err := b.cfg.Uses.Eligible(quick, in.Person); access.CodeOf(err) == access.Forbidden {
		return err
	}
	return nil
}

// open shows a modal. When that fails, the person is told so: by the payload that it
// returns for a command, and by a later reply otherwise.
func (b *Bot) open(ctx context.Context, in interaction, view slack.ModalViewRequest) any {
	soon, cancel := context.WithTimeout(ctx, b.timeouts.open-b.now().Sub(in.At))
	defer cancel()
	if err := b.cfg.API.OpenModal(soon, in.Trigger, view); err != nil && !isAlreadyOpen(err) {
		b.cfg.Log.Warn("a form could not be opened", "envelope", in.ID, "form", view.CallbackID, "error", err)
		r := slackapi.Ephemeral(render.FormNotOpened())
		if in.Kind == kindCommand {
			return r
		}
		b.replyLater(in, r, nil)
	}
	return nil
}

// isAlreadyOpen reports whether a form was opened for this trigger before: Slack has
// delivered the same command or click twice.
func isAlreadyOpen(err error) bool {
	code := slackapi.ErrorCode(err)
	return code == "exchanged_trigger_id" || code == "trigger_exchanged"
}

// replyLater replies after the acknowledgement to what is not stored.
func (b *Bot) replyLater(in interaction, r slackapi.Reply, cause error) {
	b.queues.add(in.Person, func(ctx context.Context) { // it outlives the envelope
		defer b.recoverPanic(in, func() {})
		b.reply(ctx, in, nil, r)
		b.refreshStale(ctx, in, cause)
	})
}

// redeliveryTime is how long Slack may deliver a click again.
const redeliveryTime = time.Hour

// preackClick opens the modal that a button asks for, once however often the click is
// delivered. What it cannot check quickly it leaves to the submission, which is checked in
// any case.
func (b *Bot) preackClick(ctx context.Context, in interaction) bool {
	switch in.Action {
	case render.ActionServersPage:
		b.turnServersPage(ctx, in)
		return true
	case render.ActionCandidatesPage:
		b.turnCandidatesPage(ctx, in)
		return true
	case render.ActionDuration:
		b.durationChosen(ctx, in)
		return true
	}
	m := modalBehind(in.Action)
	if m.open == nil {
		return false
	}
	if !b.opened.first(cmp.Or(in.Trigger, in.ID), b.now(), redeliveryTime) {
		return true
	}
	quick, cancel := context.WithTimeout(ctx, b.timeouts.check)
	defer cancel()
	view, err := m.open(b, quick, in)
	if err != nil {
		b.replyLater(in, refusal(err), err)
		return true
	}
	b.open(ctx, in, view)
	return true
}
