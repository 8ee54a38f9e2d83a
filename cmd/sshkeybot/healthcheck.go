package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/config"
	"sshkeybot/internal/control"
	"sshkeybot/internal/health"
	"sshkeybot/internal/store"
)

// healthWithin is how long the bot may take to answer. The image gives the whole command five seconds.
const healthWithin = 4 * time.Second

// healthcheckCommand returns the command for the health check of a container, whose image has
// no shell.
func healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the bot on the same database whether it lives", Args: noArguments, GroupID: groupRun,
		Long: "Asks the bot on the same database whether it lives, at whatever address its health pages\n" +
			"are. On a SQLite file it finds them through a socket beside that file; on PostgreSQL it asks\n" +
			"at SSHKEYBOT_HTTP_ADDR. Whether the bot can do its work is another question, which /readyz\n" +
			"answers: a full disk or Slack being away is not mended by a restart.\n" +
			"Exits 0 when the bot lives, 1 when it does not answer, 2 for settings that cannot be used.",
		Example: "  sshkeybot healthcheck\n  docker exec sshkeybot /sshkeybot healthcheck",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.LoadFor("SSHKEYBOT_HTTP_ADDR", ledgerSetting)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), healthWithin)
			defer cancel()
			return askHealth(ctx, cfg)
		},
	}
}

// askHealth returns nil if the bot on that ledger lives. The bot that has a SQLite file is asked beside it where its
// pages are, since the setting may name any free port, or one that another bot on this machine has.
func askHealth(ctx context.Context, cfg config.Config) error {
	address := cfg.HTTPAddr
	path, isFile, err := store.File(cfg.DatabaseURL.Reveal())
	if isFile && err == nil {
		switch at, err := control.Pages(ctx, control.Path(path)); {
		case err == nil && at == "":
			return nil // it answers there, and has no pages
		case err == nil:
			address = at
		} // else it is about to start, or could not make the socket, or does not run
	}
	switch _, port, _ := net.SplitHostPort(address); {
	case address == "" && isFile:
		return errors.New("the bot does not answer beside its database, and SSHKEYBOT_HTTP_ADDR is empty")
	case address == "":
		return nil // nobody can be asked, which does not make the bot unhealthy
	case port == "0":
		return errors.New("the bot cannot be found: SSHKEYBOT_HTTP_ADDR has port 0, which is another one at each start; set one")
	}
	switch err := health.Ask(ctx, address, store.Name(cfg.DatabaseURL.Reveal())); {
	case errors.Is(err, health.ErrOther):
		return fmt.Errorf("%s is not the bot's: %w; give each its own SSHKEYBOT_HTTP_ADDR", address, err)
	case err != nil:
		return fmt.Errorf("the bot does not answer: %w", err)
	}
	return nil
}
