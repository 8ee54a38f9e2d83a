package bot

import (
	"context"

	"sshkeybot/bot/draw"
	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/sshkey"
)

// submitted does what a modal asks for; what is wrong with its fields alone was
// said before.
func (b *Bot) submitted(ctx context.Context, a act) (reply, error) {
	m, err := b.submit(ctx, a)
	return private(m), err
}

func (b *Bot) submit(ctx context.Context, a act) (draw.Message, error) {
	switch a.Modal {
	case draw.ModalRegister:
		return b.registerForm(ctx, a)
	case draw.ModalGrant:
		return b.grantForm(ctx, a)
	case draw.ModalDeny:
		id, shown := draw.ReadDecision(a.Metadata)
		r, err := b.cfg.Uses.Decide(ctx, access.Decision{
			RequestID: id, Shown: shown, Actor: a.Person, Verdict: access.Deny, Reason: draw.ReadDeny(a.form()), At: a.At,
		})
		return draw.Decided(r, access.Deny), err
	case draw.ModalEdit:
		return b.editForm(ctx, a)
	case draw.ModalExtend:
		return b.extendForm(ctx, a)
	case draw.ModalProve:
		done, err := b.cfg.Uses.Prove(ctx, a.proof())
		return draw.Registered(done), err
	}
	return draw.Message{}, &access.Error{Code: access.Invalid, Op: "submission", Message: "That form is of an older version of me. Please use `/sshkey`."}
}

func (b *Bot) registerForm(ctx context.Context, a act) (draw.Message, error) {
	form := draw.ReadRegister(a.form())
	key, err := sshkey.Parse(form.Key)
	if err != nil {
		return draw.Message{}, err
	}
	note := form.Note
	if note == "" {
		note = key.Comment
	}
	done, err := b.cfg.Uses.Register(ctx, a.Person, key, note)
	return draw.Registered(done), err
}

// proof reads the answer to a challenge from its form.
func (a act) proof() access.Proof {
	nonce, _ := draw.ReadNonce(a.Metadata)
	return access.Proof{Actor: a.Person, Nonce: nonce, Signature: draw.ReadProve(a.form()), At: a.At}
}

func (b *Bot) grantForm(ctx context.Context, a act) (draw.Message, error) {
	form := draw.ReadGrant(a.form(), a.Metadata)
	d, forever, err := readDuration(form.Duration)
	if err != nil {
		return draw.Message{}, asRefusal(err)
	}
	a.Channel = form.Channel
	return b.grant(ctx, a, command{
		Person: form.Person, Duration: d, Forever: forever, Servers: form.Servers, SystemUser: form.SystemUser, Reason: form.Reason,
	})
}

func (b *Bot) editForm(ctx context.Context, a act) (draw.Message, error) {
	form := draw.ReadEdit(a.form())
	id, shown := draw.ReadDecision(a.Metadata)
	v, err := b.cfg.Uses.View(ctx, id)
	if err != nil {
		return draw.Message{}, err
	}
	d, forever, err := readDuration(form.Duration)
	if err != nil {
		return draw.Message{}, asRefusal(err)
	}
	e := access.Edit{RequestID: id, Shown: shown, Actor: a.Person, At: a.At}
	if (!forever || !v.Request.Forever()) && d != v.Request.Duration {
		e.Duration = &d
	}
	if v.Request.Kind == access.KindGrant && form.Servers != v.Request.Pattern {
		e.Servers = &form.Servers
	}
	r, err := b.cfg.Uses.Edit(ctx, e)
	return draw.Edited(r), err
}

func (b *Bot) extendForm(ctx context.Context, a act) (draw.Message, error) {
	d, err := duration.Parse(draw.ReadExtend(a.form()))
	if err != nil {
		return draw.Message{}, asRefusal(err)
	}
	r, err := b.cfg.Uses.AskExtend(ctx, access.ExtendAsk{
		Source: a.ID, Asker: a.Person, Person: a.Person, GrantID: draw.ReadID(a.Metadata), Duration: d,
	})
	return b.asked(ctx, a, r, err)
}

// shownIn is the channel where the answer to a form is best shown; empty when a
// direct message has to do.
func (b *Bot) shownIn(ctx context.Context, a act) string {
	switch a.Modal {
	case draw.ModalGrant, draw.ModalRegister:
		return a.Metadata
	case draw.ModalProve:
		_, channel := draw.ReadNonce(a.Metadata)
		return channel
	case draw.ModalDeny, draw.ModalEdit:
		id, _ := draw.ReadDecision(a.Metadata)
		v, err := b.cfg.Uses.View(ctx, id)
		if err != nil {
			return ""
		}
		for _, m := range v.Messages {
			if m.Role == roleRequest {
				return m.Channel
			}
		}
	}
	return ""
}
