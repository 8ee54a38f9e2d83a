package storetest

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// testReconcileModel makes and ends grants, moves the clock and lets workers act at random, and
// compares Reconcile with a model in plain Go.
func testReconcileModel(t *testing.T, s *store.Store) {
	base := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		base += 10 // other servers in every run
		m := &model{t: rt, s: s, ledger: ledgerID(t, s), base: base, now: epoch}
		rt.Repeat(map[string]func(*rapid.T){
			"grant":  m.grant,
			"end":    m.end,
			"revoke": m.revoke,
			"tick": func(rt *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3).Draw(rt, "hours")) * time.Hour)
			},
			"work":      m.work,
			"foreign":   m.foreign,
			"reconcile": m.reconcile,
		})
	})
}

type model struct {
	t          *rapid.T
	s          *store.Store
	ledger     string
	base       int64
	now        time.Time
	grants     []access.Grant
	covers     []access.Cover
	placements []access.Placement
}

func (m *model) update(fn func(ctx context.Context, tx access.Tx) error) {
	ctx := context.Background()
	if err := m.s.Update(ctx, func(tx access.Tx) error { return fn(ctx, tx) }); err != nil {
		m.t.Fatalf("update: %v", err)
	}
}

func (m *model) server(t *rapid.T) int64 { return m.base + rapid.Int64Range(0, 1).Draw(t, "server") }

func fingerprint(t *rapid.T) string {
	return rapid.SampledFrom([]string{"SHA256:a", "SHA256:b"}).Draw(t, "key")
}

func systemUser(t *rapid.T) string { return rapid.SampledFrom([]string{"root", "web"}).Draw(t, "user") }

func (m *model) grant(t *rapid.T) {
	g := access.Grant{State: access.Live, Person: "U1", Alias: "ann", SystemUser: systemUser(t), StartsAt: m.now}
	if hours := rapid.IntRange(0, 4).Draw(t, "hours"); hours > 0 {
		g.EndsAt = m.now.Add(time.Duration(hours) * time.Hour)
	}
	var covers []access.Cover
	for range rapid.IntRange(1, 3).Draw(t, "covers") {
		c := access.Cover{ServerID: m.server(t), Fingerprint: fingerprint(t)}
		if !slices.Contains(covers, c) {
			covers = append(covers, c)
		}
	}
	m.update(func(ctx context.Context, tx access.Tx) (err error) {
		g, err = tx.InsertGrant(ctx, g, covers)
		return err
	})
	m.grants = append(m.grants, g)
	for _, c := range covers {
		c.GrantID = g.ID
		m.covers = append(m.covers, c)
	}
}

func (m *model) end(t *rapid.T) {
	if len(m.grants) == 0 {
		t.Skip("nothing to end")
	}
	g := &m.grants[rapid.IntRange(0, len(m.grants)-1).Draw(t, "grant")]
	g.State = access.Ended
	m.update(func(ctx context.Context, tx access.Tx) error {
		_, err := tx.MoveGrant(ctx, *g, access.Live)
		return err
	})
}

func (m *model) revoke(t *rapid.T) {
	q := access.CoverQuery{Fingerprint: fingerprint(t), Servers: []int64{m.server(t)}}
	for i, c := range m.covers {
		live := m.grants[slices.IndexFunc(m.grants, func(g access.Grant) bool { return g.ID == c.GrantID })].State == access.Live
		if live && c.EndedAt.IsZero() && c.Fingerprint == q.Fingerprint && c.ServerID == q.Servers[0] {
			m.covers[i].EndedAt = m.now
		}
	}
	m.update(func(ctx context.Context, tx access.Tx) error { return tx.EndCovers(ctx, q, m.now) })
}

// work changes a placement as a worker does between two calls of Reconcile.
func (m *model) work(t *rapid.T) {
	if len(m.placements) == 0 {
		t.Skip("nothing to do")
	}
	p := &m.placements[rapid.IntRange(0, len(m.placements)-1).Draw(t, "placement")]
	was := *p
	switch p.State {
	case access.PlacementWanted:
		p.State, p.Attempts, p.Holder, p.InDoubtUntil = access.PlacementUnknown, p.Attempts+1, "r", m.now.Add(time.Hour)
	case access.PlacementUnknown:
		p.State, p.CredentialID, p.Attempts, p.Holder, p.PlacedAt = access.PlacementPlaced, strconv.FormatInt(100+p.ID, 10), 0, "", m.now
		if rapid.Bool().Draw(t, "refused") {
			p.State, p.CredentialID, p.PlacedAt, p.Stuck, p.Problem, p.InDoubtUntil = access.PlacementWanted, "", time.Time{}, true, access.ProblemRefused, time.Time{}
		}
	case access.PlacementPlaced:
		p.State, p.Urgent, p.LeftAt = access.PlacementLeaving, true, m.now
	case access.PlacementLeaving:
		p.Attempts++
		if rapid.Bool().Draw(t, "confirmed") {
			p.State, p.GoneAt, p.InDoubtUntil = access.PlacementGone, m.now, time.Time{}
		} else if p.InDoubtUntil.After(m.now) {
			p.CredentialID = "" // removed, but a call without an answer may place it again
		}
	default:
		t.Skip("it is gone")
	}
	m.update(func(ctx context.Context, tx access.Tx) error {
		won, err := tx.MovePlacement(ctx, *p, was.State, was.Attempts)
		if !won {
			t.Fatalf("the move of %+v was lost", was)
		}
		return err
	})
}

// foreign inserts a placement of a credential that a person picked, or of a second copy of a
// key, which has to be removed.
func (m *model) foreign(t *rapid.T) {
	p := access.Placement{ServerID: m.server(t), SystemUser: systemUser(t), Picked: "5", State: access.PlacementLeaving, CredentialID: "5"}
	if rapid.Bool().Draw(t, "ours") {
		p.Fingerprint, p.GrantID, p.Person = fingerprint(t), 1, "U1"
	}
	m.update(func(ctx context.Context, tx access.Tx) (err error) {
		p, err = tx.InsertPlacement(ctx, p)
		return err
	})
	m.placements = append(m.placements, p)
}

func (m *model) reconcile(t *rapid.T) {
	servers := []int64{m.base, m.base + 1}
	if rapid.Bool().Draw(t, "one server") {
		servers = []int64{m.server(t)}
	}
	var moves []access.Move
	var stored []access.Placement
	var before, after []int64
	m.update(func(ctx context.Context, tx access.Tx) (err error) {
		if before, err = tx.OutOfLine(ctx, m.now, nil); err != nil {
			return err
		}
		if moves, err = tx.Reconcile(ctx, m.now, servers); err != nil {
			return err
		}
		if after, err = tx.OutOfLine(ctx, m.now, nil); err != nil {
			return err
		}
		stored, err = tx.Placements(ctx, access.PlacementQuery{Servers: []int64{m.base, m.base + 1}})
		return err
	})
	m.checkFrom(t, moves)
	changed := placementsOf(moves)
	m.outOfLine(t, servers, changed, before, after)
	want := m.expect(servers, changed)
	byID := func(a, b access.Placement) int { return int(a.ID - b.ID) }
	slices.SortFunc(changed, byID)
	slices.SortFunc(want, byID)
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Fatalf("changed (-model +ledger):\n%s", diff)
	}
	if diff := cmp.Diff(m.placements, stored); diff != "" {
		t.Fatalf("placements (-model +ledger):\n%s", diff)
	}
}

// checkFrom checks that From in each move is the state that its placement had.
func (m *model) checkFrom(t *rapid.T, moves []access.Move) {
	for _, move := range moves {
		var was access.PlacementState
		if i := slices.IndexFunc(m.placements, func(p access.Placement) bool { return p.ID == move.ID }); i >= 0 {
			was = m.placements[i].State
		}
		if move.From != was {
			t.Fatalf("placement %d moved from %q, want from %q", move.ID, move.From, was)
		}
	}
}

// outOfLine checks that OutOfLine returned the servers on which Reconcile then changed
// something, and returns none after it.
func (m *model) outOfLine(t *rapid.T, servers []int64, changed []access.Placement, before, after []int64) {
	others := func(id int64) bool { return !slices.Contains(servers, id) }
	var on []int64
	for _, p := range changed {
		on = append(on, p.ServerID)
	}
	slices.Sort(on)
	if on = slices.Compact(on); !slices.Equal(on, slices.DeleteFunc(before, others)) {
		t.Fatalf("out of line were %v, changed was something on %v", before, on)
	}
	if left := slices.DeleteFunc(after, others); len(left) > 0 {
		t.Fatalf("out of line after it was brought in line: %v", left)
	}
}

// expect reconciles the model. New placements in it take their IDs from what Reconcile
// returned.
func (m *model) expect(servers []int64, answer []access.Placement) (changed []access.Placement) {
	for i := len(m.placements) - 1; i >= 0; i-- { // the newest first
		p := &m.placements[i]
		if !slices.Contains(servers, p.ServerID) || p.GrantID == 0 || m.coveredBy(*p) == nil {
			continue
		}
		newest := !slices.ContainsFunc(m.placements[i+1:], func(o access.Placement) bool { return sameKey(o, *p) && o.State == access.PlacementLeaving })
		if p.State != access.PlacementLeaving || !newest || m.active(*p) {
			continue
		}
		if p.CredentialID == "" && !p.InDoubtUntil.IsZero() {
			p.State, p.LeftAt, p.NextAt, p.Stuck, p.Setback = access.PlacementUnknown, time.Time{}, time.Time{}, false, access.Setback{}
			changed = append(changed, *p)
		} else if p.Attempts == 0 && p.CredentialID != "" && !p.Urgent && p.Holder == "" {
			p.State, p.LeftAt, p.NextAt, p.Stuck, p.Setback = access.PlacementPlaced, time.Time{}, time.Time{}, false, access.Setback{}
			changed = append(changed, *p)
		}
	}
	for i := range m.placements {
		p := &m.placements[i]
		if !slices.Contains(servers, p.ServerID) || p.GrantID == 0 || m.coveredBy(*p) != nil || p.State == access.PlacementGone {
			continue
		}
		if ended := p.Urgent && p.State == access.PlacementLeaving; ended {
			p.Urgent = false
			changed = append(changed, *p)
		}
		if !active(*p) {
			continue
		}
		p.Urgent = false
		if p.State == access.PlacementWanted {
			p.State, p.GoneAt = access.PlacementGone, m.now
		} else {
			p.State = access.PlacementLeaving
		}
		p.LeftAt, p.NextAt, p.Attempts, p.Stuck, p.Setback = m.now, time.Time{}, 0, false, access.Setback{}
		changed = append(changed, *p)
	}
	return append(changed, m.missing(servers, answer)...)
}

func (m *model) missing(servers []int64, answer []access.Placement) (added []access.Placement) {
	for _, c := range m.covers {
		g := m.grants[slices.IndexFunc(m.grants, func(g access.Grant) bool { return g.ID == c.GrantID })]
		p := access.Placement{ServerID: c.ServerID, SystemUser: g.SystemUser, Fingerprint: c.Fingerprint, Person: "U1", State: access.PlacementWanted}
		oldest := m.coveredBy(p)
		there := slices.ContainsFunc(m.placements, func(o access.Placement) bool { return sameKey(o, p) && o.State != access.PlacementGone })
		if oldest == nil || there || !slices.Contains(servers, c.ServerID) {
			continue
		}
		p.GrantID, p.Label = oldest.ID, access.Label(m.ledger, *oldest, p.Fingerprint)
		if i := slices.IndexFunc(answer, func(o access.Placement) bool { return sameKey(o, p) && o.State == access.PlacementWanted }); i >= 0 {
			p.ID = answer[i].ID
		}
		m.placements, added = append(m.placements, p), append(added, p)
	}
	slices.SortFunc(m.placements, func(a, b access.Placement) int { return int(a.ID - b.ID) })
	return added
}

// coveredBy returns the oldest live grant that covers the placement's key.
func (m *model) coveredBy(p access.Placement) *access.Grant {
	for i, g := range m.grants {
		if g.LiveAt(m.now) && g.SystemUser == p.SystemUser && slices.Contains(m.covers, access.Cover{GrantID: g.ID, ServerID: p.ServerID, Fingerprint: p.Fingerprint}) {
			return &m.grants[i]
		}
	}
	return nil
}

func (m *model) active(p access.Placement) bool {
	return slices.ContainsFunc(m.placements, func(o access.Placement) bool { return sameKey(o, p) && active(o) })
}

func active(p access.Placement) bool {
	return p.State == access.PlacementWanted || p.State == access.PlacementUnknown || p.State == access.PlacementPlaced
}

func sameKey(a, b access.Placement) bool {
	return a.ServerID == b.ServerID && a.SystemUser == b.SystemUser && a.Fingerprint == b.Fingerprint
}
