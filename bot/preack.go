package bot

import (
	"cmp"
	"context"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
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
	}
	return nil, false
}

func (b *Bot) preackCommand(ctx context.Context, in interaction) (payload any, done bool) {
	if err := checkNoSecret(in.Text); err != nil {
		return refusal(err), true
	}
	c := in.command
	switch {
	case in.unclear != nil:
		return refusal(in.unclear), true
	case c.Verb != "help" && !c.Incomplete:
		return nil, false
	}
	if err := b.checkEligible(ctx, in); err != nil {
		return refusal(err), true
	}
	if c.Verb == "help" {
		return slackapi.Ephemeral(render.Help()), true
	}
	view := render.RegisterModal()
	view.PrivateMetadata = in.Channel // where the reply is shown
	if c.Verb == "grant" {
		if err := b.checkVisible(in); err != nil {
			return refusal(err), true
		}
		view = render.GrantModal(b.prefilled(in, c), b.cfg.SystemUsers, b.cfg.Limits)
	}
	return b.open(ctx, in, view), true
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

func (b *Bot) prefilled(in interaction, c command) render.GrantForm {
	form := render.GrantForm{Person: c.Person, Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: in.Channel}
	switch {
	case c.Forever:
		form.Duration = "forever"
	case c.Duration > 0:
		form.Duration = duration.Format(c.Duration)
	}
	if form.Person == "" {
		form.Person = in.Person
	}
	return form
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
	modal := map[string]func(context.Context, interaction) (slack.ModalViewRequest, error){
		render.ActionRegister: b.registerModal, render.ActionExtend: b.extendModal,
		render.ActionDeny: b.decisionModal, render.ActionEdit: b.decisionModal, render.ActionServers: b.serversModal,
		render.ActionProve: b.proveModal,
	}[in.Action]
	switch {
	case in.Action == render.ActionServersPage:
		b.turnServersPage(ctx, in)
		return true
	case modal == nil:
		return false
	}
	if !b.opened.first(cmp.Or(in.Trigger, in.ID), b.now(), redeliveryTime) {
		return true
	}
	quick, cancel := context.WithTimeout(ctx, b.timeouts.check)
	defer cancel()
	view, err := modal(quick, in)
	if err != nil {
		b.replyLater(in, refusal(err), err)
		return true
	}
	b.open(ctx, in, view)
	return true
}

func (b *Bot) registerModal(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return render.RegisterModal(), b.checkEligible(ctx, in)
}

func (b *Bot) proveModal(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return render.ProveModal(in.Value, in.Channel), b.checkEligible(ctx, in)
}

func (b *Bot) extendModal(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	own, err := b.cfg.Uses.Access(ctx, in.Person, in.Person)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	for _, g := range own.Grants {
		if g.Grant.ID == in.id() && g.Grant.LiveAt(b.now()) {
			return render.ExtendModal(g), nil
		}
	}
	return slack.ModalViewRequest{}, &access.Error{Code: access.Conflict, Message: "That access has ended. Ask anew with `/sshkey grant`."}
}

func (b *Bot) decisionModal(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	v, err := b.cfg.Uses.View(ctx, in.id())
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	if err := v.Request.CheckPending(b.now()); err != nil {
		return slack.ModalViewRequest{}, err
	}
	if approver, err := b.cfg.Uses.IsApprover(ctx, in.Person); err == nil && !approver {
		return slack.ModalViewRequest{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this.", Ask: v.Deciders}
	}
	_, shown := render.ReadDecision(in.Value)
	if err := b.cfg.Uses.CheckShown(ctx, v.Request.ID, shown); err != nil {
		return slack.ModalViewRequest{}, err
	}
	if in.Action == render.ActionDeny {
		return render.DenyModal(v), nil
	}
	return render.EditModal(v), nil
}
