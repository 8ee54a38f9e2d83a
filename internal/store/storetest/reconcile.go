package storetest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func reconcile(t *testing.T, s *store.Store, now time.Time, servers ...int64) []access.Placement {
	t.Helper()
	moves := written(t, s, func(ctx context.Context, tx access.Tx) ([]access.Move, error) {
		return tx.Reconcile(ctx, now, servers)
	})
	return placementsOf(moves)
}

func placementsOf(moves []access.Move) (changed []access.Placement) {
	for _, m := range moves {
		changed = append(changed, m.Placement)
	}
	return changed
}

// What Reconcile makes of one key on one server, with a live grant or without.
func testReconcileCases(t *testing.T, s *store.Store) {
	later := epoch.Add(time.Hour)
	stale := access.Placement{NextAt: later, Stuck: true, Setback: access.Setback{Problem: access.ProblemOffline, Detail: "x"}, CredentialID: "5", Urgent: true}
	for i, test := range []struct {
		name    string
		covered bool
		was     access.Placement
		want    access.Placement // state only; empty is unchanged
	}{
		{"wanted stays", true, access.Placement{State: access.PlacementWanted, Attempts: 2, NextAt: later}, access.Placement{}},
		{"placed stays", true, access.Placement{State: access.PlacementPlaced}, access.Placement{}},
		{"untried goes at once", false, access.Placement{State: access.PlacementWanted}, access.Placement{State: access.PlacementGone, LeftAt: epoch, GoneAt: epoch}},
		{"refused goes at once", false, access.Placement{State: access.PlacementWanted, Attempts: 1}, access.Placement{State: access.PlacementGone, LeftAt: epoch, GoneAt: epoch}},
		{"unknown leaves, still held", false, access.Placement{State: access.PlacementUnknown, Attempts: 1, Holder: "r"}, access.Placement{State: access.PlacementLeaving, LeftAt: epoch, Holder: "r"}},
		{"placed leaves without its past", false, with(stale, access.PlacementPlaced), access.Placement{State: access.PlacementLeaving, LeftAt: epoch, CredentialID: "5"}},
		{"unknown leaves with its doubt", false, access.Placement{State: access.PlacementUnknown, InDoubtUntil: later}, access.Placement{State: access.PlacementLeaving, LeftAt: epoch, InDoubtUntil: later}},
		{"leaving leaves", false, access.Placement{State: access.PlacementLeaving, LeftAt: later}, access.Placement{}},
		{"leaving comes back", true, access.Placement{State: access.PlacementLeaving, CredentialID: "5", LeftAt: later}, access.Placement{State: access.PlacementPlaced, CredentialID: "5"}},
		{"another person's leaves", true, access.Placement{State: access.PlacementPlaced, CredentialID: "5", Person: "U2"}, access.Placement{State: access.PlacementLeaving, CredentialID: "5", LeftAt: epoch}},
		{"another person's does not come back", true, access.Placement{State: access.PlacementLeaving, CredentialID: "5", Person: "U2"}, access.Placement{}},
		{"tried does not come back", true, access.Placement{State: access.PlacementLeaving, CredentialID: "5", Attempts: 1}, access.Placement{}},
		{"held does not come back", true, access.Placement{State: access.PlacementLeaving, CredentialID: "5", Holder: "r"}, access.Placement{}},
		{"doubtful comes back as doubtful", true, access.Placement{State: access.PlacementLeaving, Attempts: 2, Urgent: true, InDoubtUntil: later, LeftAt: later, NextAt: later},
			access.Placement{State: access.PlacementUnknown, Attempts: 2, Urgent: true, InDoubtUntil: later}},
		{"unsettled does not come back", true, access.Placement{State: access.PlacementLeaving}, access.Placement{}},
		{"renewed does not come back", true, access.Placement{State: access.PlacementLeaving, CredentialID: "5", Urgent: true}, access.Placement{}},
	} {
		server := int64(i + 1)
		g := access.Grant{State: access.Live, Person: "U1", Alias: "ann", SystemUser: "web", EndsAt: later}
		if !test.covered {
			g.EndsAt = epoch // over, though the sweep has not ended it
		}
		g = insertGrant(t, s, g, access.Cover{ServerID: server, Fingerprint: "SHA256:a"})
		was := test.was
		was.Person = cmp.Or(was.Person, "U1")
		was.ServerID, was.SystemUser, was.Fingerprint, was.GrantID = server, "web", "SHA256:a", g.ID
		was = insertPlacement(t, s, was)
		changed := reconcile(t, s, epoch, server)
		if test.want.State == "" {
			same(t, test.name, changed, nil)
			continue
		}
		want := test.want
		want.ID, want.Person, want.ServerID, want.SystemUser, want.Fingerprint, want.GrantID = was.ID, was.Person, server, "web", "SHA256:a", g.ID
		same(t, test.name, changed, []access.Placement{want})
	}
	same(t, "in line", reconcile(t, s, epoch), nil)
}

// A renewal whose grant has ended is a removal like any other.
func testReconcileRenewal(t *testing.T, s *store.Store) {
	g := insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web", EndsAt: epoch}, access.Cover{ServerID: 1, Fingerprint: "a"})
	p := access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a", GrantID: g.ID, State: access.PlacementLeaving, Urgent: true, Attempts: 1, CredentialID: "5"}
	p = insertPlacement(t, s, p)
	urgent := func() bool {
		return read(t, s, func(ctx context.Context, tx access.Tx) (access.Placement, error) { return tx.Placement(ctx, p.ID) }).Urgent
	}
	reconcile(t, s, epoch.Add(-time.Millisecond), 1)
	same(t, "urgent while the grant lives", urgent(), true)
	reconcile(t, s, epoch, 2)
	same(t, "urgent on another server", urgent(), true)
	p.Urgent = false
	same(t, "changed when it has ended", reconcile(t, s, epoch, 1), []access.Placement{p})
	same(t, "urgent when it has ended", urgent(), false)
}

func with(p access.Placement, state access.PlacementState) access.Placement {
	p.State = state
	return p
}

// Two transactions that end the last two grants of a key at the same time must not each leave
// the key in place because of the other's grant.
func testReconcileSkew(t *testing.T, s *store.Store) {
	const grants = 10
	cover := access.Cover{ServerID: 1, Fingerprint: "a"}
	var live []access.Grant
	for range grants {
		live = append(live, insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web"}, cover))
	}
	p := reconcile(t, s, epoch, 1)[0]
	p.State, p.CredentialID = access.PlacementPlaced, "7"
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.MovePlacement(ctx, p, access.PlacementWanted, 0)
		return err
	})
	var all sync.WaitGroup
	for _, g := range live {
		all.Go(func() {
			err := s.Update(t.Context(), func(tx access.Tx) error {
				g.State = access.Ended
				if _, err := tx.MoveGrant(t.Context(), g, access.Live); err != nil {
					return err
				}
				_, err := tx.Reconcile(t.Context(), epoch, []int64{1})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	found := read(t, s, func(ctx context.Context, tx access.Tx) (access.Placement, error) { return tx.Placement(ctx, p.ID) })
	same(t, "the state", found.State, access.PlacementLeaving)
}

// Reconcile works with 500 servers, three keys on each, and as many old placements as years
// bring. The log says how long it takes.
func testReconcileLarge(t *testing.T, s *store.Store) {
	const servers, keys, history = 500, 3, 40_000
	var covers []access.Cover
	for server := range int64(servers) {
		for key := range keys {
			covers = append(covers, access.Cover{ServerID: server + 1, Fingerprint: fmt.Sprint("SHA256:", key)})
		}
	}
	old := insertGrant(t, s, access.Grant{State: access.Ended, Person: "U1", SystemUser: "web"}, covers...)
	err := exec(t, s, fmt.Sprintf(`INSERT INTO placements (place_id, system_user, fingerprint, picked, person, grant_id, label, state, credential_id, temporary, called_at, placed_at, lapses_at,
			left_at, gone_at, attempts, next_at, in_doubt_until, verify_at, holder, urgent, stuck, problem, remedy, detail, told_lapsed)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT i %% %d + 1, 'web', (SELECT f.id FROM fingerprints f WHERE f.text = 'SHA256:' || (i %% %d)), '', 'U1', %d, '', 'gone', CAST(i AS TEXT), 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, '', 0, 0, '', '', '', 0 FROM n`, history, servers, keys, old.ID))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		ended := insertGrant(t, s, access.Grant{State: access.Ended, Person: "U1", SystemUser: "web"})
		err := exec(t, s, fmt.Sprintf(`INSERT INTO covers (grant_id, place_id, fingerprint, ended_at)
			SELECT %d, place_id, fingerprint, 0 FROM covers WHERE grant_id = %d`, ended.ID, old.ID))
		if err != nil {
			t.Fatal(err)
		}
	}
	g := insertGrant(t, s, access.Grant{State: access.Live, Person: "U1", Alias: "ann", SystemUser: "web", EndsAt: epoch.Add(time.Hour)}, covers...)
	timed := func(what string, now time.Time, want int) []access.Placement {
		t.Helper()
		begun := time.Now()
		changed := reconcile(t, s, now)
		t.Logf("%s: %d placements in %v", what, len(changed), time.Since(begun))
		same(t, what, len(changed), want)
		return changed
	}
	ledger := ledgerID(t, s)
	for _, p := range timed("wanted", epoch, servers*keys) {
		if p.State != access.PlacementWanted || p.Label != access.Label(ledger, g, p.Fingerprint) || p.Person != "U1" || p.GrantID != g.ID {
			t.Fatalf("got %+v", p)
		}
	}
	timed("in line", epoch, 0)
	timed("gone", epoch.Add(time.Hour), servers*keys)
}
