package app

import (
	"cmp"
	"net/http"

	"sshkeybot/internal/access"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/octopus"
	octopustarget "sshkeybot/internal/target/octopus"
)

// octopusCalls is how many calls to Octopus Deploy may be under way at a time.
const octopusCalls = 2

// configureAccounts returns the accounts whose keys can be rotated; nil where none is configured. It
// calls nothing.
func (a *App) configureAccounts() access.KeyedAccounts {
	to := a.cfg.Octopus
	if to == nil {
		return nil
	}
	client := octopus.New(to.URL, to.APIKey.Reveal(),
		octopus.WithHTTPClient(&http.Client{Transport: watched(a.log, "octopus", a.web)}), octopus.WithTimeout(callTimeout), octopus.WithLogger(a.log), octopus.WithLimiter(limiter.New(octopusCalls)), octopus.WithUserAgent("sshkeybot/"+Build().Version))
	a.watchCalls("octopus", client.Limiter())
	return &octopustarget.Accounts{Client: client, Space: cmp.Or(to.Space, "Default")}
}
