package bot

import (
	"context"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// submission does what a modal asks for. What is wrong with its fields alone was shown
// before, by its check.
func (b *Bot) submission(ctx context.Context, in interaction) (slackapi.Reply, error) {
	m := modalNamed(in.Modal)
	if m.submit == nil {
		return slackapi.Reply{}, &access.Error{Code: access.Invalid, Op: "submission", Message: "That form is of an older version of me. Please use `/sshkey`."}
	}
	done, err := m.submit(b, ctx, in)
	return slackapi.Ephemeral(done), err
}

// formChannel returns the channel where the reply to a form is best shown; empty when a
// direct message has to do.
func (b *Bot) formChannel(ctx context.Context, in interaction) string {
	if m := modalNamed(in.Modal); m.channel != nil {
		return m.channel(b, ctx, in)
	}
	return ""
}

func (b *Bot) submitRegister(ctx context.Context, in interaction) (render.Message, error) {
	form := render.ReadRegister(in.form())
	key, err := sshkey.Parse(form.Key)
	if err != nil {
		return render.Message{}, err
	}
	note := form.Note
	if note == "" {
		note = key.Comment
	}
	done, err := b.cfg.Uses.Register(ctx, in.Person, key, note)
	return render.Registered(done), err
}

func (b *Bot) submitProve(ctx context.Context, in interaction) (render.Message, error) {
	done, err := b.cfg.Uses.Prove(ctx, in.proof())
	return render.Registered(done), err
}

// proof returns the signature of a challenge from its form.
func (in interaction) proof() workflow.Proof {
	nonce, _ := render.ReadNonce(in.Metadata)
	return workflow.Proof{Actor: in.Person, Nonce: nonce, Signature: render.ReadProve(in.form()), At: in.At}
}

func (b *Bot) submitGrant(ctx context.Context, in interaction) (render.Message, error) {
	form := render.ReadGrant(in.form(), in.Metadata)
	d, forever, err := readDuration(form.Duration)
	if err != nil {
		return render.Message{}, asRefusal(err)
	}
	in.Channel = form.Channel
	if len(b.cfg.SystemUsers) > 0 && form.SystemUser == b.cfg.SystemUsers[0] {
		form.SystemUser = "" // the usual one; an account has none
	}
	return b.grant(ctx, in, command{
		Person: form.Person, Duration: d, Forever: forever, Servers: form.Pattern(), SystemUser: form.SystemUser, Reason: form.Reason,
	})
}

func (b *Bot) submitDeny(ctx context.Context, in interaction) (render.Message, error) {
	id, shown := render.ReadDecision(in.Metadata)
	r, err := b.cfg.Uses.Decide(ctx, workflow.Decision{
		RequestID: id, Shown: shown, Actor: in.Person, Verdict: access.Deny, Reason: render.ReadDeny(in.form()), At: in.At,
	})
	return render.Decided(r, access.Deny), err
}

func (b *Bot) submitEdit(ctx context.Context, in interaction) (render.Message, error) {
	form := render.ReadEdit(in.form())
	id, shown := render.ReadDecision(in.Metadata)
	v, err := b.cfg.Uses.View(ctx, id)
	if err != nil {
		return render.Message{}, err
	}
	d, forever, err := readDuration(form.Duration)
	if err != nil {
		return render.Message{}, asRefusal(err)
	}
	e := workflow.Edit{RequestID: id, Shown: shown, Actor: in.Person, At: in.At}
	if (!forever || !v.Request.Forever()) && d != v.Request.Duration {
		e.Duration = &d
	}
	if v.Request.Kind == access.KindGrant && form.Servers != v.Request.Pattern {
		e.Servers = &form.Servers
	}
	r, err := b.cfg.Uses.Edit(ctx, e)
	return render.Edited(r), err
}

func (b *Bot) submitExtend(ctx context.Context, in interaction) (render.Message, error) {
	d, err := duration.Parse(render.ReadGrant(in.form(), "").Duration)
	if err != nil {
		return render.Message{}, asRefusal(err)
	}
	r, err := b.cfg.Uses.AskExtend(ctx, workflow.ExtendAsk{
		Source: in.ID, Asker: in.Person, Person: in.Person, GrantID: render.ReadID(in.Metadata), Duration: d,
	})
	return b.receipt(ctx, in, r, err)
}
