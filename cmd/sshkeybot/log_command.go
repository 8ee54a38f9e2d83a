package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
)

func logCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "log", Short: "Look after the audit log", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(fmt.Errorf("name what to do with the log"), cmd)
		},
	}
	cmd.AddCommand(logVerifyCommand())
	return cmd
}

func logVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that the audit log is whole and unchanged", Args: noArguments,
		Long: "Recomputes the hash of every event, each over the one before it, and prints how many\n" +
			"there are and the last hash. Keep that hash elsewhere: compared with a later run it\n" +
			"also shows an end that was cut off. Exits 1 at the first event that does not fit.",
		RunE: func(cmd *cobra.Command, _ []string) error { return verifyLog(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func verifyLog(cmd *cobra.Command, asJSON bool) error {
	cfg, err := config.LoadFor(ledgerSetting)
	if err != nil {
		return err
	}
	ledger, err := openToRead(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer ledger.Close()
	chain, err := check.Verify(cmd.Context(), ledger)
	if err != nil {
		return err
	}
	if err := showChain(cmd, chain, asJSON); err != nil {
		return err
	}
	if chain.Broken != nil {
		return failed{}
	}
	return nil
}

func showChain(cmd *cobra.Command, chain check.Chain, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, chain)
	}
	var err error
	if b := chain.Broken; b != nil {
		_, err = fmt.Fprintf(out, "The audit log is broken at event %d (%s, %s %s): it does not follow the event before it.\n%s before it hold together.\n",
			b.Seq, plain(string(b.Action)), plain(string(b.Noun)), plain(b.NounID), counted(chain.Events, "event"))
		return err
	}
	_, err = fmt.Fprintf(out, "The audit log is whole: %s.\nLast hash: %s\n", counted(chain.Events, "event"), chain.LastHash)
	return err
}
