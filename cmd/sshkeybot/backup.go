package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/store"
)

func backupCommand(now func() time.Time) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy the ledger, while the bot runs or not", Args: oneFile("backup"), GroupID: groupAct,
		Long: "Copies a SQLite ledger, consistent in itself, whether or not a bot is running on it, and\n" +
			"proves that the copy is whole. FILE must not exist; it is for its owner alone, and there is\n" +
			"none if anything goes wrong. Run it as the user that runs the bot. For a PostgreSQL ledger\n" +
			"it copies nothing: it prints the pg_dump line that does, and exits 1. Exits 0 with a whole copy,\n" +
			"1 without one, 2 for wrong usage or settings.",
		Example: "  sshkeybot backup /backups/keys-2026-03-02.db", ValidArgsFunction: anyFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.LoadFor(ledgerSetting)
			if err != nil {
				return err
			}
			return plainly(backup(cmd.Context(), cmd.OutOrStdout(), cfg, args[0], now))
		},
	}
}

// anyFile completes the name of a file.
func anyFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// oneFile returns the check that a command gets the name of one file.
func oneFile(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageError{fmt.Errorf("name the file: sshkeybot %s FILE", command)}
		case len(args) > 1:
			return usageError{fmt.Errorf("%q is an argument too many: sshkeybot %s takes one file", args[1], command)}
		case args[0] == "" || args[0] == "-":
			return usageError{fmt.Errorf("%q is no file: sshkeybot %s FILE", args[0], command)}
		}
		return nil
	}
}

func backup(ctx context.Context, out io.Writer, cfg config.Config, to string, now func() time.Time) error {
	if err := mustExist(cfg); err != nil {
		return err
	}
	path, isFile, _ := store.File(cfg.DatabaseURL.Reveal()) // mustExist has looked
	if !isFile {
		fmt.Fprintf(out, "The ledger is in PostgreSQL, so nothing was copied here. This line copies it (it asks for the password, or takes it from PGPASSWORD or ~/.pgpass):\n%s\n", store.Dump(cfg.DatabaseURL.Reveal(), to))
		return failed{}
	}
	if err := store.Backup(ctx, path, to); err != nil {
		return err
	}
	size, err := store.Size(to)
	if err != nil {
		return err
	}
	last, err := lastEvent(ctx, to)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Copied %s to %s (%s) at %s.\n%s\n", path, to, size, utc(now()), lastSaid(last))
	return err
}

// plainly returns an error of which people read the message alone.
func plainly(err error) error {
	if e, ok := errors.AsType[*access.Error](err); ok {
		return errors.New(e.Message)
	}
	return err
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// lastSaid says which event is the last.
func lastSaid(last access.Event) string {
	if last.Seq == 0 {
		return "Nothing has ever happened in it."
	}
	return fmt.Sprintf("Its last event is of %s:\n%s", utc(last.At), last.Head())
}

// lastEvent returns the last event of the ledger in a file.
func lastEvent(ctx context.Context, file string) (last access.Event, err error) {
	ledger, err := store.OpenReadOnly(ctx, "sqlite:"+file)
	if err != nil {
		return last, err
	}
	defer ledger.Close()
	err = ledger.Read(ctx, func(tx access.Tx) error {
		events, err := tx.Events(ctx, access.EventQuery{Newest: true, Limit: 1})
		for _, e := range events {
			last = e
		}
		return err
	})
	return last, err
}
