package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sshkeybot/bot/outbox"
	"sshkeybot/bot/render"
	"sshkeybot/internal/outage"
	"sshkeybot/internal/workflow"
)

const (
	pulseEvery   = 5 * time.Second
	probeTimeout = 10 * time.Second // PostgreSQL may not answer at all

	// The ledger counts as unwritable if no probe has succeeded for writtenWithin, or a write
	// has failed within refusedWithin. A probe that is only slow does not count before that.
	writtenWithin = 30 * time.Second
	refusedWithin = 2 * pulseEvery

	// settledAfter is how long after the ledger became writable every replica has noticed.
	settledAfter = 6 * pulseEvery

	sweptWithin = 20 * time.Second // removals have to start within ten seconds after the end of a grant
)

// pulse is whether the ledger can be written, and is swept. It is kept in memory, because what
// cannot be written is the ledger.
type pulse struct {
	now   func() time.Time // for times that people see; intervals are measured by the real clock
	alarm *outbox.Alarm
	watch outage.Watch

	mu      sync.Mutex
	written time.Time // when a probe last succeeded
	swept   time.Time // when a sweep last succeeded
	ill     error     // why the ledger cannot be written; nil while it can
	since   time.Time // since when, by now
	lastIll time.Time // when a probe last failed; used by watchLedger alone
}

func newPulse(now func() time.Time, log *slog.Logger) *pulse {
	return &pulse{
		now: now, written: time.Now(), swept: time.Now(),
		watch: outage.Watch{Log: log, Level: slog.LevelError, Down: "the ledger cannot be written", Up: "the ledger can be written again"},
	}
}

// stopped reports whether the last probe found that the ledger cannot be written.
func (p *pulse) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ill != nil
}

// note records the result of a probe, and reports whether it is another one than before.
func (p *pulse) note(err error) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.written = time.Now()
	case errors.Is(err, context.DeadlineExceeded) && time.Since(p.written) < writtenWithin:
		return false // only slow so far
	default:
		p.lastIll = time.Now()
	}
	if changed = (err == nil) != (p.ill == nil); changed && err != nil {
		p.since = p.now()
	}
	p.ill = err
	return changed
}

// sweeps returns an error if no sweep has succeeded for a while.
func (p *pulse) sweeps() error {
	if age := p.sweepAge(); age > sweptWithin {
		return fmt.Errorf("what is due was not looked for in %s", age.Round(time.Second))
	}
	return nil
}

// sweepAge returns how long ago a sweep last succeeded.
func (p *pulse) sweepAge() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.swept)
}

// Sweep ends what is due, wakes what Slack is to be told of it, and records that it could.
func (a *App) Sweep(ctx context.Context) error {
	err := errors.Join(a.Service.Sweep(ctx), a.Outbox.WakeDue(ctx))
	if err == nil {
		a.pulse.mu.Lock()
		defer a.pulse.mu.Unlock()
		a.pulse.swept = time.Now()
	}
	return err
}

// writable returns why the ledger cannot be written, or nil.
func (a *App) writable() error {
	a.pulse.mu.Lock()
	defer a.pulse.mu.Unlock()
	switch age := time.Since(a.pulse.written); {
	case a.pulse.ill != nil:
		return a.pulse.ill
	case time.Since(a.Store.RefusedWrite()) < refusedWithin:
		return errors.New("it has just refused a write")
	case age > writtenWithin:
		return fmt.Errorf("it was not written in %s", age.Round(time.Second))
	}
	return nil
}

// watchLedger probes whether the ledger can be written. While it cannot, one of the replicas
// says so in Slack; when it can again, each releases the jobs whose end could not be written.
func (a *App) watchLedger(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := a.Store.Probe(soon)
	if ctx.Err() != nil {
		return nil // told to stop
	}
	if err != nil {
		_, _ = a.runner.FindLost(soon) // the first look, so that lost jobs can be released as soon as possible; reading may fail as well
	}
	before := a.pulse.since
	changed := a.pulse.note(err)
	a.logWritable(ctx, err)
	switch {
	case err != nil && changed:
		return nil // it may be over in a moment: people are told after the next probe
	case err != nil && a.pulse.stopped():
		return a.raise(ctx)
	case err != nil:
		return nil // only slow so far
	}
	if time.Since(a.pulse.lastIll) > settledAfter {
		a.Store.Resign()
	}
	return errors.Join(a.runner.ReleaseLost(ctx), a.pulse.alarm.Clear(ctx, render.Writable(before, a.pulse.now())))
}

// logWritable logs that the ledger cannot be written, and that it can again.
func (a *App) logWritable(ctx context.Context, err error) {
	switch {
	case err == nil:
		a.pulse.watch.Saw(ctx, "", nil)
	case a.pulse.stopped():
		a.pulse.watch.Saw(ctx, "", err, "remedy", "Commands are refused, and no key is placed or removed: make room on its disk, or let its server take writes.")
	}
}

// raise says in Slack that the ledger cannot be written, if this replica leads.
func (a *App) raise(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if !a.Store.TryLead(soon) {
		return nil
	}
	f, err := a.Service.Figures(soon)
	if err != nil {
		f = workflow.Figures{} // the ledger cannot be read either; the message goes out without numbers
	}
	return a.pulse.alarm.Raise(ctx, render.Unwritable(f.Overdue, f.Removals))
}
