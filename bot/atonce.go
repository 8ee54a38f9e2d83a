package bot

import (
	"context"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/bot/draw"
	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/sshkey"
)

// lookLimit is how long a look may take before a modal is opened: its trigger lives
// for three seconds.
const lookLimit = 1200 * time.Millisecond

// openLimit is how long after somebody's act a modal may still be opened, with
// time left to acknowledge the act.
const openLimit = 2500 * time.Millisecond

// atOnce deals with what must not or need not be stored: refusals, the help, and
// modals. It answers the payload of the acknowledgement.
func (b *Bot) atOnce(ctx context.Context, a act) (payload any, done bool) {
	switch a.Kind {
	case aCommand:
		return b.commandAtOnce(ctx, a)
	case aClick:
		return nil, b.clickAtOnce(ctx, a)
	case aSubmission:
		return b.submissionAtOnce(a)
	}
	return nil, false
}

func (b *Bot) commandAtOnce(ctx context.Context, a act) (payload any, done bool) {
	if err := leaked(a.Text); err != nil {
		return refusal(err), true
	}
	c, err := readCommand(a.Text)
	switch {
	case err != nil:
		return refusal(err), true
	case c.Verb == "help":
		return private(draw.Help()), true
	case !c.Incomplete:
		return nil, false
	}
	view := draw.RegisterModal()
	view.PrivateMetadata = a.Channel // where the answer is shown
	if c.Verb == "grant" {
		view = draw.GrantModal(b.prefilled(a, c), b.cfg.SystemUsers, b.cfg.Limits)
	}
	return b.open(ctx, a, view), true
}

func (b *Bot) prefilled(a act, c command) draw.GrantForm {
	form := draw.GrantForm{Person: c.Person, Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: a.Channel}
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
	soon, cancel := context.WithTimeout(ctx, openLimit-b.now().Sub(a.At))
	defer cancel()
	if err := b.cfg.API.OpenModal(soon, a.Trigger, view); err != nil {
		b.cfg.Log.Warn("a form could not be opened", "envelope", a.ID, "form", view.CallbackID, "error", err)
		r := private(draw.Say("The form could not be opened: Slack was too slow. Please try again; nothing was changed."))
		if a.Kind == aCommand {
			return r
		}
		b.answerSoon(a, r, nil)
	}
	return nil
}

// answerSoon answers a click that is not stored, after its acknowledgement.
func (b *Bot) answerSoon(a act, r reply, cause error) {
	b.crew.do(a.Person, func(ctx context.Context) { // it outlives the envelope
		defer b.contain(a, func() {})
		b.answer(ctx, a, nil, r)
		b.mend(ctx, a, cause)
	})
}

// clickAtOnce opens the modal that a button asks for. What it cannot decide quickly
// it leaves to the submission, which is checked in any case.
func (b *Bot) clickAtOnce(ctx context.Context, a act) bool {
	look, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	var view slack.ModalViewRequest
	var err error
	switch a.Action {
	case draw.ActionRegister:
		view = draw.RegisterModal()
	case draw.ActionExtend:
		view, err = b.extendModal(look, a)
	case draw.ActionDeny, draw.ActionEdit:
		view, err = b.decisionModal(look, a)
	default:
		return false
	}
	if err != nil {
		b.answerSoon(a, refusal(err), err)
		return true
	}
	b.open(ctx, a, view)
	return true
}

func (b *Bot) extendModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	own, err := b.cfg.Uses.Access(ctx, a.Person, a.Person)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	for _, g := range own.Grants {
		if g.Grant.ID == a.number() && g.Grant.LiveAt(b.now()) {
			return draw.ExtendModal(g.Grant), nil
		}
	}
	return slack.ModalViewRequest{}, &access.Error{Code: access.Conflict, Message: "That access has ended. Ask anew with `/sshkey grant`."}
}

func (b *Bot) decisionModal(ctx context.Context, a act) (slack.ModalViewRequest, error) {
	v, err := b.cfg.Uses.View(ctx, a.number())
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	if err := b.decidable(v.Request); err != nil {
		return slack.ModalViewRequest{}, err
	}
	if approver, err := b.cfg.Uses.IsApprover(ctx, a.Person); err == nil && !approver {
		return slack.ModalViewRequest{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this."}
	}
	if a.Action == draw.ActionDeny {
		return draw.DenyModal(v.Request.ID), nil
	}
	return draw.EditModal(v), nil
}

// decidable refuses a form about a request that is settled.
func (b *Bot) decidable(r access.Request) error {
	if r.State == access.Pending && b.now().Before(r.ExpiresAt) {
		return nil
	}
	e := &access.Error{Code: access.Conflict, Message: "This request has expired unanswered. It can be asked again.", Who: r.DecidedBy, When: r.DecidedAt}
	switch r.State {
	case access.Approved:
		e.Message = "This has been approved already."
	case access.Denied:
		e.Message = "This has been denied already."
	case access.Cancelled:
		e.Message = "This has been cancelled already."
	case access.WaitingForKey:
		e.Message = "This is still waiting for the person to register a key."
	case access.Draft, access.Pending, access.Expired: // too late, whatever is written down
	}
	return e
}

// submissionAtOnce answers what is wrong with a form beside its fields.
func (b *Bot) submissionAtOnce(a act) (payload any, done bool) {
	wrong := b.wrong(a)
	if len(wrong) == 0 {
		return nil, false
	}
	return map[string]any{"response_action": "errors", "errors": wrong}, true
}

// wrong finds what needs no look at anything else, by the block of the field.
func (b *Bot) wrong(a act) map[string]string {
	state, wrong := a.form(), map[string]string{}
	note := func(block string, err error) {
		if err != nil {
			wrong[block] = access.MessageOf(shown(err))
		}
	}
	switch a.Modal {
	case draw.ModalRegister:
		form := draw.ReadRegister(state)
		_, err := sshkey.Parse(form.Key)
		note(draw.BlockKey, err)
		note(draw.BlockNote, leaked(form.Note))
	case draw.ModalGrant:
		form := draw.ReadGrant(state, a.Metadata)
		note(draw.BlockDuration, b.wrongDuration(form.Duration))
		note(draw.BlockServers, wrongServers(form.Servers))
		note(draw.BlockReason, leaked(form.Reason))
	case draw.ModalDeny:
		note(draw.BlockReason, leaked(draw.ReadDeny(state)))
	case draw.ModalEdit:
		form := draw.ReadEdit(state)
		note(draw.BlockDuration, b.wrongDuration(form.Duration))
		note(draw.BlockServers, wrongServers(form.Servers))
	case draw.ModalExtend:
		_, err := duration.Parse(draw.ReadExtend(state))
		note(draw.BlockDuration, asRefusal(err))
	}
	return wrong
}

// asSentence makes one of an error, which begins small and ends without a stop.
func asSentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func asRefusal(err error) error {
	if err == nil {
		return nil
	}
	return refuse("%s", asSentence(err))
}

func (b *Bot) wrongDuration(text string) error {
	d, forever, err := readDuration(text)
	limits := b.cfg.Limits
	switch {
	case err != nil:
		return asRefusal(err)
	case forever && !limits.Forever:
		return refuse("Access for ever is not allowed here; name a duration such as 12h.")
	case !forever && limits.Min > 0 && d < limits.Min:
		return refuse("That is too short: the shortest grant is %s.", duration.Format(limits.Min))
	case !forever && limits.Max > 0 && d > limits.Max:
		return refuse("That is too long: the longest grant is %s.", duration.Format(limits.Max))
	}
	return nil
}

func readDuration(text string) (d time.Duration, forever bool, err error) {
	if strings.EqualFold(strings.TrimSpace(text), "forever") {
		return 0, true, nil
	}
	d, err = duration.Parse(text)
	return d, false, err
}

// wrongServers checks the form of a pattern; what it matches is seen later.
func wrongServers(pattern string) error {
	if err := leaked(pattern); err != nil {
		return err
	}
	for part := range strings.SplitSeq(pattern, ",") {
		id, isID := strings.CutPrefix(strings.TrimSpace(part), "#")
		if isID && (id == "" || strings.Trim(id, "0123456789") != "") {
			return refuse("A server ID is written like #1203.")
		}
	}
	return nil
}
