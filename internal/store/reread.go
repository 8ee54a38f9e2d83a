package store

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// AddReread implements access.DueTx.
func (t *tx) AddReread(ctx context.Context, placementID int64, due time.Time) error {
	return insertMany(ctx, t, "rereads", "placement_id, due_at", "ON CONFLICT (placement_id, due_at) DO NOTHING", [][]any{{placementID, ms(due)}})
}

// DueRereads implements access.DueTx.
func (t *tx) DueRereads(ctx context.Context, now time.Time) ([]access.Placement, error) {
	return many(ctx, t, scanPlacement, "SELECT id, "+placementFields+` FROM placements
		WHERE id IN (SELECT placement_id FROM rereads WHERE due_at <= $1) ORDER BY place_id, id`, ms(now))
}

// DropRereads implements access.DueTx.
func (t *tx) DropRereads(ctx context.Context, placementID int64, now time.Time) error {
	_, err := t.Exec(ctx, "DELETE FROM rereads WHERE placement_id = $1 AND due_at <= $2", placementID, ms(now))
	return err
}
