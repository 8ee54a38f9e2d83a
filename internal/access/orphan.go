package access

import (
	"context"
	"fmt"
	"slices"
	"time"
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
// once a day. It is to be called every minute.
func (s *Service) FindOrphans(ctx context.Context) error {
	if err := s.noticePause(ctx); err != nil {
		return err
	}
	if halted, err := s.HaltedSince(ctx); err != nil || halted != "" {
		return err
	}
	if known, err := s.knownServers(ctx); err != nil || len(known.all) == 0 {
		return err // nothing was ever placed
	}
	if _, err := s.servers(ctx, orphanEvery); err != nil {
		return s.notNow(ctx, err)
	}
	for range orphansAtOnce {
		server, err := s.claimLook(ctx)
		if err != nil || server == nil {
			return err
		}
		if err := s.findOrphansOn(ctx, *server); err != nil {
			return err
		}
	}
	return nil
}

// noticePause has every server read, and the list of them, when nobody has worked on the
// ledger for a while. Of a ledger that was never alive nothing is known to have stopped.
func (s *Service) noticePause(ctx context.Context) error {
	now := s.Now()
	var alive string
	var since time.Duration
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
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
	return s.Store.Update(ctx, func(tx Tx) error {
		if since > pauseAfter {
			if err := tx.SetRead(ctx, nil, time.Time{}); err != nil {
				return err
			}
			if err := tx.SetFlag(ctx, flagServersRead, ""); err != nil {
				return err
			}
		}
		return tx.SetFlag(ctx, flagAlive, now.UTC().Format(time.RFC3339))
	})
}

// notNow halts all work when our credentials were refused. Other trouble of the target
// passes, and is no failure: a later call tries again.
func (s *Service) notNow(ctx context.Context, err error) error {
	if halted := s.haltOn(ctx, err); halted != nil {
		return halted
	}
	if CodeOf(err) == Internal {
		return err
	}
	return nil
}

// claimLook takes the server whose turn to be read it is, or none. Its turn comes again
// after a while, should it not be read now.
func (s *Service) claimLook(ctx context.Context) (server *Server, err error) {
	now := s.Now()
	find := func(tx Tx) error {
		due, err := tx.DueReadings(ctx, now, now.Add(-orphanEvery), 1)
		server = nil
		if len(due) > 0 {
			server = &due[0]
		}
		return err
	}
	if err := s.Store.Read(ctx, find); err != nil || server == nil {
		return nil, err
	}
	return server, s.Store.Update(ctx, func(tx Tx) error {
		if err := find(tx); err != nil || server == nil {
			return err
		}
		return tx.SetRead(ctx, []int64{server.ID}, now.Add(orphanAgain-orphanEvery))
	})
}

// findOrphansOn reads one server, and puts what is found before the approvers.
func (s *Service) findOrphansOn(ctx context.Context, server Server) error {
	began := s.Now()
	found, err := s.listFor(ctx, server.ID, Reading)
	if err != nil {
		return s.notNow(ctx, err)
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		if err := tx.SetRead(ctx, []int64{server.ID}, began); err != nil {
			return err
		}
		orphans, err := s.orphansAmong(ctx, tx, server.ID, found, began)
		if err != nil || len(orphans) == 0 {
			return err
		}
		return s.tellOrphans(ctx, tx, server, orphans)
	})
}

// orphansAmong picks the orphans that nobody was told of out of a list that was read
// since began.
func (s *Service) orphansAmong(ctx context.Context, tx Tx, server int64, found []Credential, began time.Time) (orphans []Credential, err error) {
	ledger, err := tx.Flag(ctx, FlagLedgerID)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if !carriesLedger(c.Label, ledger) {
			continue
		}
		known, err := s.accountsFor(ctx, tx, server, c, began)
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
	return s.untold(ctx, tx, server, orphans)
}

// accountsFor reports whether the ledger knows a credential: by its id, unless it holds it
// to be gone since before the list was read, or as a placement that is still being settled.
func (s *Service) accountsFor(ctx context.Context, tx Tx, server int64, c Credential, began time.Time) (bool, error) {
	placed, err := tx.Placements(ctx, PlacementQuery{Server: server, Credential: c.ID})
	if err != nil {
		return false, err
	}
	for _, p := range placed {
		if p.State != PlacementGone || !p.GoneAt.Before(began) {
			return true, nil
		}
	}
	own, err := tx.Placements(ctx, PlacementQuery{
		Server: server, Label: c.Label, States: []PlacementState{PlacementWanted, PlacementUnknown, PlacementPlaced, PlacementLeaving},
	})
	return slices.ContainsFunc(own, func(p Placement) bool {
		return p.labels(c) && (p.CredentialID == 0 || !p.RecheckAt.IsZero())
	}), err
}

// untold leaves out the orphans that an approver still has to decide about, or has
// decided to keep.
func (s *Service) untold(ctx context.Context, tx Tx, server int64, orphans []Credential) ([]Credential, error) {
	requests, err := tx.Requests(ctx, RequestQuery{Kinds: []RequestKind{KindOrphan}})
	if err != nil {
		return nil, err
	}
	for _, r := range requests {
		told, err := tx.Candidates(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		orphans = slices.DeleteFunc(orphans, func(o Credential) bool {
			return slices.ContainsFunc(told, func(c Candidate) bool {
				return c.ServerID == server && c.Credential.ID == o.ID && (c.PickedBy == "" || c.Spared)
			})
		})
	}
	return orphans, nil
}

// tellOrphans makes orphans candidates of the request that gathers them, and has it
// shown.
func (s *Service) tellOrphans(ctx context.Context, tx Tx, server Server, orphans []Credential) error {
	r, err := s.orphanRequest(ctx, tx)
	if err != nil {
		return err
	}
	candidates := make([]Candidate, len(orphans))
	for i, c := range orphans {
		candidates[i] = Candidate{RequestID: r.ID, ServerID: server.ID, ServerName: server.Name, Credential: c, Why: WhyOrphan}
		detail := fmt.Sprintf("credential %d on server %d: %s", c.ID, server.ID, c.Label)
		if err := Record(ctx, tx, s.Now(), "", "orphan.found", "request", r.ID, "", "", detail); err != nil {
			return err
		}
	}
	if err := tx.SaveCandidates(ctx, candidates); err != nil {
		return err
	}
	return announceNow(ctx, tx, r.ID)
}

// orphanRequest returns the request that gathers what is found now.
func (s *Service) orphanRequest(ctx context.Context, tx Tx) (Request, error) {
	now := s.Now()
	recent, err := tx.Requests(ctx, RequestQuery{Kinds: []RequestKind{KindOrphan}, CreatedAfter: now.Add(-orphanGather)})
	if err != nil {
		return Request{}, err
	}
	if len(recent) > 0 {
		return recent[len(recent)-1], nil
	}
	r := Request{Kind: KindOrphan, Source: noticeKey("orphans", now.UnixNano()), State: Approved, CreatedAt: now, DecidedAt: now}
	r, _, err = tx.InsertRequest(ctx, r, nil)
	return r, err
}
