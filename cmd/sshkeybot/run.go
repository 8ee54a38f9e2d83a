package main

import (
	"context"
	"log/slog"
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
			err = runBot(cmd.Context(), cfg, log, now)
			if cmd.Context().Err() != nil {
				return nil //nolint:nilerr // told to stop, be it while it started
			}
			return err
		},
	}
}

func runBot(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time) error {
	a, err := newApp(ctx, cfg, log, now)
	if err != nil {
		return err
	}
	defer a.close()
	log.Info("running", "version", version, "approvers", len(cfg.Approvers), "self_approval", cfg.SelfApproval, "http", cfg.HTTPAddr)
	return a.run(ctx)
}
