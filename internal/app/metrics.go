package app

import (
	"context"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/health"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow"
)

// newMetrics returns the metrics of the process.
func (a *App) newMetrics() *health.Metrics {
	this := Build()
	return health.NewMetrics(health.Build{Version: this.Version, Commit: this.Commit, Date: this.Date}, a.figures)
}

// measure has the parts that are built report to the metrics.
func (a *App) measure() {
	a.Service.Late = a.metrics.GrantEnded
	a.Service.Closed = a.requestClosed
	a.Service.Engine.Settled = func(r access.Result) { a.metrics.Settled(string(r.Phase), string(r.State), string(r.Problem)) }
	for _, c := range a.targets {
		a.watchCalls(c.target.Name(), c.limiter)
	}
}

func (a *App) requestClosed(c workflow.Closed) {
	a.metrics.RequestClosed(string(c.Kind), string(c.State))
	if c.Decided {
		a.metrics.RequestDecided(string(c.Kind), c.Waited)
	}
}

// classes are what calls of a priority are for.
var classes = map[limiter.Priority]string{ //nolint:gochecknoglobals // a constant
	limiter.High: "removal", limiter.Elevated: "renewal", limiter.Normal: "addition", limiter.Low: "reading",
}

func (a *App) watchCalls(target string, l *limiter.Limiter) {
	l.Watch(limiter.Watcher{
		Waited:   func(p limiter.Priority, d time.Duration) { a.metrics.CallWaited(target, classes[p], d) },
		Answered: func(answer limiter.Answer) { a.metrics.Called(target, answer.Status) },
	})
}

func (a *App) timed(t store.Timing) { a.metrics.Transaction(t.Writes, t.Waited, t.Took) }

// figures returns the numbers for a scrape. What cannot be read of the ledger is left out.
func (a *App) figures(ctx context.Context) health.Figures {
	slack := a.bot.Health()
	f := health.Figures{
		Sockets: slack.Sockets, Reconnects: slack.Reconnects, Connected: a.SlackConnected(ctx) == nil,
		Writable: a.writable() == nil, SweepAge: a.pulse.sweepAge(),
	}
	if ledger, err := a.ledgerFigures(ctx); err == nil {
		f.Ledger = ledger
	}
	return f
}

func (a *App) ledgerFigures(ctx context.Context) (*health.Ledger, error) {
	now, err := a.Service.Figures(ctx)
	if err != nil {
		return nil, err
	}
	outbox, inbox, err := a.Store.Backlog(ctx, a.Service.Now())
	if err != nil {
		return nil, err
	}
	targets, err := a.targetFigures(ctx)
	return &health.Ledger{
		LiveGrants: now.Live, OverdueGrants: now.Overdue, OwedRemovals: now.Removals, OldestRemoval: now.Owed, PendingRequests: now.Waiting,
		UndecidedKeys: now.Undecided, UndecidedLookalikes: now.Lookalikes, OldestUndecided: now.Unanswered, RestoredWaiting: now.RestoredWaiting,
		Outbox: a.queueOf(outbox), Inbox: a.queueOf(inbox), Targets: targets,
	}, err
}

func (a *App) queueOf(b delivery.Backlog) health.Queue {
	if b.Since.IsZero() {
		return health.Queue{Waiting: b.Waiting}
	}
	return health.Queue{Waiting: b.Waiting, Oldest: a.Service.Now().Sub(b.Since)}
}

func (a *App) targetFigures(ctx context.Context) ([]health.Target, error) {
	if err := a.counting.Lock(ctx); err != nil {
		return nil, err
	}
	defer a.counting.Unlock()
	figures := make([]health.Target, len(a.targets))
	for i, c := range a.targets {
		name := c.target.Name()
		counted, err := a.Service.Engine.CallsThisMonth(ctx, name)
		if err != nil {
			return nil, err
		}
		var known access.TargetState
		err = a.Service.Store.Read(ctx, func(tx access.Tx) error {
			known, err = tx.Target(ctx, name)
			return err
		})
		if err != nil {
			return nil, err
		}
		calls := c.limiter.State()
		figures[i] = health.Target{
			Name: name, WaitingCalls: calls.Waiting, CallsThisMonth: counted + calls.Calls - c.counted, MonthlyQuota: quotaOf(c.target),
			ListAge: a.Service.Now().Sub(known.ListedAt), Listed: !known.ListedAt.IsZero(), Halted: known.Halted(),
		}
	}
	return figures, nil
}

// quotaOf returns how many calls a month to a target are paid for; 0 if that is not known.
func quotaOf(t access.Target) int {
	if metered, ok := t.(access.Metered); ok {
		return metered.MonthlyQuota()
	}
	return 0
}
