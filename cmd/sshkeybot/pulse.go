package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sshkeybot/bot/outbox"
	"sshkeybot/bot/render"
	"sshkeybot/internal/workflow"
)

const (
	pulseEvery   = 5 * time.Second
	probeTimeout = 10 * time.Second // PostgreSQL may not answer at all

	// A ledger that was not seen to be written for so long, or that has refused a write
	// since, is taken for one that cannot be. A slow one is none.
	writtenWithin = 30 * time.Second
	refusedWithin = 2 * pulseEvery

	// settledAfter is when no replica should find the ledger ill any more that was mended.
	settledAfter = 6 * pulseEvery

	sweptWithin = 20 * time.Second // removals are to start within ten seconds of the end
)

// pulse knows whether the ledger can be written and is swept. It keeps that in memory:
// the ledger is what may be ill.
type pulse struct {
	now   func() time.Time // for people; what is measured goes by the real clock
	alarm *outbox.Alarm

	mu      sync.Mutex
	written time.Time
	swept   time.Time
	ill     error     // why nothing can be written; nil while it can
	since   time.Time // by now
	lastIll time.Time // only watchLedger looks
}

func newPulse(now func() time.Time) *pulse {
	return &pulse{now: now, written: time.Now(), swept: time.Now()}
}

// stopped reports whether the ledger is known to take no writes.
func (p *pulse) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ill != nil
}

// note records what a probe came to, and reports whether that has changed.
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

func (p *pulse) sweeps() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := time.Since(p.swept); age > sweptWithin {
		return fmt.Errorf("what is due was not looked for in %s", age.Round(time.Second))
	}
	return nil
}

// sweep claims what is due, has Slack told of it, and notes that it could.
func (a *app) sweep(ctx context.Context) error {
	err := errors.Join(a.service.Sweep(ctx), a.outbox.WakeDue(ctx))
	if err == nil {
		a.pulse.mu.Lock()
		defer a.pulse.mu.Unlock()
		a.pulse.swept = time.Now()
	}
	return err
}

// writable returns why the ledger cannot be written.
func (a *app) writable() error {
	a.pulse.mu.Lock()
	defer a.pulse.mu.Unlock()
	switch age := time.Since(a.pulse.written); {
	case a.pulse.ill != nil:
		return a.pulse.ill
	case time.Since(a.store.RefusedWrite()) < refusedWithin:
		return errors.New("it has just refused a write")
	case age > writtenWithin:
		return fmt.Errorf("it was not written in %s", age.Round(time.Second))
	}
	return nil
}

// watchLedger looks whether the ledger can be written, tells the team when it cannot,
// and picks up what was left when it can again.
func (a *app) watchLedger(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := a.store.Probe(soon)
	if ctx.Err() != nil {
		return nil // told to stop
	}
	if err != nil {
		_, _ = a.runner.FindLost(soon) // so that lost jobs are known once it can be written; it may not be readable either
	}
	before := a.pulse.since
	changed := a.pulse.note(err)
	switch {
	case err != nil && changed:
		a.log.Error("the ledger cannot be written: commands are refused, keys are not removed, nothing new is placed; it is tried again every few seconds", "error", err)
		return nil // it may pass at once
	case err != nil && a.pulse.stopped():
		return a.raise(ctx)
	case err != nil:
		return nil // slow
	case changed:
		a.log.Warn("the ledger can be written again", "not_since", before)
	}
	if time.Since(a.pulse.lastIll) > settledAfter {
		a.store.Resign()
	}
	return errors.Join(a.runner.ReleaseLost(ctx), a.pulse.alarm.Clear(ctx, render.Writable(before, a.pulse.now())))
}

func (a *app) raise(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if !a.store.TryLead(soon) {
		return nil
	}
	o, err := a.service.Overdue(soon)
	if err != nil {
		o = workflow.Overdue{} // it cannot be read either: that it is ill is told all the same
	}
	return a.pulse.alarm.Raise(ctx, render.Unwritable(o.Grants, o.Removals))
}
