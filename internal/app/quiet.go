package app

import (
	"context"
	"log/slog"
)

// quiet is a log from a level on, and of nothing while the ledger cannot be written: the bot says
// that once, but whoever needs the ledger would say it many times a second, perhaps to the disk that
// is full.
type quiet struct {
	slog.Handler
	least   slog.Level
	stopped func() bool
}

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= q.least && !q.stopped() && q.Handler.Enabled(ctx, level)
}
