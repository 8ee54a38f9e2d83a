package check_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// restored marks a ledger as put back from a copy.
func restored(t *testing.T, ledger *store.Store) {
	t.Helper()
	mark := access.Restored{At: time.Now(), HeadAt: time.Now(), Request: 41}
	if err := ledger.Update(t.Context(), func(tx access.Tx) error { return mark.Save(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}
