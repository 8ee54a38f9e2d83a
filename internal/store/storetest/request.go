package storetest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func insertRequest(t *testing.T, s *store.Store, r access.Request, servers ...access.ServerRef) access.Request {
	t.Helper()
	return written(t, s, func(ctx context.Context, tx access.Tx) (access.Request, error) {
		stored, fresh, err := tx.InsertRequest(ctx, r, servers)
		if !fresh {
			t.Error("the request is not fresh")
		}
		return stored, err
	})
}

func testRequestRoundTrip(t *testing.T, s *store.Store) {
	want := filled[access.Request](0)
	got := insertRequest(t, s, want)
	want.ID = got.ID
	same(t, "inserted", got, want)
	request := func(ctx context.Context, tx access.Tx) (access.Request, error) { return tx.Request(ctx, want.ID) }
	same(t, "read", read(t, s, request), want)

	moved := filled[access.Request](1000)
	moved.ID = want.ID
	for _, wins := range []bool{true, false} {
		won := written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.MoveRequest(ctx, moved, want.State) })
		same(t, "the move wins", won, wins)
	}
	same(t, "moved", read(t, s, request), moved)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.Request(ctx, want.ID+1)
		notFound(t, err)
		return nil
	})
}

func testRequestSource(t *testing.T, s *store.Store) {
	servers := []access.ServerRef{{ID: 1, Name: "a"}}
	first := insertRequest(t, s, access.Request{Source: "slack:1", Reason: "first"}, servers...)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		got, fresh, err := tx.InsertRequest(ctx, access.Request{Source: "slack:1", Reason: "second"}, []access.ServerRef{{ID: 2, Name: "b"}})
		same(t, "the first one", got, first)
		same(t, "fresh", fresh, false)
		return err
	})
	kept := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.ServerRef, error) {
		return tx.RequestServers(ctx, first.ID)
	})
	same(t, "its servers", kept, servers)
	none, another := insertRequest(t, s, access.Request{}), insertRequest(t, s, access.Request{})
	if none.ID == another.ID {
		t.Error("an empty source must not identify a request")
	}
}

func testRequestQuery(t *testing.T, s *store.Store) {
	var ids []int64
	for _, r := range []access.Request{
		{Kind: access.KindGrant, State: access.Pending, Asker: "U1", Person: "U2", CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour)},
		{Kind: access.KindRevoke, State: access.Denied, Asker: "U2", Person: "U2", CreatedAt: epoch.Add(time.Minute)},
		{Kind: access.KindGrant, State: access.WaitingForKey, Asker: "U1", Person: "U1", CreatedAt: epoch.Add(2 * time.Minute), ExpiresAt: epoch.Add(2 * time.Hour)},
	} {
		ids = append(ids, insertRequest(t, s, r).ID)
	}
	for name, test := range map[string]struct {
		query access.RequestQuery
		want  []int64
	}{
		"all":            {access.RequestQuery{}, ids},
		"states":         {access.RequestQuery{States: []access.RequestState{access.Pending, access.WaitingForKey}}, []int64{ids[0], ids[2]}},
		"kinds":          {access.RequestQuery{Kinds: []access.RequestKind{access.KindRevoke}}, ids[1:2]},
		"asker":          {access.RequestQuery{Asker: "U2"}, ids[1:2]},
		"person":         {access.RequestQuery{Person: "U2"}, ids[:2]},
		"expires":        {access.RequestQuery{ExpiresBefore: epoch.Add(time.Hour)}, ids[:1]},
		"not yet":        {access.RequestQuery{ExpiresBefore: epoch.Add(time.Hour - time.Millisecond)}, nil},
		"created after":  {access.RequestQuery{CreatedAfter: epoch}, ids[1:]},
		"limit":          {access.RequestQuery{Limit: 2}, ids[:2]},
		"concerns":       {access.RequestQuery{Concerns: "U2"}, ids[:2]},
		"after":          {access.RequestQuery{After: ids[0]}, ids[1:]},
		"before":         {access.RequestQuery{Before: ids[2], Newest: true}, []int64{ids[1], ids[0]}},
		"newest":         {access.RequestQuery{Newest: true, Limit: 1}, ids[2:]},
		"asker and kind": {access.RequestQuery{Asker: "U1", Kinds: []access.RequestKind{access.KindGrant}, Person: "U1"}, ids[2:]},
	} {
		found := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Request, error) { return tx.Requests(ctx, test.query) })
		var got []int64
		for _, r := range found {
			got = append(got, r.ID)
		}
		same(t, name, got, test.want)
		if test.query.Limit == 0 {
			n := read(t, s, func(ctx context.Context, tx access.Tx) (int, error) { return tx.CountRequests(ctx, test.query) })
			same(t, name+", counted", n, len(test.want))
		}
	}
}

func testRequestServers(t *testing.T, s *store.Store) {
	many := make([]access.ServerRef, 1234)
	for i := range many {
		many[i] = access.ServerRef{ID: int64(i), Name: "same"}
	}
	r := insertRequest(t, s, access.Request{}, many...)
	servers := func(ctx context.Context, tx access.Tx) ([]access.ServerRef, error) {
		return tx.RequestServers(ctx, r.ID)
	}
	same(t, "all of many", read(t, s, servers), many)
	fewer := []access.ServerRef{{ID: 9, Name: "a"}, {ID: 3, Name: "b"}}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetRequestServers(ctx, r.ID, fewer) })
	same(t, "narrowed, by name", read(t, s, servers), fewer)
}

func testApprovals(t *testing.T, s *store.Store) {
	r := insertRequest(t, s, access.Request{})
	full := filled[access.Approval](0)
	full.RequestID = r.ID
	earlier := access.Approval{RequestID: r.ID, Approver: "U2", Verdict: access.Approve, At: epoch}
	onOther := access.Approval{RequestID: r.ID, Approver: "U2", Verdict: access.Approve, Reason: "again", At: epoch, Facts: "other"}
	for _, test := range []struct {
		approval access.Approval
		fresh    bool
	}{{full, true}, {earlier, true}, {access.Approval{RequestID: r.ID, Approver: "U2", Verdict: access.Deny, At: epoch}, false}, {onOther, true}, {onOther, false}} {
		fresh := written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.AddApproval(ctx, test.approval) })
		same(t, "fresh", fresh, test.fresh)
	}
	got := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Approval, error) { return tx.Approvals(ctx, r.ID) })
	same(t, "approvals, oldest first", got, []access.Approval{onOther, full})
	for _, want := range []bool{true, false} {
		dropped := written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.DropApproval(ctx, r.ID, "U2") })
		same(t, "dropped", dropped, want)
	}
	got = read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Approval, error) { return tx.Approvals(ctx, r.ID) })
	same(t, "what is left", got, []access.Approval{full})
}

func testFacts(t *testing.T, s *store.Store) {
	r, other := insertRequest(t, s, access.Request{}), insertRequest(t, s, access.Request{})
	full := filled[access.Facts](0)
	plain := access.Facts{Kind: access.KindRevoke, Person: "U1"}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		for _, f := range []access.Facts{full, plain, full} {
			if err := tx.SaveFacts(ctx, r.ID, f); err != nil {
				return err
			}
		}
		return tx.SaveFacts(ctx, other.ID, plain)
	})
	facts := func(id int64, digest string) access.Facts {
		return read(t, s, func(ctx context.Context, tx access.Tx) (access.Facts, error) { return tx.Facts(ctx, id, digest) })
	}
	same(t, "all fields", facts(r.ID, full.Digest()), full)
	same(t, "few fields", facts(r.ID, plain.Digest()), plain)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.DropFacts(ctx, r.ID); err != nil {
			return err
		}
		_, err := tx.Facts(ctx, r.ID, full.Digest())
		notFound(t, err)
		return nil
	})
	same(t, "of another request", facts(other.ID, plain.Digest()), plain)
}

func testCandidates(t *testing.T, s *store.Store) {
	r := insertRequest(t, s, access.Request{})
	full := filled[access.Candidate](0)
	full.RequestID, full.ServerName = r.ID, "b"
	open := access.Candidate{RequestID: r.ID, ServerID: 7, ServerName: "a", Credential: access.Credential{ID: "8"}}
	known := open
	known.Why = "changed"
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.SaveCandidates(ctx, []access.Candidate{full, open}); err != nil {
			return err
		}
		return tx.SaveCandidates(ctx, []access.Candidate{known})
	})
	candidates := func(ctx context.Context, tx access.Tx) ([]access.Candidate, error) { return tx.Candidates(ctx, r.ID) }
	same(t, "candidates by server", read(t, s, candidates), []access.Candidate{open, full})

	for _, test := range []struct {
		credential string
		want       bool
	}{{"8", true}, {"8", false}, {"9", false}} {
		picked := written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) {
			c := access.Candidate{RequestID: r.ID, ServerID: 7, Credential: access.Credential{ID: test.credential}}
			c.PickedBy, c.PickedAt, c.Spared = "U3", epoch, true
			return tx.PickCandidate(ctx, c)
		})
		same(t, "picked", picked, test.want)
	}
	open.PickedBy, open.PickedAt, open.Spared = "U3", epoch, true
	same(t, "picked once", read(t, s, candidates)[0], open)
}

func testUndecided(t *testing.T, s *store.Store) {
	purge, first, second, over := insertRequest(t, s, access.Request{Kind: access.KindPurge}), insertRequest(t, s, access.Request{}), insertRequest(t, s, access.Request{}), insertRequest(t, s, access.Request{})
	number := 0
	some := func(n int, of access.Request, server int64, c access.Candidate) (all []access.Candidate) {
		for range n {
			number++
			c.RequestID, c.ServerID, c.Credential.ID = of.ID, server, strconv.Itoa(number)
			all = append(all, c)
		}
		return all
	}
	var all []access.Candidate
	for _, why := range []access.Why{access.WhyListed, access.WhySince, access.WhyOwned} {
		all = append(all, some(1, purge, 1, access.Candidate{Why: why})...)
	}
	all = append(all, some(2, second, 1, access.Candidate{Why: access.WhyToken, Credential: access.Credential{Token: true}})...)
	all = append(all, some(3, first, 1, access.Candidate{Why: access.WhyType})...)
	all = append(all, some(1, first, 2, access.Candidate{Why: access.WhyType})...)
	all = append(all, some(1, first, 2, access.Candidate{Why: access.WhyLabel})...)
	all = append(all, some(1, first, 3, access.Candidate{Why: access.WhyType, PickedAt: epoch})...)
	all = append(all, some(1, over, 3, access.Candidate{Why: access.WhyKey, PickedAt: epoch, Spared: true})...)
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveCandidates(ctx, all) })
	got := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Undecided, error) { return tx.Undecided(ctx) })
	same(t, "undecided", got, []access.Undecided{{RequestID: first.ID, Keys: 1, Lookalikes: 4, Servers: 2}, {RequestID: second.ID, Tokens: 2}})
}
