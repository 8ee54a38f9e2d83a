package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// Redraw has a message of a request sent anew, whatever is recorded of what it shows:
// somebody saw it otherwise.
func (s *Service) Redraw(ctx context.Context, requestID int64, channel, ts string) error {
	return s.Store.Update(ctx, func(tx access.Tx) error {
		messages, err := tx.Messages(ctx, requestID)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if m.Channel != channel || m.TS != ts {
				continue
			}
			m.Digest = ""
			if err := tx.SaveMessage(ctx, m); err != nil {
				return err
			}
		}
		return tx.Announce(ctx, requestID)
	})
}
