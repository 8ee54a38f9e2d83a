package delivery

import (
	"context"

	"sshkeybot/internal/access"
)

// Shown reports whether Slack shows a request as it is. What was read of the request before
// is then shown, or something newer is.
func Shown(ctx context.Context, s Store, requestID int64) (shown bool, err error) {
	err = s.Read(ctx, func(tx Tx) error {
		d, err := tx.Drawing(ctx, requestID)
		if access.CodeOf(err) == access.NotFound { // nothing is to be shown
			err = nil
		}
		shown = d.Shown >= d.Version
		return err
	})
	return shown, err
}
