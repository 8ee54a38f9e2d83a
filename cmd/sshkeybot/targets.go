package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/health"
	"sshkeybot/internal/limiter"
	runcloudtarget "sshkeybot/internal/target/runcloud"
	"sshkeybot/runcloud"
)

// callTimeout is the timeout of one call to a target. A write may wait for a server's agent.
const callTimeout = 30 * time.Second

// configured is a target with what the process needs of the client behind it.
type configured struct {
	target  access.Target
	limiter *limiter.Limiter
	close   func()
	counted int // calls that countCalls has added to the ledger
}

// configure returns the targets of these settings. It calls none of them.
func configure(cfg config.Config, log *slog.Logger) []*configured {
	return []*configured{runcloudAccount(cfg, log)}
}

func runcloudAccount(cfg config.Config, log *slog.Logger) *configured {
	client := runcloud.New(cfg.RunCloud.Token.Reveal(),
		runcloud.WithBaseURL(cfg.RunCloud.APIURL), runcloud.WithTimeout(callTimeout), runcloud.WithLogger(log),
		runcloud.WithLimiter(limiter.New(cfg.Concurrency)), runcloud.WithUserAgent("sshkeybot/"+version))
	return &configured{
		target:  runcloudtarget.Target{Client: client, Lifetime: cfg.RunCloud.TemporaryLifetime, Quota: cfg.RunCloud.MonthlyQuota},
		limiter: client.Limiter(), close: client.CloseIdleConnections,
	}
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
func (a *app) countCalls(ctx context.Context) error {
	a.counting.Lock()
	defer a.counting.Unlock()
	var trouble error
	for _, c := range a.targets {
		calls := c.limiter.State().Calls
		if err := a.service.Engine.CountCalls(ctx, c.target.Name(), calls-c.counted); err != nil {
			trouble = errors.Join(trouble, err)
			continue
		}
		c.counted = calls
	}
	return trouble
}

// countWaiting fills in how many calls wait for a target's limit, and how many were made to all
// of them this month.
func (a *app) countWaiting(ctx context.Context, f *health.Figures) error {
	a.counting.Lock()
	defer a.counting.Unlock()
	for _, c := range a.targets {
		counted, err := a.service.Engine.CallsThisMonth(ctx, c.target.Name())
		if err != nil {
			return err
		}
		now := c.limiter.State()
		f.WaitingCalls += now.Waiting
		f.CallsThisMonth += counted + now.Calls - c.counted
	}
	return nil
}

// targetChecks returns a check for each target, which fails while that refuses our credentials.
func (a *app) targetChecks() []health.Check {
	checks := make([]health.Check, len(a.targets))
	for i, c := range a.targets {
		name := c.target.Name()
		checks[i] = health.Check{Name: name, Do: func(ctx context.Context) error {
			halted, err := a.service.Engine.Halted(ctx)
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
