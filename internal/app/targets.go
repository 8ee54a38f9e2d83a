package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/health"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/scalingo"
	"sshkeybot/internal/store"
	runcloudtarget "sshkeybot/internal/target/runcloud"
	scalingotarget "sshkeybot/internal/target/scalingo"
	"sshkeybot/internal/workflow"
	"sshkeybot/runcloud"
)

// callTimeout is the timeout of one call to a target. A write may wait for a server's agent.
const callTimeout = 30 * time.Second

// configured is a target with what the process needs of the client behind it.
type configured struct {
	target  access.Target
	limiter *limiter.Limiter
	counted int // calls that countCalls has added to the ledger
}

// configure returns the targets of these settings, which are called over web. It calls none
// of them.
func configure(cfg config.Config, log *slog.Logger, web http.RoundTripper) []*configured {
	var all []*configured
	for _, account := range cfg.RunClouds {
		all = append(all, runcloudAccount(cfg, account, log, web))
	}
	if cfg.Scalingo != nil {
		all = append(all, scalingoAccount(*cfg.Scalingo, log, web))
	}
	return all
}

// runcloudAccount returns a target with the limiter of its client: RunCloud limits each account by itself.
func runcloudAccount(cfg config.Config, account config.RunCloud, log *slog.Logger, web http.RoundTripper) *configured {
	web = watched(log, account.Name, web)
	client := runcloud.New(account.Token.Reveal(),
		runcloud.WithBaseURL(account.APIURL), runcloud.WithHTTPClient(&http.Client{Transport: web}), runcloud.WithTimeout(callTimeout), runcloud.WithLogger(log),
		runcloud.WithLimiter(limiter.New(cfg.Concurrency)), runcloud.WithUserAgent("sshkeybot/"+Build().Version))
	return &configured{
		target: runcloudtarget.Target{
			Client: client, Account: account.Name, Several: len(cfg.RunClouds) > 1, Lifetime: account.TemporaryLifetime, Quota: account.MonthlyQuota,
		},
		limiter: client.Limiter(),
	}
}

// apart returns the targets with many servers, if there is another target: their work takes no worker from
// that of others.
func apart(cfg config.Config) []string {
	if len(cfg.RunClouds) < 2 && cfg.Scalingo == nil {
		return nil
	}
	return accountNames(cfg)
}

// severalAccounts returns the names of the RunCloud accounts if they are several.
func severalAccounts(cfg config.Config) []string {
	if len(cfg.RunClouds) < 2 {
		return nil
	}
	return accountNames(cfg)
}

func accountNames(cfg config.Config) (names []string) {
	for _, account := range cfg.RunClouds {
		names = append(names, account.Name)
	}
	return names
}

// scalingoAccount returns a target with the limiter of its client, which keeps 45 calls a minute.
func scalingoAccount(cfg config.Scalingo, log *slog.Logger, web http.RoundTripper) *configured {
	web = watched(log, "scalingo", web)
	client := scalingo.New(cfg.Token.Reveal(),
		scalingo.WithBaseURL(cfg.AuthURL), scalingo.WithHTTPClient(&http.Client{Transport: web}), scalingo.WithTimeout(callTimeout),
		scalingo.WithLogger(log), scalingo.WithUserAgent("sshkeybot/"+Build().Version))
	return &configured{
		target:  &scalingotarget.Target{Client: client, Grants: cfg.Grants},
		limiter: client.Limiter(),
	}
}

// Targets returns the targets of these settings, for who asks them what they are called and what they leave
// to be done by hand. It calls none of them.
func Targets(cfg config.Config) []access.Target {
	return targetsOf(configure(cfg, slog.New(slog.DiscardHandler), http.DefaultTransport))
}

// ReadOnly returns a service for reading a ledger. It calls neither Slack nor a target.
func ReadOnly(ledger *store.Store, cfg config.Config, now func() time.Time) *workflow.Service {
	engine := &reconcile.Engine{Store: ledger, Targets: Targets(cfg), Settings: engineSettings(cfg, "", true), Now: now}
	return &workflow.Service{Engine: engine, Store: ledger, Settings: settings(cfg), Now: now}
}

// targetsOf returns the targets alone.
func targetsOf(all []*configured) []access.Target {
	targets := make([]access.Target, len(all))
	for i, c := range all {
		targets[i] = c.target
	}
	return targets
}

// countCalls adds the calls to each target since the last time to its count in the ledger.
func (a *App) countCalls(ctx context.Context) error {
	if err := a.counting.Lock(ctx); err != nil {
		return err
	}
	defer a.counting.Unlock()
	var trouble error
	for _, c := range a.targets {
		calls := c.limiter.State().Calls
		if err := a.Service.Engine.CountCalls(ctx, c.target.Name(), calls-c.counted); err != nil {
			trouble = errors.Join(trouble, err)
			continue
		}
		c.counted = calls
	}
	return trouble
}

// targetChecks returns a check for each target, which fails while that refuses our credentials.
func (a *App) targetChecks() []health.Check {
	checks := make([]health.Check, len(a.targets))
	for i, c := range a.targets {
		name := c.target.Name()
		checks[i] = health.Check{Name: name, Do: func(ctx context.Context) error {
			halted, err := a.Service.Engine.Halted(ctx)
			for _, t := range halted {
				if t.Name == name {
					err = errors.New("the token is refused since " + t.HaltedAt.UTC().Format(time.RFC3339))
				}
			}
			return err
		}}
	}
	return checks
}
