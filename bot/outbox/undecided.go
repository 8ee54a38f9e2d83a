package outbox

import (
	"context"
	"slices"
	"strings"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// mentionDeciders mentions the approvers, once, in the thread of a request that has candidates to
// decide about: the message of the request is only edited when they are found, which notifies
// nobody. Where each approver has a copy of that message, each is told under their own. The message
// of a request about orphans mentions them by itself.
func (n *Announcer) mentionDeciders(ctx context.Context, v *request, parent slackapi.Ref) error {
	if v.Request.Kind == access.KindOrphan {
		return nil
	}
	if err := n.mentionUnder(ctx, v, roleUndecided, parent); err != nil {
		return err
	}
	for _, m := range slices.Clone(v.messages) {
		to, isCopy := strings.CutPrefix(m.Role, roleCopy)
		if last, _ := newest(v.messages, m.Role); !isCopy || last != m || refOf(m) == parent {
			continue
		}
		if err := n.mentionUnder(ctx, v, roleUndecided+":"+to, refOf(m)); err != nil {
			return err
		}
	}
	return nil
}

func (n *Announcer) mentionUnder(ctx context.Context, v *request, role string, parent slackapi.Ref) error {
	if _, posted := newest(v.messages, role); !posted && v.Undecided() == 0 {
		return nil
	}
	_, err := n.show(ctx, v, role, parent.Channel, parent.TS, render.Undecided(v.RequestView))
	return err
}
