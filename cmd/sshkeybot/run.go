package main

import (
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/config"
)

func runCommand(now func() time.Time) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Run the bot", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load()
			if err != nil {
				return err
			}
			log := newLog(cfg.LogLevel, cfg.LogFormat, cmd.ErrOrStderr())
			a, err := newApp(cmd.Context(), cfg, log, now)
			if err != nil && cmd.Context().Err() != nil {
				return nil // told to stop while it started
			}
			if err != nil {
				return err
			}
			defer a.close()
			log.Info("running", "version", version, "approvers", len(cfg.Approvers), "self_approval", cfg.SelfApproval, "http", cfg.HTTPAddr)
			return a.run(cmd.Context())
		},
	}
}
