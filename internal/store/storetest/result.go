package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testResults(t *testing.T, s *store.Store) {
	full := filled[access.Result](0)
	full.RequestID, full.ServerName, full.Sessions = 1, "b", nil // not read yet
	full.TargetTitle, full.Account = "", false                   // a view fills them in
	waiting := access.Result{RequestID: 1, Phase: access.PhaseAdd, ServerID: 7, ServerName: "a", SystemUser: "web", Fingerprint: "f", State: access.Waiting}
	results := func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.Results(ctx, 1) }
	open := func(ctx context.Context, tx access.Tx) ([]access.Result, error) {
		return tx.OpenResults(ctx, access.KeyOn{ServerID: 7, SystemUser: "web", Fingerprint: "f"})
	}
	waitingKeys := func(ctx context.Context, tx access.Tx) ([]access.KeyOn, error) { return tx.WaitingKeys(ctx, 7) }
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.InsertResults(ctx, []access.Result{full, waiting}); err != nil {
			return err
		}
		again := waiting
		again.State = access.Done
		return tx.InsertResults(ctx, []access.Result{again})
	})
	same(t, "by server name, as first inserted", read(t, s, results), []access.Result{waiting, full})
	same(t, "open", read(t, s, open), []access.Result{waiting})

	failed := waiting
	failed.State, failed.Setback, failed.UpdatedAt = access.Failed, access.Setback{Problem: access.ProblemRefused, Detail: "no"}, epoch
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveResult(ctx, failed) })
	same(t, "failed is open", read(t, s, open), []access.Result{failed})
	same(t, "its key waits", read(t, s, waitingKeys), []access.KeyOn{{ServerID: 7, SystemUser: "web", Fingerprint: "f"}})
	done := failed
	done.State = access.Done
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveResult(ctx, done) })
	same(t, "done is not open", read(t, s, open), nil)
	inspection := waiting
	inspection.Phase, inspection.SystemUser, inspection.Fingerprint = access.PhaseInspect, "", ""
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.InsertResults(ctx, []access.Result{inspection})
	})
	same(t, "no key waits, and an inspection is of none", read(t, s, waitingKeys), nil)
	inspection.State = access.Done
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveResult(ctx, inspection) })

	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Tell(ctx, []access.Result{failed}) })
	done.Told = access.Failed
	same(t, "told what was shown, not what it is by now", read(t, s, results), []access.Result{done, inspection, full})
}

func testReopen(t *testing.T, s *store.Store) {
	removal := access.Result{RequestID: 1, Phase: access.PhaseRemove, ServerID: 7, SystemUser: "web", Fingerprint: "f", State: access.Done, UpdatedAt: epoch}
	vary := func(change func(r *access.Result)) access.Result {
		r := removal
		change(&r)
		return r
	}
	rs := []access.Result{
		removal,
		vary(func(r *access.Result) {
			r.RequestID, r.State, r.Setback = 2, access.OutOfReach, access.Setback{Problem: access.ProblemServerLeft, Detail: "x"}
		}),
		vary(func(r *access.Result) { r.RequestID, r.UpdatedAt = 3, epoch.Add(-time.Millisecond) }),
		vary(func(r *access.Result) { r.RequestID, r.State = 4, access.Kept }),
		vary(func(r *access.Result) { r.RequestID, r.Phase = 5, access.PhaseAdd }),
		vary(func(r *access.Result) { r.RequestID, r.ServerID = 6, 8 }),
		vary(func(r *access.Result) { r.RequestID, r.SystemUser = 7, "root" }),
		vary(func(r *access.Result) { r.RequestID, r.Fingerprint = 8, "g" }),
		vary(func(r *access.Result) { r.RequestID, r.Picked = 9, "4711" }),
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.InsertResults(ctx, rs) })
	reopened := written(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) {
		return tx.ReopenResults(ctx, access.KeyOn{ServerID: 7, SystemUser: "web", Fingerprint: "f"}, epoch)
	})
	slices.SortFunc(reopened, func(a, b access.Result) int { return int(a.RequestID - b.RequestID) })
	for i := range 2 {
		rs[i].State, rs[i].Setback = access.Waiting, access.Setback{}
	}
	same(t, "reopened", reopened, rs[:2])
	for _, r := range rs {
		same(t, "stored", read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.Results(ctx, r.RequestID) }), []access.Result{r})
	}
}

// ReopenAdditions reopens only additions whose own grant still covers the key.
func testReopenAdditions(t *testing.T, s *store.Store) {
	cover := access.Cover{ServerID: 7, Fingerprint: "f"}
	ended := cover
	ended.EndedAt = epoch
	for request, g := range map[int64]struct {
		grant access.Grant
		cover access.Cover
	}{
		1: {access.Grant{State: access.Live}, cover},
		2: {access.Grant{State: access.Live, EndsAt: epoch.Add(time.Hour)}, cover},
		3: {access.Grant{State: access.Live, EndsAt: epoch}, cover},
		4: {access.Grant{State: access.Ended}, cover},
		5: {access.Grant{State: access.Live}, ended},
		6: {access.Grant{State: access.Live}, access.Cover{ServerID: 8, Fingerprint: "f"}},
		7: {access.Grant{State: access.Live}, cover},
		8: {access.Grant{State: access.Live}, cover},
	} {
		g.grant.RequestID, g.grant.SystemUser = request, "web"
		insertGrant(t, s, g.grant, g.cover)
	}
	var rs []access.Result
	for i := range int64(8) {
		rs = append(rs, access.Result{RequestID: i + 1, Phase: access.PhaseAdd, ServerID: 7, SystemUser: "web", Fingerprint: "f", State: access.Done})
	}
	rs[1].State, rs[6].State, rs[7].Phase = access.AlreadyThere, access.Dropped, access.PhaseRemove
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.InsertResults(ctx, rs) })
	reopened := written(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) {
		return tx.ReopenAdditions(ctx, access.Placement{ServerID: 7, SystemUser: "web", Fingerprint: "f"}, epoch)
	})
	slices.SortFunc(reopened, func(a, b access.Result) int { return int(a.RequestID - b.RequestID) })
	rs[0].State, rs[1].State = access.Waiting, access.Waiting
	same(t, "reopened", reopened, rs[:2])
}

func testInspections(t *testing.T, s *store.Store) {
	at := func(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }
	rs := []access.Result{
		{RequestID: 1, Phase: access.PhaseInspect, ServerID: 1, State: access.Waiting, UpdatedAt: at(2)},
		{RequestID: 1, Phase: access.PhaseInspect, ServerID: 2, State: access.Failed, UpdatedAt: at(1)},
		{RequestID: 1, Phase: access.PhaseInspect, ServerID: 3, State: access.Done, UpdatedAt: at(1)},
		{RequestID: 1, Phase: access.PhaseRemove, ServerID: 4, State: access.Waiting, UpdatedAt: at(1)},
		{RequestID: 1, Phase: access.PhaseInspect, ServerID: 5, State: access.Waiting, UpdatedAt: at(3)},
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.InsertResults(ctx, rs) })
	open := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) {
		return tx.OpenInspections(ctx)
	})
	same(t, "unsettled requests", read(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.Unsettled(ctx) }), []int64{1})
	same(t, "open inspections, oldest first", open, []access.Result{rs[1], rs[0], rs[4]})
}

// Results are stored even if they are more rows than one statement may have parameters for.
func testResultsInChunks(t *testing.T, s *store.Store) {
	rs := make([]access.Result, 3500)
	for i := range rs {
		rs[i] = access.Result{RequestID: 1, Phase: access.PhaseAdd, ServerID: int64(i), ServerName: fmt.Sprintf("s%05d", i), State: access.Waiting, UpdatedAt: epoch}
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.InsertResults(ctx, rs) })
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Tell(ctx, rs) })
	for i := range rs {
		rs[i].Told = access.Waiting
	}
	same(t, "all rows", read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.Results(ctx, 1) }), rs)
}
