package storetest

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// Shape is what Age makes of a ledger.
type Shape struct {
	Live   []access.Key  // each of another person, whose grant on every server is live
	Placed time.Duration // the live keys were placed during that long before now, as renewals spread them

	Past            []access.Key // of those whose grants, in turn, are over
	Days            int          // before now
	GrantsPerDay    int
	ServersPerGrant int
	AuditDays       int // at least Days; of grants before those, only the audit events are left
}

// Pattern names the requests of two real grants in a ledger, each of one key on one server, whose
// rows Age copies: one that is live, and one that has ended and whose key is gone. Slack shows both.
type Pattern struct{ Live, Ended int64 }

// Age makes a ledger old in which a pattern stands, together with the servers. It copies each row
// of the pattern as often as the shape asks for, and changes only what tells one grant, person,
// server or time from another (see varying). Everything else, also in columns that are added one
// day, is as the real code wrote it. The audit events go through the store itself, after those of
// the pattern: in the order of the log, time jumps back once.
func Age(t testing.TB, s *store.Store, p Pattern, shape Shape) {
	t.Helper()
	a := &ager{t: t, ctx: context.WithoutCancel(t.Context()), store: s, pattern: p, shape: shape}
	db := s.SQLite()
	if db == nil {
		db = stdlib.OpenDBFromPool(s.Postgres())
		defer func() { _ = db.Close() }() // leaves the pool open
	}
	a.readPattern()
	a.saveKeys()
	all := a.grants()
	a.copyRows(db, slices.DeleteFunc(slices.Clone(all), func(g agedGrant) bool { return g.pruned }))
	a.writeEvents(all)
	if s.SQLite() == nil {
		// What grew over years was looked after by PostgreSQL in those years, and not all at once
		// while something is measured.
		_, err := db.ExecContext(a.ctx, "VACUUM (ANALYZE)")
		a.must(err)
	}
}

// EndLive has every live grant of a ledger end at one instant, of which its person has been
// reminded. No bot may run meanwhile.
func EndLive(t testing.TB, s *store.Store, at time.Time) {
	t.Helper()
	err := s.Update(t.Context(), func(tx access.Tx) error {
		live, err := tx.Grants(t.Context(), access.GrantQuery{State: access.Live})
		for _, g := range live {
			g.EndsAt, g.SteadyEnd, g.RemindedAt = at, at, at.Add(-time.Minute)
			if _, err := tx.MoveGrant(t.Context(), g, access.Live); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

type ager struct {
	t       testing.TB
	ctx     context.Context
	store   *store.Store
	pattern Pattern
	shape   Shape

	live, ended original
	ledger      string  // its ID
	places      []int64 // all of the ledger, ascending
	last        int64   // the highest number of a request or a grant so far
}

// original is a grant of the pattern.
type original struct {
	request int64
	grant   access.Grant
	key     string // its fingerprint
	events  []access.Event
}

// agedGrant is a copy of an original.
type agedGrant struct {
	of      *original
	id      int64 // of the grant, and of its request
	key     access.Key
	alias   string
	shift   time.Duration // how much later it was than the original
	first   int           // of its servers
	servers int
	pruned  bool // only its events are left
}

func (a *ager) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("age the ledger: %v", err)
	}
}

func (a *ager) readPattern() {
	a.t.Helper()
	a.must(a.store.Update(a.ctx, func(tx access.Tx) error { return tx.SealMoves(a.ctx, false) }))
	events, err := a.store.Events(a.ctx, 0, 10_000)
	a.must(err)
	a.must(a.store.Read(a.ctx, func(tx access.Tx) error {
		places, err := tx.AllServers(a.ctx)
		if err != nil {
			return err
		}
		for _, place := range places {
			a.places = append(a.places, place.ID)
		}
		slices.Sort(a.places)
		if a.ledger, err = tx.Flag(a.ctx, access.FlagLedgerID); err != nil {
			return err
		}
		requests, err := tx.Requests(a.ctx, access.RequestQuery{})
		if err != nil {
			return err
		}
		for _, r := range requests {
			a.last = max(a.last, r.ID, r.GrantID)
		}
		for id, o := range map[int64]*original{a.pattern.Live: &a.live, a.pattern.Ended: &a.ended} {
			if *o, err = readOriginal(a.ctx, tx, id); err != nil {
				return err
			}
			for _, e := range events {
				if slices.Contains(e.AboutSubjects(), access.AboutRequest(id)) {
					o.events = append(o.events, e)
				}
			}
		}
		return nil
	}))
}

func readOriginal(ctx context.Context, tx access.Tx, id int64) (original, error) {
	r, err := tx.Request(ctx, id)
	if err != nil {
		return original{}, err
	}
	g, err := tx.Grant(ctx, r.GrantID)
	if err != nil {
		return original{}, err
	}
	covers, err := tx.Covers(ctx, g.ID)
	if err != nil {
		return original{}, err
	}
	return original{request: id, grant: g, key: covers[0].Fingerprint}, nil
}

// saveKeys registers the keys of the shape.
func (a *ager) saveKeys() {
	a.t.Helper()
	a.must(a.store.Update(a.ctx, func(tx access.Tx) error {
		for _, k := range slices.Concat(a.shape.Live, a.shape.Past) {
			if err := tx.SaveKey(a.ctx, k); err != nil {
				return err
			}
		}
		return nil
	}))
}

// grants returns all grants of the shape, oldest first. Those that are live started on one of the
// last five days.
func (a *ager) grants() (all []agedGrant) {
	now, next := time.Now(), a.last
	add := func(of *original, k access.Key, starts time.Time, servers int) {
		next++
		all = append(all, agedGrant{
			of: of, id: next, key: k, alias: access.Alias(k.Note), shift: starts.Sub(of.grant.StartsAt).Truncate(time.Millisecond),
			first: int(next) * 37 % len(a.places), servers: min(servers, len(a.places)), pruned: of == &a.ended && starts.Before(now.AddDate(0, 0, -a.shape.Days)),
		})
	}
	for i := range a.shape.AuditDays * a.shape.GrantsPerDay {
		age := time.Duration(a.shape.AuditDays*a.shape.GrantsPerDay-i) * 24 * time.Hour / time.Duration(a.shape.GrantsPerDay)
		add(&a.ended, a.shape.Past[i%len(a.shape.Past)], now.Add(-age), a.shape.ServersPerGrant)
	}
	for i, k := range a.shape.Live {
		add(&a.live, k, now.Add(-time.Duration(len(a.shape.Live)-i)*5*24*time.Hour/time.Duration(len(a.shape.Live))), len(a.places))
	}
	return all
}

// insideOne runs fn in one transaction of a database.
func (a *ager) insideOne(db *sql.DB, fn func(*sql.Tx) error) {
	a.t.Helper()
	tx, err := db.BeginTx(a.ctx, nil)
	a.must(err)
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	a.must(fn(tx))
	a.must(tx.Commit())
}
