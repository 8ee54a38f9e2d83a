package outbox

import (
	"context"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

// WakeDue has everything done soon that is due now: what Slack does not show yet, and whom it
// has not told. Any replica may call it at any time, as often as it likes.
func (n *Announcer) WakeDue(ctx context.Context) error {
	var drawings, notices []int64
	err := n.Store.Read(ctx, func(tx delivery.Tx) (err error) {
		if drawings, err = tx.DueDrawings(ctx, n.Now()); err != nil {
			return err
		}
		notices, err = tx.DueNotices(ctx, n.Now())
		return err
	})
	if err != nil || len(drawings)+len(notices) == 0 {
		return err
	}
	var work []access.Work
	for _, id := range drawings {
		work = append(work, access.Work{Kind: access.WorkAnnounce, ID: id})
	}
	for _, id := range notices {
		work = append(work, access.Work{Kind: access.WorkNotice, ID: id})
	}
	return n.Store.Update(ctx, func(tx delivery.Tx) error { return tx.Wake(ctx, work...) })
}
