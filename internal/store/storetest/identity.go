package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func ledgerID(t *testing.T, s *store.Store) string {
	t.Helper()
	return read(t, s, func(ctx context.Context, tx access.Tx) (string, error) { return tx.Flag(ctx, access.FlagLedgerID) })
}

// A new ledger has an ID, which is not that of another ledger.
func testLedgerID(t *testing.T, s *store.Store) {
	id := ledgerID(t, s)
	if !regexp.MustCompile(`^[a-z2-7]{5}$`).MatchString(id) {
		t.Errorf("the id of the ledger is %q", id)
	}
	other := SQLite(t)
	if ledgerID(t, other) == id {
		t.Errorf("two ledgers have the id %s", id)
	}
}

// A process that opens a ledger again, or at the same time as others, finds the same ID.
func testLedgerIDStays(t *testing.T, s *store.Store) {
	if s.SQLite() != nil {
		path := "sqlite:" + filepath.Join(t.TempDir(), "again.db")
		var ids [2]string
		for i := range ids {
			again, err := store.Open(t.Context(), path, store.Options{Replica: "self"})
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = ledgerID(t, again)
			again.Close()
		}
		same(t, "after a restart", ids[1], ids[0])
		return
	}
	schema := PostgresSchema(t)
	ids := make([]string, 3)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			replica, err := store.Open(t.Context(), PostgresURL(t), store.Options{Replica: fmt.Sprint("replica ", i), Schema: schema})
			if err != nil {
				t.Error(err)
				return
			}
			defer replica.Close()
			ids[i] = ledgerID(t, replica)
		})
	}
	all.Wait()
	same(t, "of replicas that open it at once", ids, []string{ids[0], ids[0], ids[0]})
}
