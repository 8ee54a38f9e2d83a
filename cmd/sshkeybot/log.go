package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/rs/zerolog"

	"sshkeybot/internal/redact"
)

// newLog makes the one log of the process; libraries write to it too.
func newLog(level, format string, w io.Writer) *slog.Logger {
	plain := !colorful(w)
	w = redacted{w}
	if format == "console" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: plain}
	}
	parsed, err := zerolog.ParseLevel(level)
	if err != nil {
		parsed = zerolog.InfoLevel
	}
	return slog.New(zerolog.NewSlogHandler(zerolog.New(w).Level(parsed).With().Timestamp().Logger()))
}

// redacted writes lines without tokens and keys, wherever they came from.
type redacted struct{ to io.Writer }

// Write implements io.Writer; zerolog gives it one whole event at a time.
func (r redacted) Write(line []byte) (int, error) {
	if _, err := r.to.Write(redact.Line(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// colorful reports whether a stream is a terminal whose user wants colours
// (https://no-color.org).
func colorful(stream any) bool { return isTerminal(stream) && os.Getenv("NO_COLOR") == "" }

// quiet keeps a library's log to what an operator has to know: nothing while the ledger
// cannot be written, which is said once, and which the library would repeat many times
// a second on the disk that may be full.
type quiet struct {
	slog.Handler
	stopped func() bool
}

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && !q.stopped() && q.Handler.Enabled(ctx, level)
}
