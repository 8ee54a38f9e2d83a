package app

import (
	"context"
	"log/slog"
)

// quiet is a library's log without what an operator need not know. While the ledger cannot be
// written, that is everything: the bot says so once, but the library would say it many times a
// second, perhaps to the disk that is full.
type quiet struct {
	slog.Handler
	stopped func() bool
}

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && !q.stopped() && q.Handler.Enabled(ctx, level)
}
