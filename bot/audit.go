package bot

import (
	"context"
	"fmt"

	"sshkeybot/bot/render"
	"sshkeybot/internal/workflow"
)

func (b *Bot) audit(ctx context.Context, in interaction, c command) (render.Message, error) {
	r, err := b.cfg.Uses.AskAudit(ctx, workflow.AuditAsk{Source: in.ID, Asker: in.Person, Servers: c.Servers, Channel: in.Channel})
	return b.receipt(ctx, in, r, err)
}

// auditPage shows an approver one page of what an audit found.
func (b *Bot) auditPage(ctx context.Context, in interaction) (render.Message, error) {
	ids, ok := in.ids(2)
	if !ok {
		return render.Message{}, refuse("That choice cannot be read.")
	}
	v, err := b.cfg.Uses.Audit(ctx, in.Person, ids[0])
	if err != nil {
		return render.Message{}, err
	}
	return render.AuditPage(v, int(ids[1]), ""), nil
}

// sendAudit sends everything that an audit found as a file to the approver who asks for it, in
// their direct messages.
func (b *Bot) sendAudit(ctx context.Context, in interaction) error {
	v, err := b.cfg.Uses.Audit(ctx, in.Person, in.id())
	if err != nil {
		return err
	}
	return b.sendFile(ctx, in, render.AuditFile(v), fmt.Sprintf("audit-%d.csv", v.Request.ID), "Audit", render.AuditCSV(v))
}

// decideFinding does what an approver decided about something that an audit found. On a private
// page the reply is that page as it is then.
func (b *Bot) decideFinding(ctx context.Context, in interaction) (render.Message, error) {
	id, at, digest := render.ReadFinding(in.Value)
	said, err := b.carryOutFinding(ctx, in, workflow.FindingChoice{RequestID: id, Digest: digest, Actor: in.Person, Source: in.ID, Channel: in.Channel})
	if err != nil || at < 0 {
		return render.Say(said), err
	}
	v, err := b.cfg.Uses.Audit(ctx, in.Person, id)
	if err != nil {
		return render.Message{}, err
	}
	return render.AuditPage(v, at, said), nil
}

// carryOutFinding carries out a decision, and returns what its approver is told.
func (b *Bot) carryOutFinding(ctx context.Context, in interaction, c workflow.FindingChoice) (string, error) {
	switch in.Action {
	case render.ActionKeepFinding:
		n, err := b.cfg.Uses.KeepFindings(ctx, c)
		return render.Kept(n), err
	case render.ActionRemoveFinding:
		r, err := b.cfg.Uses.RemoveFindings(ctx, c)
		return render.RemovalAsked(r), err
	case render.ActionPlaceAgain:
		n, err := b.cfg.Uses.PlaceAgain(ctx, c)
		return render.PlacedAgain(n), err
	}
	n, err := b.cfg.Uses.EndThere(ctx, c)
	return render.EndedThere(n), err
}
