package app

import (
	"context"
	"time"

	"sshkeybot/internal/queue"
)

// timers returns the timers that every process needs. Each finds in the ledger what is due, so
// that nothing depends on a wake-up that may have been lost.
func (a *App) timers() []queue.Timer {
	return []queue.Timer{
		{Name: "sweep", Every: time.Second, Do: a.Sweep},
		{Name: "wake", Every: 5 * time.Second, Do: a.Service.Engine.WakeDue},
		{Name: "resume", Every: 15 * time.Second, Do: a.Service.Engine.Resume},
		{Name: "renamed", Every: 15 * time.Second, Do: a.Service.Engine.FindRenamed},
		{Name: "release", Every: 2 * time.Second, Do: a.releaseDead},
		{Name: "calls", Every: time.Minute, Do: a.countCalls},
		{Name: "prune", Every: time.Hour, Do: a.prune},
	}
}

// botTimers returns the timers of the bot that a command in the shell does not need.
func (a *App) botTimers() []queue.Timer {
	timers := []queue.Timer{
		{Name: "ledger", Every: pulseEvery, Do: a.watchLedger},
		{Name: "slack", Every: 15 * time.Second, Do: a.askSlack},
		{Name: "rotations", Every: time.Second, Do: a.Service.Rotate},
		{Name: "leavers", Every: time.Minute, Do: a.Service.FindDeactivated},
		{Name: "orphans", Every: time.Minute, Do: a.Service.Engine.FindOrphans},
		{Name: "restored", Every: 5 * time.Second, Do: a.Service.WatchRestored},
		{Name: "returned", Every: time.Minute, Do: a.Service.Engine.FindReturned},
		{Name: "time", Every: 2 * time.Second, Do: a.askTheTime},
		{Name: "look again", Every: time.Minute, Do: a.Service.Engine.RereadServers},
		{Name: "audit", Every: 2 * time.Second, Do: a.Service.ReadForAudits},
		{Name: "undecidable", Every: 15 * time.Second, Do: a.Service.FindUndecidable},
	}
	if at := a.cfg.DailySummary; at != nil {
		timers = append(timers, queue.Timer{
			Name: "summary", Every: time.Minute, Do: func(ctx context.Context) error { return a.Service.Summarise(ctx, at.SinceMidnight()) },
		})
	}
	if at := a.cfg.Audit; at != nil {
		timers = append(timers, queue.Timer{
			Name: "weekly audit", Every: time.Minute, Do: func(ctx context.Context) error { return a.Service.AuditWeekly(ctx, at.Day, at.SinceMidnight()) },
		})
	}
	return timers
}

// keepHandled is how long handled envelopes and sent notices are kept: much longer than Slack
// may take to deliver an envelope once more.
const keepHandled = 7 * 24 * time.Hour

// prune deletes what is old enough, the history in many small transactions.
func (a *App) prune(ctx context.Context) error {
	if err := a.Store.Prune(ctx, a.Service.Now().Add(-keepHandled)); err != nil {
		return err
	}
	now := a.Service.Now()
	for more := true; more; {
		var err error
		if more, err = a.Store.PruneRenewed(ctx, now.Add(-a.keepRenewed())); err != nil {
			return err
		}
	}
	next, more, err := a.Store.PruneHistory(ctx, now.Add(-a.cfg.Keep), 0)
	for more && err == nil {
		next, more, err = a.Store.PruneHistory(ctx, now.Add(-a.cfg.Keep), next)
	}
	return err
}

// keepRenewed returns how long a key is remembered that was placed anew: longer than its target
// keeps it, and than the server is read again for it.
func (a *App) keepRenewed() time.Duration {
	var longest time.Duration
	for _, account := range a.cfg.RunClouds {
		longest = max(longest, account.TemporaryLifetime)
	}
	return 24*time.Hour + 2*longest
}

func (a *App) releaseDead(ctx context.Context) error {
	dead, err := a.Store.ReleaseDead(ctx)
	for _, replica := range dead {
		a.log.Warn("took over the work of a replica that died", "replica", replica)
	}
	return err
}
