package check

import (
	"context"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow"
)

// sameWorkspace checks whether the bot token is for the workspace that the ledger belongs to.
// If the ledger cannot be opened, the check of the database says why.
func (c Checker) sameWorkspace(ctx context.Context, self *slack.AuthTestResponse) Finding {
	const name = "workspace"
	ledger, err := store.OpenReadOnly(ctx, c.Config.DatabaseURL.Reveal())
	if err != nil {
		return note(name, "There is no ledger yet to compare it with.")
	}
	defer ledger.Close()
	bound, err := workflow.Workspace(ctx, ledger)
	switch {
	case err != nil:
		return note(name, "The ledger could not be asked to which workspace it belongs.")
	case bound == "":
		return ok(name, "The ledger belongs to no workspace yet; it will to this one from the first start on.")
	}
	if err := workflow.SameWorkspace(bound, self.TeamID, self.EnterpriseID); err != nil {
		return problem(name, access.MessageOf(err), mendBotToken)
	}
	return ok(name, "The ledger belongs to this workspace.")
}
