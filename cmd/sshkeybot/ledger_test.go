package main

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/app"
	"sshkeybot/internal/store"
)

// told is a writer that calls itself at every write.
type told func()

func (t told) Write(p []byte) (int, error) { t(); return len(p), nil }

func TestReadingTakesNoLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 1})
		r.Ends()
		cfg := r.cfg
		reading, err := openToRead(t.Context(), cfg)
		r.must(err)
		defer reading.Close()
		bot, err := store.Open(t.Context(), cfg.DatabaseURL.Reveal(), store.Options{Replica: "bot"})
		if err != nil {
			t.Fatalf("a bot cannot start beside a command that reads: %v", err)
		}
		bot.Close()
	})
}

func TestCommandWaitsForAnotherCommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 1})
		r.Ends()
		cfg, log := r.cfg, slog.New(slog.DiscardHandler)
		open := func(name string) *store.Store {
			t.Helper()
			ledger, err := store.Open(t.Context(), cfg.DatabaseURL.Reveal(), store.Options{Replica: name})
			r.must(err)
			return ledger
		}
		other := open(app.ShellReplica + "other")
		waited := 0
		h, err := newExecutor(t.Context(), cfg, log, told(func() { waited++; other.Close() }), time.Now)
		r.must(err)
		h.close()
		if waited != 1 {
			t.Errorf("told %d times that it waits", waited)
		}

		other = open(app.ShellReplica + "other")
		ended, end := context.WithCancel(t.Context())
		_, err = newExecutor(ended, cfg, log, told(end), time.Now)
		other.Close()
		if err == nil {
			t.Fatal("it took what another command holds")
		}
		r.says(err.Error(), "nothing was done", "another sshkeybot command")

		bot := open("bot")
		defer bot.Close()
		h, err = newExecutor(t.Context(), cfg, log, io.Discard, time.Now) // it asks the bot, and does not wait for it to end
		r.must(err)
		h.close()
	})
}
