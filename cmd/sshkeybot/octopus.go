package main

import (
	"cmp"
	"log/slog"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/octopus"
	octopustarget "sshkeybot/internal/target/octopus"
)

// octopusCalls is how many calls to Octopus Deploy may be under way at a time.
const octopusCalls = 2

// configureAccounts returns the accounts whose keys can be rotated, and what closes the connections to
// their system; nil where none is configured. It calls nothing.
func configureAccounts(cfg config.Config, log *slog.Logger) (accounts access.KeyedAccounts, closeIdle func()) {
	if cfg.Octopus == nil {
		return nil, func() {}
	}
	client := octopus.New(cfg.Octopus.URL, cfg.Octopus.APIKey.Reveal(),
		octopus.WithTimeout(callTimeout), octopus.WithLogger(log), octopus.WithLimiter(limiter.New(octopusCalls)), octopus.WithUserAgent("sshkeybot/"+version))
	return &octopustarget.Accounts{Client: client, Space: cmp.Or(cfg.Octopus.Space, "Default")}, client.CloseIdleConnections
}
