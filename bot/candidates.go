package bot

import (
	"context"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
)

// openCandidates shows an approver what there is to decide about of a request, one by one.
func (b *Bot) openCandidates(ctx context.Context, in interaction) (slack.ModalViewRequest, error) {
	return b.candidatesPage(ctx, in, in.Value, "")
}

// candidatesPage draws a page of it. First is what was done on it; empty for nothing.
func (b *Bot) candidatesPage(ctx context.Context, in interaction, page, first string) (slack.ModalViewRequest, error) {
	at, ok := render.ReadCandidates(page)
	if !ok {
		return slack.ModalViewRequest{}, refuse("That choice cannot be read.")
	}
	v, err := b.cfg.Uses.Candidates(ctx, in.Person, at.Request)
	return render.CandidatesModal(v, at, first), err
}

// turnCandidatesPage turns to another page.
func (b *Bot) turnCandidatesPage(ctx context.Context, in interaction) {
	view, err := b.openCandidates(ctx, in)
	b.redrawModal(ctx, in, view, err)
}

// showInModal shows the reply to a decision above what is left to decide about, where it was made.
// It reports false for any other interaction, and where the modal was closed meanwhile.
func (b *Bot) showInModal(ctx context.Context, in interaction, r slackapi.Reply) bool {
	if in.Kind != kindClick || in.Modal != render.ModalCandidates {
		return false
	}
	view, err := b.candidatesPage(ctx, in, in.Metadata, r.Text)
	if err == nil {
		err = b.cfg.API.UpdateModal(ctx, in.View, view)
	}
	return err == nil
}
