package outage_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/outage"
)

// lines is a log that keeps what it takes.
type lines struct {
	least slog.Level
	all   []string
}

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.least }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *lines) WithGroup(string) slog.Handler                    { return l }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	l.all = append(l.all, text)
	return nil
}

// nothing is a level above all.
const nothing = slog.Level(100)

func (l *lines) has(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, l.all); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	l.all = nil
}

var errAway = errors.New("away")

func TestOutageIsSaidOnceAnHourAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log lines
		w := outage.Watch{Log: slog.New(&log), Level: slog.LevelWarn, Down: "down", Up: "up"}
		w.Saw(t.Context(), "a", nil)
		log.has(t)
		for range 7201 {
			w.Saw(t.Context(), "a", errAway, "target", "a")
			<-time.After(time.Second)
		}
		log.has(t, "WARN down target=a error=away failures=1", "ERROR down target=a error=away failures=3601", "ERROR down target=a error=away failures=7201")
		w.Saw(t.Context(), "b", nil, "target", "b")
		w.Saw(t.Context(), "a", nil, "target", "a")
		w.Saw(t.Context(), "a", nil, "target", "a")
		log.has(t, "INFO up target=a after=2h0m1s failures=7201")
	})
}

func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log lines
		w := outage.Watch{Log: slog.New(&log), Level: slog.LevelWarn, Down: "down", Up: "up", Patience: time.Minute}
		for range 10 {
			w.Saw(t.Context(), "", errAway)
			<-time.After(50 * time.Second)
			w.Saw(t.Context(), "", nil)
		}
		log.has(t)
		for range 3 {
			w.Saw(t.Context(), "", errAway)
			<-time.After(30 * time.Second)
		}
		log.has(t, "WARN down error=away failures=3")
	})
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	var log lines
	w := outage.Watch{Log: slog.New(&log), Level: slog.LevelWarn, Down: "down", Up: "up", Greets: true, Patience: time.Hour}
	w.Saw(t.Context(), "a", errAway)
	w.Saw(t.Context(), "a", nil)
	w.Saw(t.Context(), "a", nil)
	log.has(t, "INFO up")
}

// While a log takes nothing, nothing counts as said; a log of errors alone gets what lasts.
func TestLogThatTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := lines{least: nothing}
		w := outage.Watch{Log: slog.New(&log), Level: slog.LevelWarn, Down: "down", Up: "up"}
		w.Saw(t.Context(), "", errAway)
		log.least = slog.LevelInfo
		w.Saw(t.Context(), "", errAway)
		log.has(t, "WARN down error=away failures=2")
		log.least = nothing
		w.Saw(t.Context(), "", nil)
		log.least = slog.LevelInfo
		w.Saw(t.Context(), "", nil)
		log.has(t, "INFO up after=0s failures=2")

		log.least = slog.LevelError
		w.Saw(t.Context(), "", errAway)
		<-time.After(time.Hour)
		w.Saw(t.Context(), "", errAway)
		log.has(t, "ERROR down error=away failures=2")
		w.Saw(t.Context(), "", nil)
		log.least = slog.LevelInfo
		w.Saw(t.Context(), "", nil)
		log.has(t)
	})
}

// Each failure is in a log of everything.
func TestDebug(t *testing.T) {
	t.Parallel()
	log := lines{least: slog.LevelDebug}
	w := outage.Watch{Log: slog.New(&log), Level: slog.LevelWarn, Down: "down", Up: "up"}
	for range 3 {
		w.Saw(t.Context(), "", errAway)
	}
	if got := fmt.Sprint(log.all); strings.Count(got, "DEBUG") != 2 || strings.Count(got, "WARN") != 1 {
		t.Error(got)
	}
}
