package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

const (
	auditsAtOnce = 20              // servers read by one call of ReadForAudits
	auditAgain   = 2 * time.Minute // after a reading that failed
	// timerMargin is how much earlier than expected a target's own timer may remove a key.
	timerMargin = 5 * time.Minute
)

// AuditServers has these servers read for an audit.
func (e *Engine) AuditServers(ctx context.Context, tx access.Tx, request int64, servers []access.ServerRef) error {
	results := make([]access.Result, len(servers))
	for i, server := range servers {
		results[i] = access.Result{RequestID: request, Phase: access.PhaseAudit, ServerID: server.ID, ServerName: server.Name, State: access.Waiting, UpdatedAt: e.Now().Add(-auditAgain)}
	}
	return tx.InsertResults(ctx, results)
}

// ReadForAudits reads the next few servers that audits wait for, behind all other calls. It is
// to be called every few seconds. It returns the requests of which something was read.
func (e *Engine) ReadForAudits(ctx context.Context) (audits []int64, err error) {
	var due []access.Result
	err = e.Store.Read(ctx, func(tx access.Tx) (err error) {
		due, err = tx.OpenAudits(ctx, e.Now().Add(-auditAgain+time.Millisecond), auditsAtOnce)
		return err
	})
	for _, r := range due {
		if err := e.readForAudit(ctx, r); err != nil {
			return audits, err
		}
		if !slices.Contains(audits, r.RequestID) {
			audits = append(audits, r.RequestID)
		}
	}
	return audits, err
}

// readForAudit reads one server, and acts on what it means. A server that cannot be read is
// tried again later, and does not hold up the others.
func (e *Engine) readForAudit(ctx context.Context, r access.Result) error {
	began := e.Now()
	found, unread := e.keysOn(ctx, r.ServerID, access.Reading)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if unread != nil {
		return e.auditFailed(ctx, r, unread)
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		c, err := e.compare(ctx, tx, r.ServerID, found, began)
		if err != nil {
			return err
		}
		if err := e.actOn(ctx, tx, r, c); err != nil {
			return err
		}
		r.State, r.Setback, r.UpdatedAt = access.Done, access.Setback{}, e.Now()
		return e.SaveResult(ctx, tx, r)
	})
}

func (e *Engine) auditFailed(ctx context.Context, r access.Result, cause error) error {
	at, err := e.placeOf(ctx, r.ServerID)
	if err == nil {
		if err := e.haltOrPostpone(ctx, at.target.Name(), cause); err != nil {
			return err
		}
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		server, err := tx.Server(ctx, r.ServerID)
		if err != nil {
			return err
		}
		r.Setback, r.UpdatedAt = setbackOf(cause), e.Now()
		switch {
		case server.Gone():
			r.State, r.Setback = access.OutOfReach, access.Setback{Problem: access.ProblemServerLeft}
		case r.Problem == access.ProblemRefused:
			r.State = access.Failed
		}
		return e.SaveResult(ctx, tx, r)
	})
}

// actOn acts on what the list of a server means: what is over is removed, and all else is put
// before the approvers.
func (e *Engine) actOn(ctx context.Context, tx access.Tx, r access.Result, c Comparison) error {
	if err := e.missingFrom(ctx, tx, c.Missing); err != nil {
		return err
	}
	for _, l := range c.Leftover {
		if err := e.removeLeftover(ctx, tx, r, l); err != nil {
			return err
		}
	}
	if err := e.putUnknown(ctx, tx, r.ServerID, c.Unknown); err != nil {
		return err
	}
	return e.noteFindings(ctx, tx, r.ServerID, c.Unmanaged)
}

// missingFrom has keys that a target's own timer removed placed anew. Those that somebody
// deleted wait for an approver: it may have been done for a reason.
func (e *Engine) missingFrom(ctx context.Context, tx access.Tx, missing []access.Placement) error {
	for _, was := range missing {
		next := e.toReplace(was)
		if !e.timerEnded(was) {
			next = was
			next.Stuck, next.Setback = true, access.Setback{Problem: access.ProblemDeleted}
		}
		if was.Problem == access.ProblemDeleted && next.State == was.State {
			continue // it was said before
		}
		won, err := e.moveUnrecorded(ctx, tx, next, was)
		if err != nil {
			return err
		}
		if !won {
			continue
		}
		if err := access.RecordMoves(ctx, tx, e.Now(), []access.Move{{From: was.State, Action: access.DidPlacementMissing, Placement: next}}); err != nil {
			return err
		}
		if err := e.keyMissing(ctx, tx, next); err != nil {
			return err
		}
	}
	return nil
}

// timerEnded reports whether a key that is missing was removed by its target's own timer.
func (e *Engine) timerEnded(p access.Placement) bool {
	return p.Temporary && !e.Now().Before(p.LapsesAt.Add(-timerMargin))
}

// keyMissing reopens what was said of a key that is missing, and has the work on it done.
func (e *Engine) keyMissing(ctx context.Context, tx access.Tx, p access.Placement) error {
	reopened, err := tx.ReopenAdditions(ctx, p, e.Now())
	if err != nil {
		return err
	}
	if err := e.showReopened(ctx, tx, p, reopened); err != nil {
		return err
	}
	if p.State == access.PlacementPlaced {
		return nil
	}
	return tx.Wake(ctx, WorkOn(p))
}

// removeLeftover has a key removed that the ledger holds to be gone, and reports that under the
// audit, too.
func (e *Engine) removeLeftover(ctx context.Context, tx access.Tx, r access.Result, l Leftover) error {
	if err := e.removeLanded(ctx, tx, l.Placement, []access.Credential{l.Key}); err != nil {
		return err
	}
	return tx.InsertResults(ctx, []access.Result{access.NewResult(e.Now(), r.RequestID, access.PhaseRemove, l.Placement.On(), r.ServerName)})
}

// putUnknown puts keys with this ledger's label before the approvers that they were not told of.
func (e *Engine) putUnknown(ctx context.Context, tx access.Tx, server int64, unknown []access.Credential) error {
	if len(unknown) == 0 {
		return nil
	}
	fresh, err := e.leaveOutTold(ctx, tx, server, unknown)
	if err != nil || len(fresh) == 0 {
		return err
	}
	at, err := tx.Server(ctx, server)
	if err != nil {
		return err
	}
	return e.tellOrphans(ctx, tx, at, fresh)
}

// noteFindings brings what the ledger holds of a server's unmanaged credentials in line with its
// list. A credential that has changed is a new finding: what was decided was about another one.
func (e *Engine) noteFindings(ctx context.Context, tx access.Tx, server int64, unmanaged []access.Credential) error {
	known, err := tx.Findings(ctx, server)
	if err != nil {
		return err
	}
	var fresh []access.Finding
	for _, c := range unmanaged {
		if !slices.ContainsFunc(known, func(f access.Finding) bool { return f.Credential.ID == c.ID && f.Same(c) }) {
			fresh = append(fresh, access.Finding{ServerID: server, Credential: c, FoundAt: e.Now()})
		}
	}
	var gone []string
	for _, f := range known {
		if !slices.ContainsFunc(unmanaged, func(c access.Credential) bool { return c.ID == f.Credential.ID }) {
			gone = append(gone, f.Credential.ID)
		}
	}
	if err := tx.SaveFindings(ctx, fresh); err != nil {
		return err
	}
	return tx.DropFindings(ctx, server, gone)
}
