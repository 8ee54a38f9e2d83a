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
		return leaks.payload(), true
	}
	quick, cancel := context.WithTimeout(ctx, b.timeouts.check)
	defer cancel()
	if err := b.checkEligible(quick, in); err != nil {
		in.Channel = b.formChannel(quick, in)
		b.replyLater(in, refusal(err), err)
		return nil, true
	}
	invalid := fieldErrors{}
	if m := modalNamed(in.Modal); m.check != nil {
		m.check(b, quick, in, invalid)
	}
	if len(invalid) == 0 {
		return nil, false
	}
	return invalid.payload(), true
}

// fieldErrors is what is wrong with a form, by the block of the field.
type fieldErrors map[string]string

// payload returns the acknowledgement that leaves the form open.
func (e fieldErrors) payload() any {
	return map[string]any{"response_action": "errors", "errors": e}
}

// note notes the first error of a field. Temporary errors are left out.
func (e fieldErrors) note(block string, checks ...func() error) {
	for _, check := range checks {
		if err := check(); err != nil && !temporary(err) {
			e[block] = access.MessageOf(asAccessError(err))
			return
		}
	}
}

func (b *Bot) checkRegister(ctx context.Context, in interaction, invalid fieldErrors) {
	form := render.ReadRegister(in.form())
	invalid.note(render.BlockKey, func() error { return b.checkKey(ctx, in.Person, form.Key) })
	invalid.note(render.BlockNote, func() error { return checkNoSecret(form.Note) })
}

func (b *Bot) checkGrant(ctx context.Context, in interaction, invalid fieldErrors) {
	form := render.ReadGrant(in.form(), in.Metadata)
	invalid.note(form.BlockOfDuration(), func() error { return b.checkDuration(form.Duration) })
	invalid.note(render.BlockReason, func() error { return checkNoSecret(form.Reason) }, func() error { return b.checkReason(form.Reason) })
	invalid.note(render.BlockServers,
		func() error { return checkServerPattern(form.Servers) },
		func() error { return checkChosen(form.Servers) },
		func() error { return b.cfg.Uses.CheckServers(ctx, form.Pattern()) })
	if form.Person != in.Person {
		invalid.note(render.BlockPerson, func() error { return b.cfg.Uses.CheckReceiver(ctx, form.Person) })
	}
}

func (b *Bot) checkReason(text string) error {
	if b.cfg.ReasonRequired && !workflow.IsReason(text) {
		return refuse("Say what it is for.")
	}
	return nil
}

// checkChosen refuses a form in which no server is chosen: that could mean every one.
func checkChosen(servers string) error {
	if servers == "" {
		return refuse("Choose at least one server, or every server.")
	}
	return nil
}

func (b *Bot) checkDeny(_ context.Context, in interaction, invalid fieldErrors) {
	invalid.note(render.BlockReason, func() error { return checkNoSecret(render.ReadDeny(in.form())) })
}

func (b *Bot) checkEdit(ctx context.Context, in interaction, invalid fieldErrors) {
	form := render.ReadEdit(in.form())
	id, _ := render.ReadDecision(in.Metadata)
	invalid.note(render.BlockDuration,
		func() error { return b.checkDuration(form.Duration) },
		func() error { return b.checkEditDuration(ctx, id, form.Duration) })
	invalid.note(render.BlockServers,
		func() error { return checkServerPattern(form.Servers) },
		func() error {
			return b.cfg.Uses.CheckEdit(ctx, workflow.Edit{RequestID: id, Actor: in.Person, Servers: &form.Servers})
		})
}

func (b *Bot) checkProve(ctx context.Context, in interaction, invalid fieldErrors) {
	invalid.note(render.BlockSignature, func() error { return b.cfg.Uses.CheckProof(ctx, in.proof()) })
}

func (b *Bot) checkExtend(ctx context.Context, in interaction, invalid fieldErrors) {
	form := render.ReadGrant(in.form(), "")
	invalid.note(form.BlockOfDuration(), func() error { return b.checkExtension(ctx, in, form.Duration) })
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
		if strings.TrimSpace(part) == "#" {
			return refuse("A server ID is written like #1203.")
		}
	}
	return nil
}
