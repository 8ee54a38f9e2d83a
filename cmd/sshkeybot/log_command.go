package main

import (
	"fmt"

	"github.com/spf13/cobra"
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
