package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

// What is asked again and again, and what is asked of one server, finds its rows by an index: it
// costs what there is to do, not what there is.
func TestSweepsAskIndexes(t *testing.T) {
	t.Parallel()
	ledger := storetest.SQLite(t)
	now := time.Now()
	err := ledger.Update(t.Context(), func(tx access.Tx) error {
		return second(tx.InsertGrant(t.Context(), access.Grant{State: access.Live}, nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, step := range askedAgain(now) {
		for _, scan := range store.Scans(t, ledger, func(ctx context.Context, tx access.Tx) error { return step(ctx, tx) }) {
			if !few(scan) {
				t.Errorf("%s reads all of %s", name, scan)
			}
		}
	}
	for _, scan := range store.Scans(t, ledger, func(ctx context.Context, tx access.Tx) error {
		own, ok := tx.(delivery.Tx)
		if !ok {
			t.Fatal("no outbox")
		}
		if err := second(own.DueDrawings(ctx, now)); err != nil {
			return err
		}
		return second(own.DueNotices(ctx, now))
	}) {
		if !few(scan) {
			t.Errorf("the outbox reads all of %s", scan)
		}
	}
}

// few reports whether what a plan reads whole is few rows: those of people, of a query within the
// query, or of an index that has only what is live or still to be done.
func few(scan string) bool {
	_, index, _ := strings.Cut(scan, " INDEX ")
	return slices.Contains([]string{"CONSTANT ROW", "persons", "due", "few"}, scan) ||
		slices.Contains([]string{"grants_live", "out_of_line_order", "placements_renewed", "results_readings", "results_unsettled", "candidates_undecided", "drawings_behind", "notices_due", "inbox_open"}, index)
}

func second[T any](_ T, err error) error { return err }

// askedAgain is what sweeps ask, and what is asked for one server or key.
func askedAgain(now time.Time) map[string]func(ctx context.Context, tx access.Tx) error {
	p := access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a", Person: "U1"}
	there := []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving}
	live := access.GrantQuery{State: access.Live, EndsBefore: now}
	return map[string]func(ctx context.Context, tx access.Tx) error{
		"due work":        func(ctx context.Context, tx access.Tx) error { return second(tx.IdleWork(ctx, now)) },
		"how much is due": func(ctx context.Context, tx access.Tx) error { return second(tx.CountDue(ctx, "t", now, 5)) },
		"removals":        func(ctx context.Context, tx access.Tx) error { return second(tx.RemovalsBy(ctx, "t", now)) },
		"renewals": func(ctx context.Context, tx access.Tx) error {
			return second(tx.DueRenewals(ctx, access.RenewalQuery{Now: now, Limit: 5}))
		},
		"waits":            func(ctx context.Context, tx access.Tx) error { return tx.CapWaits(ctx, access.Waits{}) },
		"rereads":          func(ctx context.Context, tx access.Tx) error { return second(tx.DueRereads(ctx, now)) },
		"readings":         func(ctx context.Context, tx access.Tx) error { return second(tx.OpenReadings(ctx, 1)) },
		"inspections":      func(ctx context.Context, tx access.Tx) error { return second(tx.OpenInspections(ctx)) },
		"audits":           func(ctx context.Context, tx access.Tx) error { return second(tx.OpenAudits(ctx, now, 5)) },
		"lists":            func(ctx context.Context, tx access.Tx) error { return second(tx.OpenLists(ctx, "t")) },
		"unsettled":        func(ctx context.Context, tx access.Tx) error { return second(tx.Unsettled(ctx)) },
		"ended grants":     func(ctx context.Context, tx access.Tx) error { return second(tx.Grants(ctx, live)) },
		"marks":            func(ctx context.Context, tx access.Tx) error { return second(tx.MarkedOutOfLine(ctx, 5)) },
		"marks of a grant": func(ctx context.Context, tx access.Tx) error { return tx.MarkEnded(ctx, 1) },
		"the check":        func(ctx context.Context, tx access.Tx) error { return second(tx.OutOfLine(ctx, now, []int64{1, 2})) },
		"alignment":        func(ctx context.Context, tx access.Tx) error { return second(tx.Reconcile(ctx, now, []int64{1})) },
		"debt":             func(ctx context.Context, tx access.Tx) error { return second(tx.Debt(ctx, access.DebtQuery{At: now})) },
		"the oldest debt":  func(ctx context.Context, tx access.Tx) error { return second(tx.OldestDebt(ctx, now)) },
		"undecided":        func(ctx context.Context, tx access.Tx) error { return second(tx.Undecided(ctx)) },
		"oldest envelope":  func(ctx context.Context, tx access.Tx) error { return second(tx.OldestEnvelope(ctx)) },
		"keys of a server": func(ctx context.Context, tx access.Tx) error {
			return second(tx.Placements(ctx, access.PlacementQuery{Server: 1, States: there}))
		},
		"work on a server": func(ctx context.Context, tx access.Tx) error {
			return second(tx.Placements(ctx, access.PlacementQuery{Server: 1, Due: now, States: access.Trying()}))
		},
		"a renewed key": func(ctx context.Context, tx access.Tx) error {
			return second(tx.Placements(ctx, access.PlacementQuery{Renewed: true, States: there}))
		},
		"what was given up": func(ctx context.Context, tx access.Tx) error {
			return second(tx.Placements(ctx, access.PlacementQuery{Target: "t", States: []access.PlacementState{access.PlacementGone}, Problem: access.ProblemServerLeft, Limit: 1}))
		},
		"a credential": func(ctx context.Context, tx access.Tx) error {
			return second(tx.Placements(ctx, access.PlacementQuery{Server: 1, Credential: "5"}))
		},
		"cover of a key":             func(ctx context.Context, tx access.Tx) error { _, _, err := tx.Covered(ctx, p, now); return err },
		"results of a key":           func(ctx context.Context, tx access.Tx) error { return second(tx.OpenResults(ctx, p.On())) },
		"waiting keys":               func(ctx context.Context, tx access.Tx) error { return second(tx.WaitingKeys(ctx, 1)) },
		"a key that is back":         func(ctx context.Context, tx access.Tx) error { return second(tx.ReopenResults(ctx, p.On(), now)) },
		"a server is back":           func(ctx context.Context, tx access.Tx) error { return second(tx.ReopenInspections(ctx, 1)) },
		"a grant's size":             func(ctx context.Context, tx access.Tx) error { return second(tx.GrantSize(ctx, 1)) },
		"looking for it":             func(ctx context.Context, tx access.Tx) error { return second(tx.VerifyPlaced(ctx, 1, now)) },
		"what a request is kept for": store.InUse,
		"what waits":                 store.Backlog,
		"owed removals": func(ctx context.Context, tx access.Tx) error {
			return tx.OweRemovals(ctx, 1, 1, access.CoverQuery{Servers: []int64{1}}, now)
		},
	}
}
