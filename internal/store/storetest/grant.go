package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func insertGrant(t *testing.T, s *store.Store, g access.Grant, covers ...access.Cover) access.Grant {
	t.Helper()
	return written(t, s, func(ctx context.Context, tx access.Tx) (access.Grant, error) { return tx.InsertGrant(ctx, g, covers) })
}

func grantIDs(grants []access.Grant) (ids []int64) {
	for _, g := range grants {
		ids = append(ids, g.ID)
	}
	return ids
}

func testGrantRoundTrip(t *testing.T, s *store.Store) {
	want := filled[access.Grant](0)
	covers := []access.Cover{{ServerID: 1, Fingerprint: "a"}, {ServerID: 2, Fingerprint: "a", EndedAt: epoch}}
	got := insertGrant(t, s, want, covers...)
	want.ID = got.ID
	same(t, "inserted", got, want)
	grant := func(ctx context.Context, tx access.Tx) (access.Grant, error) { return tx.Grant(ctx, want.ID) }
	same(t, "read", read(t, s, grant), want)
	for i := range covers {
		covers[i].GrantID = want.ID
	}
	stored := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Cover, error) { return tx.Covers(ctx, want.ID) })
	same(t, "covers", stored, covers)

	moved := filled[access.Grant](1000)
	moved.ID = want.ID
	for _, wins := range []bool{true, false} {
		won := written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.MoveGrant(ctx, moved, want.State) })
		same(t, "the move wins", won, wins)
	}
	same(t, "moved", read(t, s, grant), moved)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.Grant(ctx, want.ID+1)
		notFound(t, err)
		return nil
	})
}

func testGrantQuery(t *testing.T, s *store.Store) {
	var ids []int64
	for _, g := range []access.Grant{
		{State: access.Live, Person: "U1", RequestID: 5, EndsAt: epoch},
		{State: access.Live, Person: "U2", RequestID: 6, EndsAt: epoch.Add(time.Hour), RemindedAt: epoch},
		{State: access.Live, Person: "U1", RequestID: 6},
		{State: access.Ended, Person: "U1", EndsAt: epoch, SteadyEnd: epoch},
		{State: access.Ended, Person: "U3", EndsAt: epoch.Add(time.Hour), SteadyEnd: epoch},
	} {
		ids = append(ids, insertGrant(t, s, g).ID)
	}
	for name, test := range map[string]struct {
		query access.GrantQuery
		want  []int64
	}{
		"all":            {access.GrantQuery{}, ids},
		"live":           {access.GrantQuery{State: access.Live}, ids[:3]},
		"person":         {access.GrantQuery{Person: "U2"}, ids[1:2]},
		"request":        {access.GrantQuery{RequestID: 6}, ids[1:3]},
		"due":            {access.GrantQuery{State: access.Live, EndsBefore: epoch}, ids[:1]},
		"not yet due":    {access.GrantQuery{EndsBefore: epoch.Add(-time.Millisecond)}, nil},
		"due, steadily":  {access.GrantQuery{EndsBefore: epoch.Add(-time.Hour), SteadyUntil: epoch}, ids[3:]},
		"due, both ways": {access.GrantQuery{State: access.Live, EndsBefore: epoch, SteadyUntil: epoch}, ids[:1]},
		"not reminded":   {access.GrantQuery{State: access.Live, NotReminded: true, EndsBefore: epoch.Add(2 * time.Hour)}, ids[:1]},
		"limit":          {access.GrantQuery{Limit: 1}, ids[:1]},
		"after":          {access.GrantQuery{After: ids[2]}, ids[3:]},
		"before":         {access.GrantQuery{State: access.Live, Before: ids[2], Newest: true}, []int64{ids[1], ids[0]}},
		"newest":         {access.GrantQuery{Newest: true, Limit: 1}, ids[4:]},
	} {
		found := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Grant, error) { return tx.Grants(ctx, test.query) })
		same(t, name, grantIDs(found), test.want)
		if test.query.Limit == 0 {
			n := read(t, s, func(ctx context.Context, tx access.Tx) (int, error) { return tx.CountGrants(ctx, test.query) })
			same(t, name+", counted", n, len(test.want))
		}
	}
}

func testEndCovers(t *testing.T, s *store.Store) {
	covers := []access.Cover{{ServerID: 1, Fingerprint: "a"}, {ServerID: 2, Fingerprint: "a"}, {ServerID: 1, Fingerprint: "b"}}
	mine := insertGrant(t, s, access.Grant{State: access.Live, Person: "U1"}, covers...)
	other := insertGrant(t, s, access.Grant{State: access.Live, Person: "U2"}, covers[:1]...)
	over := insertGrant(t, s, access.Grant{State: access.Ended, Person: "U1"}, covers...)
	account := insertGrant(t, s, access.Grant{State: access.Live}, access.Cover{ServerID: 9, Fingerprint: "x"})
	left := func(ctx context.Context, tx access.Tx) (n int, err error) {
		for _, g := range []access.Grant{mine, other, over} {
			covers, err := tx.Covers(ctx, g.ID)
			if err != nil {
				return 0, err
			}
			n += len(slices.DeleteFunc(covers, func(c access.Cover) bool { return !c.EndedAt.IsZero() }))
		}
		return n, nil
	}
	empty := func(ctx context.Context, tx access.Tx) ([]access.Grant, error) { return tx.EmptyGrants(ctx) }
	for _, step := range []struct {
		name  string
		query access.CoverQuery
		left  int
		empty []int64
	}{
		{"nothing fits", access.CoverQuery{Person: "U1", Fingerprint: "c"}, 7, nil},
		{"by server and key", access.CoverQuery{Person: "U1", Servers: []int64{1, 9}, Fingerprint: "a"}, 6, nil},
		{"only what is left", access.CoverQuery{Person: "U1", Fingerprint: "a"}, 5, nil},
		{"the last of a grant", access.CoverQuery{Person: "U1", Fingerprint: "b"}, 4, []int64{mine.ID}},
		{"of any person", access.CoverQuery{OfPersons: true}, 3, []int64{mine.ID, other.ID}},
		{"nothing is left", access.CoverQuery{OfPersons: true}, 3, []int64{mine.ID, other.ID}},
		{"of accounts, too", access.CoverQuery{}, 3, []int64{mine.ID, other.ID, account.ID}},
	} {
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.EndCovers(ctx, step.query, epoch) })
		same(t, step.name, read(t, s, left), step.left)
		same(t, step.name+": empty grants", grantIDs(read(t, s, empty)), step.empty)
	}
	ended := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Cover, error) { return tx.Covers(ctx, other.ID) })
	same(t, "the time of the end", ended, []access.Cover{{GrantID: other.ID, ServerID: 1, Fingerprint: "a", EndedAt: epoch}})
}
