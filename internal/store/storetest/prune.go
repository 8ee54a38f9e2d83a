package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
)

// past returns an approved request of an hour before epoch, and its grant that has ended since, on
// that many servers.
func past(t *testing.T, s *store.Store, r access.Request, g access.Grant, servers int) (access.Request, access.Grant) {
	t.Helper()
	before := epoch.Add(-time.Hour)
	refs := make([]access.ServerRef, servers)
	covers := make([]access.Cover, servers)
	results := make([]access.Result, servers)
	for i := range servers {
		refs[i] = access.ServerRef{ID: int64(i + 1), Name: fmt.Sprintf("web-%d", i+1)}
		covers[i] = access.Cover{ServerID: refs[i].ID, Fingerprint: "a"}
	}
	r.State, r.CreatedAt, r.DecidedAt = access.Approved, before, before
	r = insertRequest(t, s, r, refs...)
	g.RequestID, g.SystemUser = r.ID, "web"
	if g.State == "" {
		g.State, g.EndedAt = access.Ended, before
	}
	g = insertGrant(t, s, g, covers...)
	for i, ref := range refs {
		results[i] = access.NewResult(before, r.ID, access.PhaseRemove, access.KeyOn{ServerID: ref.ID, SystemUser: "web", Fingerprint: "a"}, ref.Name)
		results[i].State = access.Done
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.Announce(ctx, r.ID); err != nil {
			return err
		}
		return tx.InsertResults(ctx, results)
	})
	if err := s.Outbox().Update(t.Context(), func(tx delivery.Tx) error {
		return tx.SaveMessage(t.Context(), delivery.Message{RequestID: r.ID, Role: "request", Channel: "C1", TS: fmt.Sprint(r.ID)})
	}); err != nil {
		t.Fatal(err)
	}
	return r, g
}

// pruneHistory prunes everything from before epoch, and returns in how many transactions.
func pruneHistory(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	next := int64(0)
	for more := true; more; n++ {
		var err error
		if next, more, err = s.PruneHistory(t.Context(), epoch, next); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// What is over is deleted with everything about it, and nothing else is.
func testPruneHistory(t *testing.T, s *store.Store) {
	gone := access.Placement{SystemUser: "web", Fingerprint: "a", State: access.PlacementGone, GoneAt: epoch.Add(-time.Hour)}
	kept := map[string]int64{}
	over := func(name string, r access.Request, g access.Grant) (access.Request, access.Grant) {
		r, g = past(t, s, r, g, 2)
		kept[name] = r.ID
		return r, g
	}
	extended, g := over("lives", access.Request{Kind: access.KindGrant}, access.Grant{State: access.Live})
	over("extends what lives", access.Request{Kind: access.KindExtend, GrantID: g.ID}, access.Grant{})
	over("has just ended", access.Request{Kind: access.KindGrant}, access.Grant{State: access.Ended, EndedAt: epoch})
	over("offboarding", access.Request{Kind: access.KindOffboard}, access.Grant{})
	owed, _ := over("owed", access.Request{Kind: access.KindRevoke}, access.Grant{})
	_, stays := over("still there", access.Request{Kind: access.KindGrant}, access.Grant{})
	spared, _ := over("kept key", access.Request{Kind: access.KindOrphan}, access.Grant{})
	undecided, _ := over("undecided key", access.Request{Kind: access.KindOrphan}, access.Grant{})
	found, _ := over("finding", access.Request{Kind: access.KindAudit}, access.Grant{})
	stays.ID = insertPlacement(t, s, access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a", GrantID: stays.ID, State: access.PlacementLeaving}).ID
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		late := access.NewResult(epoch, owed.ID, access.PhaseRemove, access.KeyOn{ServerID: 9, SystemUser: "web", Fingerprint: "b"}, "web-9")
		if err := tx.InsertResults(ctx, []access.Result{late}); err != nil {
			return err
		}
		if err := tx.SaveFindings(ctx, []access.Finding{{ServerID: 1, Credential: access.Credential{ID: "7"}, RequestID: found.ID}}); err != nil {
			return err
		}
		return tx.SaveCandidates(ctx, []access.Candidate{
			{RequestID: spared.ID, ServerID: 1, Credential: access.Credential{ID: "5"}, PickedAt: epoch, Spared: true},
			{RequestID: undecided.ID, ServerID: 1, Credential: access.Credential{ID: "6"}},
		})
	})
	over2, _ := past(t, s, access.Request{Kind: access.KindGrant}, access.Grant{}, 2)
	denied := insertRequest(t, s, access.Request{Kind: access.KindGrant, State: access.Denied, CreatedAt: epoch.Add(-time.Hour), DecidedAt: epoch.Add(-time.Hour)})
	old := insertPlacement(t, s, gone)
	gone.GoneAt = epoch
	fresh := insertPlacement(t, s, gone)
	gone.GoneAt, gone.Problem = epoch.Add(-time.Hour), access.ProblemServerLeft
	left := insertPlacement(t, s, gone)
	gone.Problem = access.NoProblem
	reread := insertPlacement(t, s, gone)
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.AddReread(ctx, reread.ID, epoch) })

	pruneHistory(t, s)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		for name, id := range kept {
			if _, err := tx.Request(ctx, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, id := range []int64{over2.ID, denied.ID} {
			_, err := tx.Request(ctx, id)
			notFound(t, err)
		}
		for _, p := range []access.Placement{fresh, left, reread, {ID: stays.ID}} {
			if _, err := tx.Placement(ctx, p.ID); err != nil {
				t.Errorf("placement %d: %v", p.ID, err)
			}
		}
		_, err := tx.Placement(ctx, old.ID)
		notFound(t, err)
		covers, err := tx.Covers(ctx, g.ID)
		same(t, "covers of what lives", len(covers), 2)
		return err
	})
	for _, table := range []string{"results", "request_places", "messages", "drawings"} {
		same(t, table, query[int64](t, s, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE request_id = %d", table, over2.ID)), 0)
		if query[int64](t, s, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE request_id = %d", table, extended.ID)) == 0 {
			t.Errorf("%s of what lives are pruned", table)
		}
	}
	same(t, "grants without a request", query[int64](t, s, "SELECT COUNT(*) FROM grants WHERE request_id NOT IN (SELECT id FROM requests)"), 0)
	same(t, "covers without a grant", query[int64](t, s, "SELECT COUNT(*) FROM covers WHERE grant_id NOT IN (SELECT id FROM grants)"), 0)
}

// However many servers a request was about, no transaction deletes too much at once.
func testPruneHistoryInPortions(t *testing.T, s *store.Store) {
	past(t, s, access.Request{Kind: access.KindGrant}, access.Grant{}, 700)
	if n := pruneHistory(t, s); n < 3 {
		t.Errorf("700 servers are pruned in %d transactions", n)
	}
	for _, table := range []string{"requests", "grants", "covers", "results", "request_places", "messages", "drawings"} {
		same(t, table, query[int64](t, s, "SELECT COUNT(*) FROM "+table), 0)
	}
}

// Of a key that is renewed again and again, what is there stays, and what was not a renewal.
func testPruneRenewed(t *testing.T, s *store.Store) {
	var renewed []int64
	for i := range 3 {
		p := access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a", State: access.PlacementGone, GoneAt: epoch.Add(time.Duration(i-3) * time.Hour), Temporary: true}
		if renewed = append(renewed, insertPlacement(t, s, p).ID); i == 0 {
			p.Fingerprint = "b" // nothing followed
			renewed = append(renewed, insertPlacement(t, s, p).ID)
			p.Fingerprint, p.Temporary = "a", false
			renewed = append(renewed, insertPlacement(t, s, p).ID)
		}
	}
	there := insertPlacement(t, s, access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a", State: access.PlacementPlaced, Temporary: true})
	if more, err := s.PruneRenewed(t.Context(), epoch.Add(-90*time.Minute)); more || err != nil {
		t.Fatal(more, err)
	}
	all := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
		return tx.Placements(ctx, access.PlacementQuery{})
	})
	same(t, "left", placementIDs(all), []int64{renewed[1], renewed[2], renewed[4], there.ID})
	if more, err := s.PruneRenewed(t.Context(), epoch); more || err != nil {
		t.Fatal(more, err)
	}
	all = read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
		return tx.Placements(ctx, access.PlacementQuery{})
	})
	same(t, "left later", placementIDs(all), []int64{renewed[1], renewed[2], there.ID})
}
