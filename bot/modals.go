package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// modal is a form of Slack's. What only shows something has no check, submit and channel.
type modal struct {
	id      string   // callback id
	buttons []string // action ids of the buttons that open it
	open    func(*Bot, context.Context, interaction) (slack.ModalViewRequest, error)
	check   func(*Bot, context.Context, interaction, fieldErrors)            // at once, while it is open
	submit  func(*Bot, context.Context, interaction) (render.Message, error) // after it was stored
	channel func(*Bot, context.Context, interaction) string                  // where the reply is best shown; empty is a direct message
}

// modals returns all of them. Opening one changes nothing, and what was checked then or
// at once is checked again by the use case.
func modals() []modal {
	return []modal{
		{render.ModalRegister, []string{render.ActionRegister}, (*Bot).openRegister, (*Bot).checkRegister, (*Bot).submitRegister, (*Bot).commandChannel},
		{render.ModalProve, []string{render.ActionProve}, (*Bot).openProve, (*Bot).checkProve, (*Bot).submitProve, (*Bot).proofChannel},
		{render.ModalGrant, []string{render.ActionAsk, render.ActionAskAgain}, (*Bot).openGrant, (*Bot).checkGrant, (*Bot).submitGrant, (*Bot).commandChannel},
		{render.ModalExtend, []string{render.ActionExtend}, (*Bot).openExtend, (*Bot).checkExtend, (*Bot).submitExtend, nil},
		{render.ModalDeny, []string{render.ActionDeny}, (*Bot).openDeny, (*Bot).checkDeny, (*Bot).submitDeny, (*Bot).requestChannel},
		{render.ModalEdit, []string{render.ActionEdit}, (*Bot).openEdit, (*Bot).checkEdit, (*Bot).submitEdit, (*Bot).requestChannel},
		{render.ModalServers, []string{render.ActionServers}, (*Bot).openServers, nil, nil, nil},
		{render.ModalCandidates, []string{render.ActionCandidates}, (*Bot).openCandidates, nil, nil, nil},
	}
}

// modalNamed returns the modal with a callback id, the zero one when there is none.
func modalNamed(id string) modal {
	return firstOf(modals(), func(m modal) bool { return m.id == id })
}

// modalBehind returns the modal that a button opens, the zero one when it opens none.
func modalBehind(button string) modal {
	return firstOf(modals(), func(m modal) bool { return slices.Contains(m.buttons, button) })
}

// firstOf returns the first row of a table that is meant, the zero one when none is.
func firstOf[T any](rows []T, isMeant func(T) bool) (row T) {
	if i := slices.IndexFunc(rows, isMeant); i >= 0 {
		row = rows[i]
	}
	return row
}

func (b *Bot) openRegister(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	view := render.RegisterModal()
	if in.Kind == kindCommand {
		view.PrivateMetadata = in.Channel // where the reply is shown
	}
	return view, b.checkEligible(ctx, in)
}

func (b *Bot) openProve(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return render.ProveModal(in.Value, in.Channel), b.checkEligible(ctx, in)
}

func (b *Bot) openGrant(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	if err := b.checkEligible(ctx, in); err != nil {
		return slack.ModalViewRequest{}, err
	}
	form, err := b.grantForm(ctx, in)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	return render.GrantModal(form, b.grantOffer(ctx, in.Person, form.Channel)), nil
}

// grantOffer returns what somebody may choose of in the form for access. It asks for a channel where
// nobody else would see the request.
func (b *Bot) grantOffer(ctx context.Context, person access.UserID, channel string) render.GrantOffer {
	last, err := b.cfg.Uses.LastDurations(ctx, person)
	if err != nil {
		b.cfg.Log.Warn("a form does not offer what was asked for before", "person", person, "error", err)
	}
	return render.GrantOffer{
		SystemUsers: b.cfg.SystemUsers, Limits: b.cfg.Limits, Durations: last, ReasonRequired: b.cfg.ReasonRequired,
		AskChannel: b.cfg.ApprovalChannel == "" && (channel == "" || strings.HasPrefix(channel, "D")),
	}
}

// durationChosen shows the field for another duration than those of the menu, or takes it away.
func (b *Bot) durationChosen(ctx context.Context, in interaction) {
	entered := in.form()
	form := render.ReadGrant(entered, in.Metadata)
	if entered == nil || form.Other == (entered.Values[render.BlockOther] != nil) {
		return // it is there, or not, as it should be
	}
	view, err := render.GrantModal(form, b.grantOffer(ctx, in.Person, in.Metadata)), error(nil)
	if in.Modal == render.ModalExtend {
		view, err = b.extendModal(ctx, in.Person, render.ReadID(in.Metadata), form)
	}
	b.redrawModal(ctx, in, view, err)
}

// redrawModal shows a modal in place of the one that something was done in, unless it could not be
// drawn. Nothing depends on it, so what Slack does not take is only noted.
func (b *Bot) redrawModal(ctx context.Context, in interaction, view slack.ModalViewRequest, err error) {
	if err == nil {
		err = b.cfg.API.UpdateModal(ctx, in.View, view)
	}
	if err != nil {
		b.cfg.Log.Warn("a form is not drawn anew", "person", in.Person, "action", in.Action, "error", err)
	}
}

// suggest returns the acknowledgement with the servers that somebody may mean by what they type.
func (b *Bot) suggest(ctx context.Context, in interaction) any {
	quick, cancel := context.WithTimeout(ctx, b.timeouts.check)
	defer cancel()
	choices, err := b.cfg.Uses.ServerChoices(quick, in.Person, in.Value)
	if err != nil {
		b.cfg.Log.Warn("no servers are suggested", "person", in.Person, "error", err)
	}
	return render.ServerOptions(choices)
}

// grantForm returns the form filled in with what the command says, or with what was asked for before.
func (b *Bot) grantForm(ctx context.Context, in interaction) (render.GrantForm, error) {
	switch {
	case in.Kind == kindCommand:
		c := in.command
		form := render.GrantForm{Person: cmp.Or(c.Person, in.Person), Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: in.Channel}
		if c.Forever || c.Duration > 0 {
			form.Duration = render.TypedDuration(c.Duration)
		}
		return form, nil
	case in.Action == render.ActionAskAgain:
		return b.askedBefore(ctx, in)
	}
	return render.GrantForm{Person: in.Person}, nil
}

// askedBefore returns the form filled in with what a request asked for that the person made or was for.
func (b *Bot) askedBefore(ctx context.Context, in interaction) (render.GrantForm, error) {
	v, err := b.cfg.Uses.View(ctx, in.id())
	if err != nil {
		return render.GrantForm{}, err
	}
	r := v.Request
	if r.Kind != access.KindGrant || in.Person != r.Asker && in.Person != r.Person {
		return render.GrantForm{}, &access.Error{Code: access.Forbidden, Message: "Only who asked for this, or had it, can ask for it again here."}
	}
	return render.GrantForm{
		Person: r.Person, Duration: render.TypedDuration(r.Duration), Servers: cmp.Or(r.Pattern, render.EveryServer), SystemUser: r.SystemUser, Reason: r.Reason, Channel: r.Channel,
	}, nil
}

func (b *Bot) openExtend(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return b.extendModal(ctx, in.Person, in.id(), render.GrantForm{})
}

func (b *Bot) extendModal(ctx context.Context, person access.UserID, grant int64, form render.GrantForm) (slack.ModalViewRequest, error) {
	own, err := b.cfg.Uses.Access(ctx, person, person)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	for _, g := range own.Grants {
		if g.Grant.ID == grant && g.Grant.LiveAt(b.now()) {
			return render.ExtendModal(g, form, b.grantOffer(ctx, person, "")), nil
		}
	}
	err = &access.Error{Code: access.NotFound, Message: "That access has ended. Ask anew with `/sshkey grant`."}
	return slack.ModalViewRequest{}, b.cfg.Uses.OrLost(ctx, err, 0, grant)
}

func (b *Bot) openDeny(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return b.openDecision(ctx, in, render.DenyModal)
}

func (b *Bot) openEdit(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return b.openDecision(ctx, in, render.EditModal)
}

// openDecision draws a modal for somebody who may decide the request that a button showed.
func (b *Bot) openDecision(ctx context.Context, in interaction, draw func(workflow.RequestView) slack.ModalViewRequest) (slack.ModalViewRequest, error) {
	id, shown := render.ReadDecision(in.Value)
	v, err := b.cfg.Uses.View(ctx, id)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	if err := v.Request.CheckPending(b.now()); err != nil {
		return slack.ModalViewRequest{}, err
	}
	if approver, err := b.cfg.Uses.IsApprover(ctx, in.Person); err == nil && !approver {
		return slack.ModalViewRequest{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this.", Ask: v.Deciders}
	}
	if err := b.cfg.Uses.CheckShown(ctx, v.Request.ID, shown); err != nil {
		return slack.ModalViewRequest{}, err
	}
	return draw(v), nil
}

// commandChannel returns the channel of the command that opened a form.
func (*Bot) commandChannel(_ context.Context, in interaction) string { return in.Metadata }

func (*Bot) proofChannel(_ context.Context, in interaction) string {
	_, channel := render.ReadNonce(in.Metadata)
	return channel
}

// requestChannel returns the channel of the request that a form is about.
func (b *Bot) requestChannel(ctx context.Context, in interaction) string {
	id, _ := render.ReadDecision(in.Metadata)
	posts, err := b.cfg.Outbox.RequestPosts(ctx, id)
	if err != nil {
		return "" // a direct message has to do
	}
	return posts[id].Channel
}
