package bot

import (
	"context"
	"strings"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// submissionAtOnce answers what is wrong with a form beside its fields, while the form is
// still open. A private key comes first, whoever sent it and in whatever field: it must not be
// stored. Whoever may take no part is told that and nothing else, and nothing of theirs is
// stored either. What cannot be seen quickly is left to the handling.
func (b *Bot) submissionAtOnce(ctx context.Context, a act) (payload any, done bool) {
	if leaks := leakedIn(a.form()); len(leaks) > 0 {
		return fieldErrors(leaks), true
	}
	look, cancel := context.WithTimeout(ctx, b.windows.look)
	defer cancel()
	if err := b.shutOut(look, a); err != nil {
		a.Channel = b.shownIn(look, a)
		b.answerSoon(a, refusal(err), err)
		return nil, true
	}
	wrong := b.wrong(look, a)
	if len(wrong) == 0 {
		return nil, false
	}
	return fieldErrors(wrong), true
}

func fieldErrors(byBlock map[string]string) any {
	return map[string]any{"response_action": "errors", "errors": byBlock}
}

// wrong says what is wrong with a form, by the block of the field: the first that is
// found of each.
func (b *Bot) wrong(ctx context.Context, a act) map[string]string {
	state, wrong := a.form(), map[string]string{}
	note := func(block string, checks ...func() error) {
		for _, check := range checks {
			if err := check(); err != nil && !temporary(err) {
				wrong[block] = access.MessageOf(shown(err))
				return
			}
		}
	}
	switch a.Modal {
	case render.ModalRegister:
		form := render.ReadRegister(state)
		note(render.BlockKey, func() error { return b.wrongKey(ctx, a.Person, form.Key) })
		note(render.BlockNote, func() error { return leaked(form.Note) })
	case render.ModalGrant:
		form := render.ReadGrant(state, a.Metadata)
		note(render.BlockDuration, func() error { return b.wrongDuration(form.Duration) })
		note(render.BlockReason, func() error { return leaked(form.Reason) })
		note(render.BlockServers, func() error { return wrongServers(form.Servers) }, func() error { return b.cfg.Uses.CheckServers(ctx, form.Servers) })
		if form.Person != a.Person {
			note(render.BlockPerson, func() error { return b.cfg.Uses.CheckReceiver(ctx, form.Person) })
		}
	case render.ModalDeny:
		note(render.BlockReason, func() error { return leaked(render.ReadDeny(state)) })
	case render.ModalEdit:
		form := render.ReadEdit(state)
		id, _ := render.ReadDecision(a.Metadata)
		note(render.BlockDuration, func() error { return b.wrongDuration(form.Duration) }, func() error { return b.wrongSpan(ctx, id, form.Duration) })
		note(render.BlockServers, func() error { return wrongServers(form.Servers) },
			func() error {
				return b.cfg.Uses.CheckEdit(ctx, workflow.Edit{RequestID: id, Actor: a.Person, Servers: &form.Servers})
			})
	case render.ModalProve:
		note(render.BlockSignature, func() error { return b.cfg.Uses.CheckProof(ctx, a.proof()) })
	case render.ModalExtend:
		note(render.BlockDuration, func() error { return b.wrongExtension(ctx, a, render.ReadExtend(state)) })
	}
	return wrong
}

func (b *Bot) wrongKey(ctx context.Context, person access.UserID, text string) error {
	key, err := sshkey.Parse(text)
	if err != nil {
		return err
	}
	return b.cfg.Uses.CheckKey(ctx, person, key.Fingerprint())
}

// wrongSpan checks the duration that an approver gives a request.
func (b *Bot) wrongSpan(ctx context.Context, request int64, text string) error {
	d, forever, err := readDuration(text)
	if err != nil || forever {
		return asRefusal(err) // for ever is what was asked, or what the next look refuses
	}
	return b.cfg.Uses.CheckEdit(ctx, workflow.Edit{RequestID: request, Duration: &d})
}

func (b *Bot) wrongExtension(ctx context.Context, a act, text string) error {
	d, err := duration.Parse(text)
	if err != nil {
		return asRefusal(err)
	}
	return b.cfg.Uses.CheckExtend(ctx, workflow.ExtendAsk{Asker: a.Person, Person: a.Person, GrantID: render.ReadID(a.Metadata), Duration: d})
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
	if err != nil {
		return asRefusal(err)
	}
	return b.cfg.Limits.Check(d, forever)
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
