package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sshkeybot"
)

func manifestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "manifest", Short: "Print the Slack app manifest", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), sshkeybot.Manifest)
			return err
		},
	}
}
