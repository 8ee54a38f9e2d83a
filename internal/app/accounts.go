package app

import (
	"cmp"
	"log/slog"
	"net/http"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/octopus"
	octopustarget "sshkeybot/internal/target/octopus"
)

// octopusCalls is how many calls to Octopus Deploy may be under way at a time.
const octopusCalls = 2

// configureAccounts returns the accounts whose keys can be rotated; nil where none is configured. It
// calls nothing.
func configureAccounts(cfg config.Config, log *slog.Logger, web http.RoundTripper) access.KeyedAccounts {
	if cfg.Octopus == nil {
		return nil
	}
	client := octopus.New(cfg.Octopus.URL, cfg.Octopus.APIKey.Reveal(),
		octopus.WithHTTPClient(&http.Client{Transport: web}), octopus.WithTimeout(callTimeout), octopus.WithLogger(log), octopus.WithLimiter(limiter.New(octopusCalls)), octopus.WithUserAgent("sshkeybot/"+Build().Version))
	return &octopustarget.Accounts{Client: client, Space: cmp.Or(cfg.Octopus.Space, "Default")}
}
