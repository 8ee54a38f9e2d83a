package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
	"sshkeybot/internal/store"
)

func restoreCommand(now func() time.Time) *cobra.Command {
	var markOnly bool
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a copy of the ledger in place, and mark it", GroupID: groupAct,
		Long: "Proves that FILE is a whole copy of a ledger, and puts it where SSHKEYBOT_DATABASE_URL\n" +
			"says, in one step. FILE stays as it is, and a ledger that was there gets another name. Stop\n" +
			"the bot first.\n\n" +
			"What was decided after the copy was made is not in it. So the ledger is marked: the bot grants\n" +
			"nothing until it has read all servers for keys that the copy does not know and looked up\n" +
			"everybody in Slack, and an approver has pressed Continue in Slack. Requests that were open in\n" +
			"the copy are closed, and new ones get numbers far above the old.\n\n" +
			"With --mark it only marks the ledger that is in place, which was put there by other means,\n" +
			"such as pg_restore. Stop every bot first.\n\n" +
			"Exits 0 when the ledger is in place and marked, 1 when nothing was changed, 2 for wrong usage or\n" +
			"settings.",
		Example: "  sshkeybot restore /backups/keys-2026-03-02.db\n  sshkeybot restore --mark", ValidArgsFunction: anyFile,
		Args: func(cmd *cobra.Command, args []string) error {
			if markOnly && len(args) == 0 {
				return nil
			}
			if markOnly {
				return usageError{fmt.Errorf("%q is an argument too many: restore --mark marks the ledger that is in place", args[0])}
			}
			return oneFile("restore")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.LoadFor(ledgerSetting)
			if err != nil {
				return err
			}
			if markOnly {
				return plainly(markInPlace(cmd.Context(), cmd.OutOrStdout(), cfg, now))
			}
			return plainly(restore(cmd.Context(), cmd.OutOrStdout(), cfg, args[0], now))
		},
	}
	cmd.Flags().BoolVar(&markOnly, "mark", false, "mark the ledger that is in place as restored, and copy nothing")
	return cmd
}

func restore(ctx context.Context, out io.Writer, cfg config.Config, file string, now func() time.Time) error {
	url := cfg.DatabaseURL.Reveal()
	if _, isFile, _ := store.File(url); !isFile {
		fmt.Fprintf(out, "The ledger is in PostgreSQL, so nothing was restored here. Stop every bot, then type these two lines (the first asks for the password, or takes it from PGPASSWORD or ~/.pgpass):\n%s\nsshkeybot restore --mark\n", store.Undump(url, file))
		return failed{}
	}
	staged, err := store.Stage(ctx, file, url)
	if err != nil {
		return err
	}
	defer staged.Close()
	mark, err := markAt(ctx, staged.URL(), cfg, now)
	if err != nil {
		return err
	}
	aside, err := staged.Replace(ctx, now())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Restored %s from %s.\n", staged.Path(), file)
	if aside != "" {
		fmt.Fprintf(out, "The ledger that was there is %s now.\n", aside)
	}
	return printMark(out, mark)
}

// markInPlace marks the ledger that is in place.
func markInPlace(ctx context.Context, out io.Writer, cfg config.Config, now func() time.Time) error {
	there, err := openToRead(ctx, cfg) // to open it for writing would make one
	if err != nil {
		return err
	}
	there.Close()
	mark, err := markAt(ctx, cfg.DatabaseURL.Reveal(), cfg, now)
	if err != nil {
		return err
	}
	return printMark(out, mark)
}

// markAt proves that the audit log of a ledger is whole, and marks it as restored. While it does
// that no bot can work on it.
func markAt(ctx context.Context, url string, cfg config.Config, now func() time.Time) (mark access.Restored, err error) {
	ledger, err := store.Open(ctx, url, store.Options{Replica: app.ShellReplica + "restore"})
	if err != nil {
		return mark, err
	}
	defer ledger.Close()
	if runs, err := botRuns(ctx, ledger); err != nil {
		return mark, err
	} else if runs {
		return mark, errors.New("a bot is running on this ledger; stop every one of them first")
	}
	chain, err := check.Verify(ctx, ledger, access.Head{})
	if err != nil {
		return mark, err
	}
	if b := chain.Broken; b != nil {
		return mark, fmt.Errorf("the audit log of the copy is broken at event %d: %s; nothing was changed", b.Number, b.Reason)
	}
	return app.ReadOnly(ledger, cfg, now).MarkRestored(ctx)
}

func printMark(out io.Writer, mark access.Restored) error {
	_, err := fmt.Fprintf(out, "%s\nIt is marked as restored: start the bot. It grants nothing until all servers were read, everybody was looked up,\n"+
		"and an approver has pressed Continue on request %d in Slack.\n", lastSaid(access.Event{Seq: mark.Head.Seq, Hash: mark.Head.Hash, At: mark.HeadAt}), mark.Request)
	return err
}
