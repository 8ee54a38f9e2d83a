package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sshkeybot/internal/access"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
)

func logVerifyCommand() *cobra.Command {
	var asJSON bool
	var since string
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that the audit log is whole and unchanged", Args: noArguments,
		Long: "Recomputes the hash of every event, each over the one before it. The last line is\n" +
			"NUMBER:HASH of the last event; the daily summary in Slack has it, too. Keep it elsewhere:\n" +
			"given to --since later, it also shows a log that was rewritten from its beginning, or whose\n" +
			"end was cut off, and only what follows is read.\n" +
			"Exits 0 when it holds, 1 at the first event that does not fit (then the last line is the last\n" +
			"event that does, if there is one), 2 for wrong usage.",
		Example: "  sshkeybot log verify\n  sshkeybot log verify --since 1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		RunE: func(cmd *cobra.Command, _ []string) error {
			known, ok := access.ParseHead(since)
			if since != "" && !ok {
				return usageError{errors.New("--since takes NUMBER:HASH, as log verify prints it in its last line")}
			}
			return verifyLog(cmd, known, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	cmd.Flags().StringVar(&since, "since", "", "`NUMBER:HASH` that the log had before: it must still have that event")
	return cmd
}

func verifyLog(cmd *cobra.Command, since access.Head, asJSON bool) error {
	cfg, err := config.LoadFor(ledgerSetting)
	if err != nil {
		return err
	}
	ledger, err := openToRead(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer ledger.Close()
	chain, err := check.Verify(cmd.Context(), ledger, since)
	if err != nil {
		return err
	}
	show := func(out io.Writer) error { return printChain(out, chain, since) }
	if asJSON {
		show = func(out io.Writer) error { return printJSON(out, chain) }
	}
	if err := show(cmd.OutOrStdout()); err != nil {
		return err
	}
	if chain.Broken != nil {
		return failed{}
	}
	return nil
}

func printChain(out io.Writer, chain check.Chain, since access.Head) error {
	events, from := counted(chain.Events, "event"), ""
	if since != (access.Head{}) {
		from = fmt.Sprintf(" after event %d", since.Seq)
	}
	b := chain.Broken
	if b == nil {
		_, err := fmt.Fprintf(out, "The audit log is whole: %s%s.\n%s\n", events, from, chain.Head)
		return err
	}
	what := ""
	if b.Event != nil {
		what = fmt.Sprintf(" (%s, %s %s)", plain(string(b.Event.Action)), plain(string(b.Event.Noun)), plain(b.Event.NounID))
	}
	if _, err := fmt.Fprintf(out, "The audit log is broken at event %d%s: %s.\n", b.Number, what, b.Reason); err != nil || chain.Head == (access.Head{}) {
		return err
	}
	_, err := fmt.Fprintf(out, "What comes before holds together: %s%s.\n%s\n", events, from, chain.Head)
	return err
}
