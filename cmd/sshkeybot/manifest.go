package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sshkeybot"
)

func manifestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "manifest", Short: "Print the Slack app manifest", Args: noArguments, GroupID: groupSetUp,
		Long: "Prints the manifest of the Slack app, to be pasted at https://api.slack.com/apps (Create New App,\n" +
			"From a manifest; for an app that exists, App Manifest). It needs no settings. Exits 0.",
		Example: "  sshkeybot manifest\n  sshkeybot manifest > manifest.yml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), sshkeybot.Manifest)
			return err
		},
	}
}
