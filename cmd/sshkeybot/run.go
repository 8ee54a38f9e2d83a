package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/app"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
)

func runCommand(now func() time.Time) *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", Short: "Run the bot", Args: noArguments, GroupID: groupRun,
		Long: "Runs the bot until SIGTERM or Ctrl-C, which end it within 20 seconds; work that was under way\n" +
			"goes on after the next start. It logs to standard error, at the start also what check would\n" +
			"say of Slack, the targets and the place of the ledger.\n" +
			"Exits 0 when it was told to stop, 1 when it cannot start (another process has the ledger, or\n" +
			"the port that SSHKEYBOT_HTTP_ADDR names), 2 for settings that cannot be used.",
		Example: "  sshkeybot run\n  SSHKEYBOT_LOG_FORMAT=console sshkeybot run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load()
			if err != nil {
				return err
			}
			log := newLog(cfg.LogLevel, cfg.LogFormat, cmd.ErrOrStderr())
			err = runBot(cmd.Context(), cfg, log, now)
			if cmd.Context().Err() != nil {
				return nil //nolint:nilerr // told to stop, perhaps during the start
			}
			return err
		},
	}
	cmd.SetUsageTemplate(cmd.UsageTemplate() + "\n" + settingsHelp())
	return cmd
}

func runBot(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time) error {
	a, err := app.New(ctx, cfg, log, app.Host{Now: now})
	if err != nil {
		return err
	}
	defer a.Close()
	log.Info("running", "version", app.Build().Version, "commit", app.Build().Commit, "approvers", len(cfg.AllApprovers()), "self_approval", cfg.SelfApproval, "replica", a.Store.Replica())
	go logFindings(ctx, checker(cfg), log)
	return a.Run(ctx)
}

// logFindings logs the problems and warnings of the checks at the start. The start does not
// wait for it: what is wrong may pass, and keys have to be removed meanwhile.
func logFindings(ctx context.Context, c check.Checker, log *slog.Logger) {
	for _, f := range c.AtStart(ctx) {
		switch {
		case ctx.Err() != nil:
			return
		case f.Status == check.Problem:
			log.Error("the check found a problem", "check", f.Name, "problem", f.Text, "remedy", f.Remedy)
		case f.Status == check.Warning:
			log.Warn("the check warns", "check", f.Name, "problem", f.Text, "remedy", f.Remedy)
		}
	}
}
