package main

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"sshkeybot/internal/redact"
)

// writeUnits has durations written with their units, like 2m30s.
var writeUnits = sync.OnceFunc(func() { zerolog.DurationFieldFormat = zerolog.DurationFormatString })

// newLog returns the log of the process, to which libraries write, too.
func newLog(level, format string, w io.Writer) *slog.Logger {
	writeUnits()
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

// redacted is a writer that removes tokens and keys from the lines written to it.
type redacted struct{ to io.Writer }

// Write implements io.Writer. It expects one whole line, which is what zerolog writes.
func (r redacted) Write(line []byte) (int, error) {
	if _, err := r.to.Write(redact.Line(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// colorful reports whether a stream is a terminal whose user wants colours
// (https://no-color.org).
func colorful(stream any) bool { return isTerminal(stream) && os.Getenv("NO_COLOR") == "" }
