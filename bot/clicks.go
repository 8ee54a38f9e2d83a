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

// click does what a button says. Every click gets a reply.
func (b *Bot) click(ctx context.Context, in interaction) (slackapi.Reply, error) {
	if in.Action == render.ActionHomePage {
		return slackapi.Reply{}, b.cfg.Outbox.PublishHome(ctx, in.Person, int(in.id()))
	}
	m, err := b.doAction(ctx, in)
	err = b.orLost(ctx, in, err)
	if in.Private && in.Action == render.ActionApprove {
		return b.approvedInList(ctx, in, m, err)
	}
	if in.Home && err == nil && in.Action != render.ActionListPage { // a list is a message, which comes to the person
		shown := b.cfg.Outbox.PublishHome(ctx, in.Person, 0)
		if shown == nil {
			return slackapi.Reply{}, nil // the tab itself is the reply
		}
		b.cfg.Log.Warn("a Home tab is not drawn anew", "person", in.Person, "error", shown)
	}
	r := slackapi.Ephemeral(m)
	r.Replace = in.Private && err == nil && in.Action != render.ActionLogFile // the buttons of a draft have done their work, and a page is turned
	return r, err
}

// orLost returns the error of a click and, where that says that the ledger has not what the button
// is about, why it has not.
func (b *Bot) orLost(ctx context.Context, in interaction, err error) error {
	if in.Action == render.ActionDone {
		return b.cfg.Uses.OrLost(ctx, err, 0, in.id())
	}
	return b.cfg.Uses.OrLost(ctx, err, in.id(), 0)
}

// approvedInList returns what came of a decision in a private list, with the list as it is now.
func (b *Bot) approvedInList(ctx context.Context, in interaction, m render.Message, err error) (slackapi.Reply, error) {
	if err != nil && access.CodeOf(err) != access.Conflict {
		return slackapi.Reply{}, err
	}
	if err != nil {
		m = render.Refusal(err)
	}
	list, unread := b.pendingPage(ctx, in, workflow.PageQuery{}, m.Text)
	if unread == nil {
		m = list
	}
	r := slackapi.Ephemeral(m)
	r.Replace = true
	return r, nil
}

func (b *Bot) doAction(ctx context.Context, in interaction) (render.Message, error) {
	id := in.id()
	switch in.Action {
	case render.ActionApprove:
		_, shown := render.ReadDecision(in.Value)
		r, err := b.cfg.Uses.Decide(ctx, workflow.Decision{RequestID: id, Shown: shown, Actor: in.Person, Verdict: access.Approve, At: in.At})
		return render.Decided(r, access.Approve), err
	case render.ActionCancel, render.ActionKeep:
		r, err := b.cfg.Uses.Cancel(ctx, id, in.Person)
		return render.Cancelled(r), err
	case render.ActionConfirm:
		r, err := b.cfg.Uses.Confirm(ctx, id, in.Person, in.At)
		return render.Confirmed(r), err
	case render.ActionRetry:
		n, err := b.cfg.Uses.RetryFailed(ctx, id, in.Person)
		return render.Retried(n), err
	case render.ActionDone:
		given, err := b.cfg.Uses.GiveBack(ctx, in.Person, id, in.ID)
		return b.givenBack(ctx, given, err)
	case render.ActionRemoveKey:
		return render.KeyRemoved(in.Value), b.cfg.Uses.RemoveKey(ctx, in.Person, in.Value)
	case render.ActionServersFile:
		return render.Message{}, b.sendServers(ctx, in)
	case render.ActionAuditPage:
		return b.auditPage(ctx, in)
	case render.ActionAuditFile:
		return render.Message{}, b.sendAudit(ctx, in)
	case render.ActionKeepFinding, render.ActionRemoveFinding, render.ActionPlaceAgain, render.ActionEndThere:
		return b.decideFinding(ctx, in)
	case render.ActionKeysFile:
		return render.Message{}, b.sendKeys(ctx, in)
	case render.ActionListPage, render.ActionPendingPage, render.ActionFoundPage:
		return b.turnPage(ctx, in)
	case render.ActionLogPage:
		return b.turnLogPage(ctx, in)
	case render.ActionLogFile:
		return b.sendLog(ctx, in)
	case render.ActionFreeKey:
		r, err := b.cfg.Uses.FreeKey(ctx, id, in.Person)
		return render.Freed(r), err
	case render.ActionCheckAgain:
		return render.CheckedAgain(), b.cfg.Uses.CheckAgain(ctx, id, in.Person)
	case render.ActionRotateAgain:
		return render.RotatedAgain(), b.cfg.Uses.RotateAgain(ctx, id, in.Person)
	case render.ActionPick, render.ActionSpare:
		return b.decideCandidate(ctx, in)
	case render.ActionGone:
		ids, ok := in.ids(2)
		if !ok {
			return render.Message{}, refuse("That choice cannot be read.")
		}
		server, err := b.cfg.Uses.GoneForGood(ctx, ids[0], ids[1], in.Person)
		return render.ServerGone(server), err
	case render.ActionSpareRest:
		_, shown := render.ReadDecision(in.Value)
		n, err := b.cfg.Uses.SpareRest(ctx, id, shown, in.Person)
		return render.Spared(n), err
	}
	return render.Message{}, &access.Error{Code: access.Invalid, Op: "click", Message: "That button is of an older version of me. Please use `/sshkey`."}
}

// decideCandidate removes one key that we did not place, or leaves it.
func (b *Bot) decideCandidate(ctx context.Context, in interaction) (render.Message, error) {
	request, server, credential, ok := render.ReadCandidate(in.Value)
	if !ok {
		return render.Message{}, refuse("That choice cannot be read.")
	}
	if in.Action == render.ActionSpare {
		return render.Spared(1), b.cfg.Uses.Spare(ctx, request, server, credential, in.Person)
	}
	return render.Picked(), b.cfg.Uses.Pick(ctx, request, server, credential, in.Person)
}

// redrawEvery is how often an old message is drawn anew at most.
const redrawEvery = 3 * time.Second

// refreshStale draws a request's message anew where somebody saw buttons that have no
// effect any more: an old copy, or one that Slack showed late. The error is that of the
// click.
func (b *Bot) refreshStale(ctx context.Context, in interaction, err error) {
	requestIs := []string{render.ActionApprove, render.ActionDeny, render.ActionEdit, render.ActionCancel, render.ActionRetry, render.ActionCheckAgain, render.ActionRotateAgain}
	if in.Message == "" || in.Private || in.Home || !slices.Contains(requestIs, in.Action) {
		return
	}
	at := slackapi.Ref{Channel: in.Channel, TS: in.Message}
	ours, unread := b.cfg.Outbox.Keeps(ctx, in.id(), at)
	if unread != nil || ours && access.CodeOf(err) != access.Conflict || !b.refreshed.first(at, b.now(), redrawEvery) {
		return // the announcer does it
	}
	if ours { // by the announcer alone, or an older drawing of ours could replace a newer one of its
		err = b.cfg.Outbox.Redraw(ctx, in.id(), at)
	} else {
		err = b.drawCopy(ctx, in.id(), at)
	}
	if err != nil {
		b.cfg.Log.Warn("an old message could not be drawn anew", "request", in.id(), "error", err)
	}
}

// drawCopy draws a request as it is over an old copy of its message.
func (b *Bot) drawCopy(ctx context.Context, id int64, at slackapi.Ref) error {
	v, err := b.cfg.Uses.View(ctx, id)
	if err != nil {
		return err
	}
	return b.cfg.API.Update(ctx, at, render.Request(v, b.now()))
}
