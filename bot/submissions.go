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

// submitted does what a modal asks for; what is wrong with its fields alone was
// said before.
func (b *Bot) submitted(ctx context.Context, a act) (slackapi.Reply, error) {
	m, err := b.submit(ctx, a)
	return slackapi.Ephemeral(m), err
}

func (b *Bot) submit(ctx context.Context, a act) (render.Message, error) {
	switch a.Modal {
	case render.ModalRegister:
		return b.registerForm(ctx, a)
	case render.ModalGrant:
		return b.grantForm(ctx, a)
	case render.ModalDeny:
		id, shown := render.ReadDecision(a.Metadata)
		r, err := b.cfg.Uses.Decide(ctx, workflow.Decision{
			RequestID: id, Shown: shown, Actor: a.Person, Verdict: access.Deny, Reason: render.ReadDeny(a.form()), At: a.At,
		})
		return render.Decided(r, access.Deny), err
	case render.ModalEdit:
		return b.editForm(ctx, a)
	case render.ModalExtend:
		return b.extendForm(ctx, a)
	case render.ModalProve:
		done, err := b.cfg.Uses.Prove(ctx, a.proof())
		return render.Registered(done), err
	}
	return render.Message{}, &access.Error{Code: access.Invalid, Op: "submission", Message: "That form is of an older version of me. Please use `/sshkey`."}
}

func (b *Bot) registerForm(ctx context.Context, a act) (render.Message, error) {
	form := render.ReadRegister(a.form())
	key, err := sshkey.Parse(form.Key)
	if err != nil {
		return render.Message{}, err
	}
	note := form.Note
	if note == "" {
		note = key.Comment
	}
	done, err := b.cfg.Uses.Register(ctx, a.Person, key, note)
	return render.Registered(done), err
}

// proof reads the answer to a challenge from its form.
func (a act) proof() workflow.Proof {
	nonce, _ := render.ReadNonce(a.Metadata)
	return workflow.Proof{Actor: a.Person, Nonce: nonce, Signature: render.ReadProve(a.form()), At: a.At}
}

func (b *Bot) grantForm(ctx context.Context, a act) (render.Message, error) {
	form := render.ReadGrant(a.form(), a.Metadata)
	d, forever, err := readDuration(form.Duration)
	if err != nil {
		return render.Message{}, asRefusal(err)
	}
	a.Channel = form.Channel
	return b.grant(ctx, a, command{
		Person: form.Person, Duration: d, Forever: forever, Servers: form.Servers, SystemUser: form.SystemUser, Reason: form.Reason,
	})
}

func (b *Bot) editForm(ctx context.Context, a act) (render.Message, error) {
	form := render.ReadEdit(a.form())
	id, shown := render.ReadDecision(a.Metadata)
	v, err := b.cfg.Uses.View(ctx, id)
	if err != nil {
		return render.Message{}, err
	}
	d, forever, err := readDuration(form.Duration)
	if err != nil {
		return render.Message{}, asRefusal(err)
	}
	e := workflow.Edit{RequestID: id, Shown: shown, Actor: a.Person, At: a.At}
	if (!forever || !v.Request.Forever()) && d != v.Request.Duration {
		e.Duration = &d
	}
	if v.Request.Kind == access.KindGrant && form.Servers != v.Request.Pattern {
		e.Servers = &form.Servers
	}
	r, err := b.cfg.Uses.Edit(ctx, e)
	return render.Edited(r), err
}

func (b *Bot) extendForm(ctx context.Context, a act) (render.Message, error) {
	d, err := duration.Parse(render.ReadExtend(a.form()))
	if err != nil {
		return render.Message{}, asRefusal(err)
	}
	r, err := b.cfg.Uses.AskExtend(ctx, workflow.ExtendAsk{
		Source: a.ID, Asker: a.Person, Person: a.Person, GrantID: render.ReadID(a.Metadata), Duration: d,
	})
	return b.asked(ctx, a, r, err)
}

// shownIn is the channel where the answer to a form is best shown; empty when a
// direct message has to do.
func (b *Bot) shownIn(ctx context.Context, a act) string {
	switch a.Modal {
	case render.ModalGrant, render.ModalRegister:
		return a.Metadata
	case render.ModalProve:
		_, channel := render.ReadNonce(a.Metadata)
		return channel
	case render.ModalDeny, render.ModalEdit:
		id, _ := render.ReadDecision(a.Metadata)
		v, err := b.cfg.Uses.View(ctx, id)
		if err != nil {
			return ""
		}
		return b.cfg.Outbox.RequestChannel(v)
	}
	return ""
}
