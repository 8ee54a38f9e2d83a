package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// An orphan is a key on a server that carries this ledger's label and that the ledger does
// not know: it was placed after the backup was made from which the ledger was restored.
// Nothing would ever remove it. A label can be copied, so an approver decides.

const (
	pauseAfter    = 10 * time.Minute // a ledger that nobody has worked on for so long may be a restored one
	orphanEvery   = 24 * time.Hour   // each server is read so often
	orphanAgain   = 15 * time.Minute // after a reading that failed
	orphanGather  = time.Hour        // what is found in that time is told in one message
	orphansAtOnce = 20               // servers read by one call of FindOrphans
)

// flagAlive keeps when FindOrphans was last at work, to some minutes.
const flagAlive = "alive"

// FindOrphans reads the next few servers for orphans: all of them after a pause, and each
// once a day. Where the ledger was put back from a copy it reads them all at once. It is to be
// called every minute.
func (e *Engine) FindOrphans(ctx context.Context) error {
	if err := e.noticePause(ctx); err != nil {
		return err
	}
	var some []int64
	var halted []access.TargetState
	var restored access.Restored
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		if restored, err = access.RestoredOf(ctx, tx); err != nil {
			return err
		}
		if some, err = tx.ServersAfter(ctx, 0, 1); err != nil {
			return err
		}
		halted, err = Halted(ctx, tx)
		return err
	})
	if err != nil || len(some) == 0 && !restored.Waiting() {
		return err // nothing was ever placed
	}
	fresh, again := orphanEvery, orphanAgain
	if restored.Waiting() {
		fresh, again = restoredFresh, restoredAgain
	}
	var readable []string
	for _, t := range e.Targets {
		if slices.ContainsFunc(halted, func(h access.TargetState) bool { return h.Name == t.Name() }) {
			continue // all work there waits
		}
		if err := e.refreshServers(ctx, t, freshness{within: fresh}); err != nil {
			if err := e.haltOrPostpone(ctx, t.Name(), err); err != nil {
				return err
			}
			continue
		}
		readable = append(readable, t.Name())
	}
	if len(readable) == 0 {
		return nil
	}
	for n := 0; n < orphansAtOnce || restored.Waiting(); n++ {
		server, err := e.claimReading(ctx, readable, again)
		if err != nil || server == nil {
			return err
		}
		if err := e.findOrphansOn(ctx, *server, restored.Waiting()); err != nil {
			return err
		}
	}
	return nil
}

// noticePause has every server read, and the list of them, when nobody has worked on the
// ledger for a while. Of a ledger that was never alive nothing is known to have stopped.
func (e *Engine) noticePause(ctx context.Context) error {
	now := e.Now()
	var alive string
	var since time.Duration
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		if alive, err = tx.Flag(ctx, flagAlive); err != nil || alive == "" {
			return err
		}
		at, err := time.Parse(time.RFC3339, alive)
		since = now.Sub(at)
		return err
	})
	if err != nil || alive != "" && since >= 0 && since < pauseAfter/2 {
		return err
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		if since > pauseAfter {
			if err := tx.SetRead(ctx, nil, time.Time{}); err != nil {
				return err
			}
			if err := listAgain(ctx, tx); err != nil {
				return err
			}
		}
		return tx.SetFlag(ctx, flagAlive, now.UTC().Format(time.RFC3339))
	})
}

// listAgain has the lists of all targets' servers read anew.
func listAgain(ctx context.Context, tx access.Tx) error {
	known, err := tx.Targets(ctx)
	if err != nil {
		return err
	}
	for _, t := range known {
		t.ListedAt = time.Time{}
		if _, err := tx.SaveTarget(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// haltOrPostpone halts all work on a target when our credentials were refused. Other trouble
// of it passes, and is no failure: a later call tries again.
func (e *Engine) haltOrPostpone(ctx context.Context, target string, err error) error {
	if halted := e.haltIfUnauthorized(ctx, target, err); halted != nil {
		return halted
	}
	if access.CodeOf(err) == access.Internal {
		return err
	}
	return nil
}

// claimReading takes the server whose turn to be read it is, or none. Its turn comes
// again after that time, should it not be read now.
func (e *Engine) claimReading(ctx context.Context, targets []string, again time.Duration) (server *access.Server, err error) {
	now := e.Now()
	find := func(tx access.Tx) error {
		due, err := tx.DueReadings(ctx, targets, now, now.Add(-orphanEvery), 1)
		server = nil
		if len(due) > 0 {
			server = &due[0]
		}
		return err
	}
	if err := e.Store.Read(ctx, find); err != nil || server == nil {
		return nil, err
	}
	return server, e.Store.Update(ctx, func(tx access.Tx) error {
		if err := find(tx); err != nil || server == nil {
			return err
		}
		return tx.SetRead(ctx, []int64{server.ID}, now.Add(again-orphanEvery))
	})
}

// findOrphansOn reads one server, and puts what is found before the approvers. What is there is
// compared with a ledger that was restored.
func (e *Engine) findOrphansOn(ctx context.Context, server access.Server, restored bool) error {
	began := e.Now()
	found, err := e.keysOn(ctx, server.ID, access.Reading)
	if err != nil {
		return e.haltOrPostpone(ctx, server.Target, err)
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		if err := tx.SetRead(ctx, []int64{server.ID}, began); err != nil {
			return err
		}
		if restored {
			if err := e.compareCopy(ctx, tx, server.ID, found, began); err != nil {
				return err
			}
		}
		orphans, err := e.orphansAmong(ctx, tx, server.ID, found, began)
		if err != nil || len(orphans) == 0 {
			return err
		}
		return e.tellOrphans(ctx, tx, server, orphans)
	})
}

// orphansAmong picks the orphans that nobody was told of out of a list that was read
// since began.
func (e *Engine) orphansAmong(ctx context.Context, tx access.Tx, server int64, found []access.Credential, began time.Time) (orphans []access.Credential, err error) {
	ledger, err := tx.Flag(ctx, access.FlagLedgerID)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if !access.CarriesLedger(c.Label, ledger) {
			continue
		}
		known, err := e.accountsFor(ctx, tx, server, c, began)
		if err != nil {
			return nil, err
		}
		if !known {
			orphans = append(orphans, c)
		}
	}
	if len(orphans) == 0 {
		return nil, nil
	}
	return e.leaveOutTold(ctx, tx, server, orphans)
}

// accountsFor reports whether the ledger knows a credential: by its id, unless it holds it
// to be gone since before the list was read, or as a placement that is still being settled.
func (e *Engine) accountsFor(ctx context.Context, tx access.Tx, server int64, c access.Credential, began time.Time) (bool, error) {
	placed, err := tx.Placements(ctx, access.PlacementQuery{Server: server, Credential: c.ID})
	if err != nil {
		return false, err
	}
	for _, p := range placed {
		if p.State != access.PlacementGone || !p.GoneAt.Before(began) {
			return true, nil
		}
	}
	own, err := tx.Placements(ctx, access.PlacementQuery{
		Server: server, Label: c.Label, States: []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	})
	return slices.ContainsFunc(own, func(p access.Placement) bool {
		return labels(p, c) && (p.CredentialID == "" || !p.InDoubtUntil.IsZero())
	}), err
}

// leaveOutTold leaves out the orphans that an approver still has to decide about, or has
// decided to keep.
func (e *Engine) leaveOutTold(ctx context.Context, tx access.Tx, server int64, orphans []access.Credential) ([]access.Credential, error) {
	requests, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindOrphan}})
	if err != nil {
		return nil, err
	}
	for _, r := range requests {
		told, err := tx.Candidates(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		orphans = slices.DeleteFunc(orphans, func(o access.Credential) bool {
			return slices.ContainsFunc(told, func(c access.Candidate) bool {
				return c.ServerID == server && c.Credential.ID == o.ID && (!c.Decided() || c.Spared)
			})
		})
	}
	return orphans, nil
}

// tellOrphans makes orphans candidates of the request that gathers them, and has it
// shown.
func (e *Engine) tellOrphans(ctx context.Context, tx access.Tx, server access.Server, orphans []access.Credential) error {
	r, err := e.orphanRequest(ctx, tx)
	if err != nil {
		return err
	}
	candidates := make([]access.Candidate, len(orphans))
	for i, c := range orphans {
		candidates[i] = access.Candidate{RequestID: r.ID, ServerID: server.ID, ServerName: server.Name, Credential: c, Why: access.WhyOrphan}
		detail := fmt.Sprintf("credential %s on server %d: %s", c.ID, server.ID, c.Label)
		if err := access.Record(ctx, tx, e.Now(), "", access.DidOrphanFound, access.NounRequest, r.ID, "", "", detail); err != nil {
			return err
		}
	}
	if err := tx.SaveCandidates(ctx, candidates); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}

// orphanRequest returns the request that gathers what is found now.
func (e *Engine) orphanRequest(ctx context.Context, tx access.Tx) (access.Request, error) {
	now := e.Now()
	recent, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindOrphan}, CreatedAfter: now.Add(-orphanGather)})
	if err != nil {
		return access.Request{}, err
	}
	if len(recent) > 0 {
		return recent[len(recent)-1], nil
	}
	r := access.Request{Kind: access.KindOrphan, Source: access.NoticeKey("orphans", now.UnixNano()), State: access.Approved, CreatedAt: now, DecidedAt: now}
	r, _, err = tx.InsertRequest(ctx, r, nil)
	return r, err
}
