package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/store"
)

// ledgerSetting is the only setting that a command needs which only reads the ledger.
const ledgerSetting = "SSHKEYBOT_DATABASE_URL"

// mustExist returns an error if there is no SQLite file at the path. Otherwise a relative path
// in the wrong folder would make an empty ledger, in which nobody has access.
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

// openToRead opens the ledger for a command that only reads it, whether or not a bot is running.
func openToRead(ctx context.Context, cfg config.Config) (*store.Store, error) {
	if err := mustExist(cfg); err != nil {
		return nil, err
	}
	return store.OpenReadOnly(ctx, cfg.DatabaseURL.Reveal()) // without a lock: a bot may start meanwhile
}

// botRuns reports whether a bot is running on this PostgreSQL ledger.
func botRuns(ctx context.Context, ledger *store.Store) (bool, error) {
	others, err := ledger.Others(ctx)
	for _, name := range others {
		if !strings.HasPrefix(name, app.ShellReplica) {
			return true, err
		}
	}
	return false, err
}
