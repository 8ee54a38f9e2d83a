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

// atOnce deals with what must not or need not be stored: refusals, the help, and
// modals. It answers the payload of the acknowledgement.
func (b *Bot) atOnce(ctx context.Context, a act) (payload any, done bool) {
	switch a.Kind {
	case aCommand:
		return b.commandAtOnce(ctx, a)
	case aClick:
		return nil, b.clickAtOnce(ctx, a)
	case aSubmission:
		return b.submissionAtOnce(ctx, a)
	}
	return nil, false
}

func (b *Bot) commandAtOnce(ctx context.Context, a act) (payload any, done bool) {
	if err := leaked(a.Text); err != nil {
		return refusal(err), true
	}
	c, err := understand(a)
	switch {
	case err != nil:
		return refusal(err), true
	case c.Verb != "help" && !c.Incomplete:
		return nil, false
	}
	if err := b.shutOut(ctx, a); err != nil {
		return refusal(err), true
	}
	if c.Verb == "help" {
		return slackapi.Ephemeral(render.Help()), true
	}
	view := render.RegisterModal()
	view.PrivateMetadata = a.Channel // where the answer is shown
	if c.Verb == "grant" {
		if err := b.seen(a); err != nil {
			return refusal(err), true
		}
		view = render.GrantModal(b.prefilled(a, c), b.cfg.SystemUsers, b.cfg.Limits)
	}
	return b.open(ctx, a, view), true
}

// shutOut answers why somebody may take no part at all; nil while that cannot be told
// quickly, since whatever changes something is refused later as well.
func (b *Bot) shutOut(ctx context.Context, a act) error {
	look, cancel := context.WithTimeout(ctx, b.windows.look)
	defer cancel()
	if err := b.cfg.Uses.Eligible(look, a.Person); access.CodeOf(err) == access.Forbidden {
		return err
	}
	return nil
}

func (b *Bot) prefilled(a act, c command) render.GrantForm {
	form := render.GrantForm{Person: c.Person, Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: a.Channel}
	switch {
	case c.Forever:
		form.Duration = "forever"
	case c.Duration > 0:
		form.Duration = duration.Format(c.Duration)
	}
	if form.Person == "" {
		form.Person = a.Person
	}
	return form
}

// open shows a modal, and answers why not when that fails.
func (b *Bot) open(ctx context.Context, a act, view slack.ModalViewRequest) any {
	soon, cancel := context.WithTimeout(ctx, b.windows.open-b.now().Sub(a.At))
	defer cancel()
	if err := b.cfg.API.OpenModal(soon, a.Trigger, view); err != nil && !alreadyOpen(err) {
		b.cfg.Log.Warn("a form could not be opened", "envelope", a.ID, "form", view.CallbackID, "error", err)
		r := slackapi.Ephemeral(render.FormNotOpened())
		if a.Kind == aCommand {
			return r
		}
		b.answerSoon(a, r, nil)
	}
	return nil
}

// alreadyOpen reports whether a form was opened for this trigger before: Slack has
// delivered the same command or click twice.
func alreadyOpen(err error) bool {
	code := slackapi.ErrorCode(err)
	return code == "exchanged_trigger_id" || code == "trigger_exchanged"
}

// answerSoon answers a click that is not stored, after its acknowledgement.
func (b *Bot) answerSoon(a act, r slackapi.Reply, cause error) {
	b.crew.do(a.Person, func(ctx context.Context) { // it outlives the envelope
		defer b.contain(a, func() {})
		b.answer(ctx, a, nil, r)
		b.mend(ctx, a, cause)
	})
}

// redelivered is how long a click may come again.
const redelivered = time.Hour

// clickAtOnce opens the modal that a button asks for, once however often the click is
// delivered. What it cannot decide quickly it leaves to the submission, which is checked
// in any case.
func (b *Bot) clickAtOnce(ctx context.Context, a act) bool {
	modal := map[string]func(context.Context, act) (slack.ModalViewRequest, error){
		render.ActionRegister: b.registerModal, render.ActionExtend: b.extendModal,
		render.ActionDeny: b.decisionModal, render.ActionEdit: b.decisionModal, render.ActionServers: b.serversModal,
		render.ActionProve: b.proveModal,
	}[a.Action]
	switch {
	case a.Action == render.ActionServersPage:
		b.turnServers(ctx, a)
		return true
	case modal == nil:
		return false
	}
	if !b.formed.first(cmp.Or(a.Trigger, a.ID), b.now(), redelivered) {
		return true
	}
	look, cancel := context.WithTimeout(ctx, b.windows.look)
	defer cancel()
	view, err := modal(look, a)
	if err != nil {
		b.answerSoon(a, refusal(err), err)
		return true
	}
	b.open(ctx, a, view)
	return true
}

func (b *Bot) registerModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	return render.RegisterModal(), b.shutOut(ctx, a)
}

func (b *Bot) proveModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	return render.ProveModal(a.Value, a.Channel), b.shutOut(ctx, a)
}

func (b *Bot) extendModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	own, err := b.cfg.Uses.Access(ctx, a.Person, a.Person)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	for _, g := range own.Grants {
		if g.Grant.ID == a.number() && g.Grant.LiveAt(b.now()) {
			return render.ExtendModal(g), nil
		}
	}
	return slack.ModalViewRequest{}, &access.Error{Code: access.Conflict, Message: "That access has ended. Ask anew with `/sshkey grant`."}
}

func (b *Bot) decisionModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	v, err := b.cfg.Uses.View(ctx, a.number())
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	if err := v.Request.CheckPending(b.now()); err != nil {
		return slack.ModalViewRequest{}, err
	}
	if approver, err := b.cfg.Uses.IsApprover(ctx, a.Person); err == nil && !approver {
		return slack.ModalViewRequest{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this.", Ask: v.Deciders}
	}
	_, shown := render.ReadDecision(a.Value)
	if err := b.cfg.Uses.CheckShown(ctx, v.Request.ID, shown); err != nil {
		return slack.ModalViewRequest{}, err
	}
	if a.Action == render.ActionDeny {
		return render.DenyModal(v), nil
	}
	return render.EditModal(v), nil
}
