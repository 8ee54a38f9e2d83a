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

// preackSubmission returns what is wrong with a form, to be shown beside its fields while
// the form is still open. A private key is looked for first, whoever sent it and in whatever
// field: it must not be stored. Whoever may take no part learns that and nothing else, and
// nothing of theirs is stored either. What cannot be checked quickly is left to the handling.
func (b *Bot) preackSubmission(ctx context.Context, in interaction) (payload any, done bool) {
	if leaks := secretsIn(in.form()); len(leaks) > 0 {
		return fieldErrors(leaks), true
	}
	quick, cancel := context.WithTimeout(ctx, b.timeouts.check)
	defer cancel()
	if err := b.checkEligible(quick, in); err != nil {
		in.Channel = b.replyChannel(quick, in)
		b.replyLater(in, refusal(err), err)
		return nil, true
	}
	invalid := b.invalidFields(quick, in)
	if len(invalid) == 0 {
		return nil, false
	}
	return fieldErrors(invalid), true
}

func fieldErrors(byBlock map[string]string) any {
	return map[string]any{"response_action": "errors", "errors": byBlock}
}

// invalidFields returns what is wrong with a form, by the block of the field: the first
// error of each. Temporary errors are left out.
func (b *Bot) invalidFields(ctx context.Context, in interaction) map[string]string {
	state, invalid := in.form(), map[string]string{}
	check := func(block string, checks ...func() error) {
		for _, failure := range checks {
			if err := failure(); err != nil && !temporary(err) {
				invalid[block] = access.MessageOf(asAccessError(err))
				return
			}
		}
	}
	switch in.Modal {
	case render.ModalRegister:
		form := render.ReadRegister(state)
		check(render.BlockKey, func() error { return b.checkKey(ctx, in.Person, form.Key) })
		check(render.BlockNote, func() error { return checkNoSecret(form.Note) })
	case render.ModalGrant:
		form := render.ReadGrant(state, in.Metadata)
		check(render.BlockDuration, func() error { return b.checkDuration(form.Duration) })
		check(render.BlockReason, func() error { return checkNoSecret(form.Reason) })
		check(render.BlockServers, func() error { return checkServerPattern(form.Servers) }, func() error { return b.cfg.Uses.CheckServers(ctx, form.Servers) })
		if form.Person != in.Person {
			check(render.BlockPerson, func() error { return b.cfg.Uses.CheckReceiver(ctx, form.Person) })
		}
	case render.ModalDeny:
		check(render.BlockReason, func() error { return checkNoSecret(render.ReadDeny(state)) })
	case render.ModalEdit:
		form := render.ReadEdit(state)
		id, _ := render.ReadDecision(in.Metadata)
		check(render.BlockDuration, func() error { return b.checkDuration(form.Duration) }, func() error { return b.checkEditDuration(ctx, id, form.Duration) })
		check(render.BlockServers, func() error { return checkServerPattern(form.Servers) },
			func() error {
				return b.cfg.Uses.CheckEdit(ctx, workflow.Edit{RequestID: id, Actor: in.Person, Servers: &form.Servers})
			})
	case render.ModalProve:
		check(render.BlockSignature, func() error { return b.cfg.Uses.CheckProof(ctx, in.proof()) })
	case render.ModalExtend:
		check(render.BlockDuration, func() error { return b.checkExtension(ctx, in, render.ReadExtend(state)) })
	}
	return invalid
}

func (b *Bot) checkKey(ctx context.Context, person access.UserID, text string) error {
	key, err := sshkey.Parse(text)
	if err != nil {
		return err
	}
	return b.cfg.Uses.CheckKey(ctx, person, key.Fingerprint())
}

// checkEditDuration checks the duration that an approver gives a request.
func (b *Bot) checkEditDuration(ctx context.Context, request int64, text string) error {
	d, forever, err := readDuration(text)
	if err != nil || forever {
		return asRefusal(err) // for ever is what was asked, or what the decision refuses
	}
	return b.cfg.Uses.CheckEdit(ctx, workflow.Edit{RequestID: request, Duration: &d})
}

func (b *Bot) checkExtension(ctx context.Context, in interaction, text string) error {
	d, err := duration.Parse(text)
	if err != nil {
		return asRefusal(err)
	}
	return b.cfg.Uses.CheckExtend(ctx, workflow.ExtendAsk{Asker: in.Person, Person: in.Person, GrantID: render.ReadID(in.Metadata), Duration: d})
}

// asSentence returns the text of an error as a sentence.
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

func (b *Bot) checkDuration(text string) error {
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

// checkServerPattern checks the form of a pattern; what it matches is seen later.
func checkServerPattern(pattern string) error {
	if err := checkNoSecret(pattern); err != nil {
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
