package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow"
)

// shellReplica begins the name of a process that is a command, not the bot. No name
// of a host holds a colon.
const shellReplica = "shell:"

// ledgerSetting is all that a command needs to know which only looks at the ledger.
const ledgerSetting = "SSHKEYBOT_DATABASE_URL"

// mustExist refuses a SQLite file that is not there: opened from another folder, a
// path that is not absolute would make an empty ledger that owes nothing.
func mustExist(cfg config.Config) error {
	path, isFile, err := store.File(cfg.DatabaseURL.Reveal())
	switch {
	case !isFile || err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no database at %s; SSHKEYBOT_DATABASE_URL must name the bot's own, best by an absolute path", path)
	}
	return fmt.Errorf("the database cannot be read: %w", err)
}

// openToRead opens the ledger for a command that only looks, whether or not the bot
// is running. mustExist has told of a path that is wrong.
func openToRead(ctx context.Context, cfg config.Config) (*store.Store, error) {
	if err := mustExist(cfg); err != nil {
		return nil, err
	}
	return store.OpenReadOnly(ctx, cfg.DatabaseURL.Reveal()) // takes no lock: a bot may start meanwhile
}

// readOnlyService reads a ledger; it reaches nobody outside.
func readOnlyService(ledger *store.Store, cfg config.Config, now func() time.Time) *workflow.Service {
	engine := &reconcile.Engine{Store: ledger, Settings: engineSettings(cfg, "", true), Now: now}
	return &workflow.Service{Engine: engine, Store: ledger, Settings: settings(cfg), Now: now}
}

// botRuns tells whether a bot works on this ledger beside us.
func botRuns(ctx context.Context, ledger *store.Store) (bool, error) {
	others, err := ledger.Others(ctx)
	for _, name := range others {
		if !strings.HasPrefix(name, shellReplica) {
			return true, err
		}
	}
	return false, err
}
