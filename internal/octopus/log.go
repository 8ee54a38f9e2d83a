package octopus

import (
	"log/slog"
	"net/http"
	"time"
)

// logging writes one debug line for each attempt: no headers, no bodies, no query.
func logging(next handler, logger *slog.Logger, clean cleaner) handler {
	return func(req *http.Request) (*reply, error) {
		begin := time.Now()
		rep, err := next(req)
		attrs := []slog.Attr{slog.String("call", opOf(req)), slog.Duration("took", time.Since(begin))}
		if err != nil {
			attrs = append(attrs, slog.String("error", clean.text(err.Error())))
		} else {
			attrs = append(attrs, slog.Int("status", rep.status))
		}
		logger.LogAttrs(req.Context(), slog.LevelDebug, "octopus call", attrs...)
		return rep, err
	}
}
