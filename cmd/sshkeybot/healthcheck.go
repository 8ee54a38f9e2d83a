package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/config"
	"sshkeybot/internal/store"
)

// healthcheckCommand returns the command for the health check of a container, whose image has
// no shell.
func healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the bot beside this process whether it lives", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.LoadFor("SSHKEYBOT_HTTP_ADDR", ledgerSetting)
			if err != nil {
				return err
			}
			if cfg.HTTPAddr == "" {
				return nil // the bot serves no health pages, which does not make it unhealthy
			}
			host, port, err := net.SplitHostPort(cfg.HTTPAddr)
			if err != nil {
				return err
			}
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			return askHealth(cmd.Context(), "http://"+net.JoinHostPort(host, port)+"/healthz", store.Name(cfg.DatabaseURL.Reveal()))
		},
	}
}

// askHealth returns nil if a bot that uses that ledger answers at the URL. It compares the
// ledger because another process may have the port.
func askHealth(ctx context.Context, url, ledger string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: 3 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("the bot does not answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the bot answers %s", answer.Status)
	}
	var process struct{ Ledger string }
	if err := json.NewDecoder(io.LimitReader(answer.Body, 4<<10)).Decode(&process); err != nil || process.Ledger != ledger {
		return errors.New("another process answers at SSHKEYBOT_HTTP_ADDR, or a bot on another database: give each its own address")
	}
	return nil
}
