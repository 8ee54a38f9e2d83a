package bot

import (
	"context"
	"slices"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// click does what a button says. Every click gets an answer.
func (b *Bot) click(ctx context.Context, a act) (slackapi.Reply, error) {
	if a.Action == render.ActionHomePage {
		return slackapi.Reply{}, b.cfg.Outbox.PublishHome(ctx, a.Person, int(a.number()))
	}
	m, err := b.press(ctx, a)
	if a.Home && err == nil {
		shown := b.cfg.Outbox.PublishHome(ctx, a.Person, 0)
		if shown == nil {
			return slackapi.Reply{}, nil // the tab itself is the answer
		}
		b.cfg.Log.Warn("a Home tab is not drawn anew", "person", a.Person, "error", shown)
	}
	r := slackapi.Ephemeral(m)
	r.Replace = a.Private && err == nil // the buttons of a draft have done their work
	return r, err
}

func (b *Bot) press(ctx context.Context, a act) (render.Message, error) {
	id := a.number()
	switch a.Action {
	case render.ActionApprove:
		_, shown := render.ReadDecision(a.Value)
		r, err := b.cfg.Uses.Decide(ctx, workflow.Decision{RequestID: id, Shown: shown, Actor: a.Person, Verdict: access.Approve, At: a.At})
		return render.Decided(r, access.Approve), err
	case render.ActionCancel, render.ActionKeep:
		r, err := b.cfg.Uses.Cancel(ctx, id, a.Person)
		return render.Cancelled(r), err
	case render.ActionConfirm:
		r, err := b.cfg.Uses.Confirm(ctx, id, a.Person, a.At)
		return render.Confirmed(r), err
	case render.ActionRetry:
		n, err := b.cfg.Uses.RetryFailed(ctx, id, a.Person)
		return render.Retried(n), err
	case render.ActionDone:
		given, err := b.cfg.Uses.GiveBack(ctx, a.Person, id, a.ID)
		return b.givenBack(ctx, given, err)
	case render.ActionRemoveKey:
		return render.KeyRemoved(a.Value), b.cfg.Uses.RemoveKey(ctx, a.Person, a.Value)
	case render.ActionServersFile:
		return render.Message{}, b.sendServers(ctx, a)
	case render.ActionFreeKey:
		r, err := b.cfg.Uses.FreeKey(ctx, id, a.Person)
		return render.Freed(r), err
	case render.ActionPick, render.ActionLeave:
		return b.judge(ctx, a)
	case render.ActionGone:
		ids, ok := a.numbers(2)
		if !ok {
			return render.Message{}, refuse("That choice cannot be read.")
		}
		server, err := b.cfg.Uses.GoneForGood(ctx, ids[0], ids[1], a.Person)
		return render.ServerGone(server), err
	case render.ActionLeaveRest:
		_, shown := render.ReadDecision(a.Value)
		n, err := b.cfg.Uses.SpareRest(ctx, id, shown, a.Person)
		return render.LeftAlone(n), err
	}
	return render.Message{}, &access.Error{Code: access.Invalid, Op: "click", Message: "That button is of an older version of me. Please use `/sshkey`."}
}

// judge removes one key that we did not place, or leaves it.
func (b *Bot) judge(ctx context.Context, a act) (render.Message, error) {
	ids, ok := a.numbers(3)
	if !ok {
		return render.Message{}, refuse("That choice cannot be read.")
	}
	if a.Action == render.ActionLeave {
		return render.LeftAlone(1), b.cfg.Uses.Spare(ctx, ids[0], ids[1], ids[2], a.Person)
	}
	return render.Picked(), b.cfg.Uses.Pick(ctx, ids[0], ids[1], ids[2], a.Person)
}

// redrawEvery is how often an old message is drawn anew at most.
const redrawEvery = 3 * time.Second

// mend draws a request's message anew where somebody saw buttons that have no
// effect any more: an old copy, or one that Slack showed late.
func (b *Bot) mend(ctx context.Context, a act, err error) {
	requestIs := []string{render.ActionApprove, render.ActionDeny, render.ActionEdit, render.ActionCancel, render.ActionRetry}
	if a.Message == "" || a.Private || a.Home || !slices.Contains(requestIs, a.Action) {
		return
	}
	v, viewErr := b.cfg.Uses.View(ctx, a.number())
	if viewErr != nil {
		return
	}
	at := slackapi.Ref{Channel: a.Channel, TS: a.Message}
	ours := slices.ContainsFunc(v.Messages, func(m access.Message) bool { return m.Channel == at.Channel && m.TS == at.TS })
	if ours && access.CodeOf(err) != access.Conflict || !b.mended.first(at, b.now(), redrawEvery) {
		return // the announcer does it
	}
	if ours { // by the announcer alone, or an older drawing of ours could replace a newer one of its
		err = b.cfg.Uses.Redraw(ctx, v.Request.ID, a.Channel, a.Message)
	} else {
		err = b.cfg.API.Update(ctx, at, render.Request(v, b.now()))
	}
	if err != nil {
		b.cfg.Log.Info("an old message could not be drawn anew", "request", a.number(), "error", err)
	}
}
