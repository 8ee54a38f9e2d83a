package scalingo

import (
	"context"
	"log/slog"
	"time"
)

// logging writes one debug line for each attempt: no headers and no bodies.
func logging(next handler, logger *slog.Logger, clean func(request) cleaner) handler {
	return func(ctx context.Context, r request) (*reply, error) {
		begin := time.Now()
		rep, err := next(ctx, r)
		attrs := []slog.Attr{
			slog.String("call", r.op),
			slog.String("method", r.method),
			slog.String("path", r.path),
			slog.Duration("took", time.Since(begin)),
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", clean(r).text(err.Error())))
		} else {
			attrs = append(attrs, slog.Int("status", rep.status))
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "scalingo call", attrs...)
		return rep, err
	}
}
