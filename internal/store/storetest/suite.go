package storetest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// Run runs the suite. Each test opens its own ledger.
func Run(t *testing.T, open Opener) {
	t.Helper()
	for _, part := range []map[string]func(*testing.T, *store.Store){people(), placing(), wholeLedger()} {
		for name, test := range part {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, open(t))
			})
		}
	}
}

// people tests persons, keys, requests and grants.
func people() map[string]func(*testing.T, *store.Store) {
	return map[string]func(*testing.T, *store.Store){
		"LedgerID":         testLedgerID,
		"LedgerIDStays":    testLedgerIDStays,
		"Persons":          testPersons,
		"KnownPersons":     testKnownPersons,
		"Keys":             testKeys,
		"Holders":          testHolders,
		"Challenges":       testChallenges,
		"RequestRoundTrip": testRequestRoundTrip,
		"RequestSource":    testRequestSource,
		"RequestQuery":     testRequestQuery,
		"RequestServers":   testRequestServers,
		"Approvals":        testApprovals,
		"Facts":            testFacts,
		"Candidates":       testCandidates,
		"Undecided":        testUndecided,
		"GrantRoundTrip":   testGrantRoundTrip,
		"GrantQuery":       testGrantQuery,
		"EndCovers":        testEndCovers,
		"Rotations":        testRotations,
	}
}

// placing tests placements, results, servers and targets.
func placing() map[string]func(*testing.T, *store.Store) {
	return map[string]func(*testing.T, *store.Store){
		"PlacementRoundTrip": testPlacementRoundTrip,
		"PlacementQuery":     testPlacementQuery,
		"PlacementOnce":      testPlacementOnce,
		"VerifyPlaced":       testVerifyPlaced,
		"Covered":            testCovered,
		"Debt":               testDebt,
		"CapWaits":           testCapWaits,
		"DueWork":            testDueWork,
		"CountDue":           testCountDue,
		"RemovalsBy":         testRemovalsBy,
		"DueRenewals":        testDueRenewals,
		"RenewalsAreSpread":  testRenewalsAreSpread,
		"Marks":              testMarks,
		"MarkEnded":          testMarkEnded,
		"ServersAfter":       testServersAfter,
		"IdleWork":           testIdleWork,
		"OweRemovals":        testOweRemovals,
		"GrantSize":          testGrantSize,
		"ReconcileCases":     testReconcileCases,
		"ReconcileRenewal":   testReconcileRenewal,
		"ReconcileModel":     testReconcileModel,
		"ReconcileLarge":     testReconcileLarge,
		"ReconcileSkew":      testReconcileSkew,
		"Results":            testResults,
		"Inspections":        testInspections,
		"Reopen":             testReopen,
		"ReopenInspections":  testReopenInspections,
		"Looks":              testLooks,
		"Findings":           testFindings,
		"OpenAudits":         testOpenAudits,
		"ReopenReadings":     testReopenReadings,
		"Sessions":           testSessions,
		"ReopenAdditions":    testReopenAdditions,
		"ResultsInChunks":    testResultsInChunks,
		"Servers":            testServers,
		"Targets":            testTargets,
		"RenameTarget":       testRenameTarget,
		"TargetsApart":       testTargetsApart,
		"Readings":           testReadings,
	}
}

// wholeLedger tests the outbox, the audit log, the inbox, and what holds for every
// transaction.
func wholeLedger() map[string]func(*testing.T, *store.Store) {
	return map[string]func(*testing.T, *store.Store){
		"Drawings":             testDrawings,
		"Notices":              testNotices,
		"PersonChanged":        testPersonChanged,
		"Messages":             testMessages,
		"Flags":                testFlags,
		"SkipIDs":              testSkipIDs,
		"DropDeliveries":       testDropDeliveries,
		"AuditChain":           testAuditChain,
		"AuditOnlyGrows":       testAuditOnlyGrows,
		"AuditSubjects":        testAuditSubjects,
		"AuditPages":           testAuditPages,
		"RecordedOnce":         testRecordedOnce,
		"RecordedFacts":        testRecordedFacts,
		"OneWinner":            testOneWinner,
		"Rollback":             testRollback,
		"Panic":                testPanic,
		"ReadOnly":             testReadOnly,
		"ReadIsConsistent":     testReadIsConsistent,
		"Cancelled":            testCancelled,
		"ErrorsSayWhere":       testErrorsSayWhere,
		"WakeOnce":             testWakeOnce,
		"WakeOptions":          testWakeOptions,
		"WakeFirst":            testWakeFirst,
		"SplitQueues":          testSplitQueues,
		"WakeDuringComplete":   testWakeDuringComplete,
		"CompletionBlocksWake": testCompletionBlocksWake,
		"Milliseconds":         testMilliseconds,
		"Inbox":                testInbox,
		"Backlog":              testBacklog,
		"AfterCommit":          testAfterCommit,
		"Moves":                testMoves,
		"Prune":                testPrune,
		"PruneHistory":         testPruneHistory,
		"PruneRenewed":         testPruneRenewed,
		"PruneInPortions":      testPruneHistoryInPortions,
		"InboxOneTaker":        testInboxOneTaker,
		"ReleaseJobs":          testReleaseJobs,
		"Release":              testRelease,
		"ReleaseLate":          testReleaseLate,
		"LeaseIsTakenAgain":    testLeaseIsTakenAgain,
		"RetryOnSerialization": testRetry,
	}
}

// epoch is the time that the tests take for now.
var epoch = time.Date(2026, 3, 8, 6, 59, 59, 123e6, time.UTC) //nolint:gochecknoglobals // a constant

// update runs fn in an update that must succeed.
func update(t *testing.T, s *store.Store, fn func(ctx context.Context, tx access.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx access.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// read runs fn in a Read that must succeed, and returns what fn did.
func read[T any](t *testing.T, s *store.Store, fn func(ctx context.Context, tx access.Tx) (T, error)) T {
	t.Helper()
	var found T
	err := s.Read(t.Context(), func(tx access.Tx) (err error) {
		found, err = fn(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return found
}

// written runs fn in an Update that must succeed, and returns what fn did.
func written[T any](t *testing.T, s *store.Store, fn func(ctx context.Context, tx access.Tx) (T, error)) T {
	t.Helper()
	var found T
	update(t, s, func(ctx context.Context, tx access.Tx) (err error) {
		found, err = fn(ctx, tx)
		return err
	})
	return found
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func notFound(t *testing.T, err error) {
	t.Helper()
	if access.CodeOf(err) != access.NotFound {
		t.Errorf("got %v, want not found", err)
	}
}

// filled returns a value whose fields are all set and all different, so that a field which the
// ledger does not store is noticed.
func filled[T any](seed int) T {
	var value T
	fill(reflect.ValueOf(&value).Elem(), &seed)
	return value
}

func fill(v reflect.Value, seed *int) {
	*seed++
	switch target := v.Addr().Interface().(type) {
	case *time.Time:
		*target = epoch.Add(time.Duration(*seed) * time.Millisecond)
		return
	case *time.Duration:
		*target = time.Duration(*seed) * time.Millisecond
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), seed)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), seed)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), seed)
		fill(v.Index(1), seed)
	case reflect.String:
		v.SetString("täxt '\"\\ " + time.Duration(*seed).String())
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(int64(*seed))
	}
}
