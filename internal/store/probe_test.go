package store_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// The probe of a file that may not grow any more fails as every write does, and succeeds as
// soon as there is room.
func TestProbeSeesAFullDisk(t *testing.T) {
	t.Parallel()
	ledger, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), store.Options{Replica: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	if err := ledger.Probe(t.Context()); err != nil || !ledger.RefusedWrite().IsZero() {
		t.Fatalf("at first: %v, %v", err, ledger.RefusedWrite())
	}
	limit := func(pages string) {
		t.Helper()
		if _, err := ledger.SQLite().ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // no more pages than there are
	big := strings.Repeat("x", 1<<20)
	err = ledger.Update(t.Context(), func(tx access.Tx) error { return tx.SetFlag(t.Context(), "big", big) })
	if access.CodeOf(err) != access.Unavailable || !strings.Contains(access.MessageOf(err), "cannot write to my database") {
		t.Errorf("an update says: %v", err)
	}
	if age := time.Since(ledger.RefusedWrite()); age > time.Minute {
		t.Error("it is not noted that a write was refused")
	}
	limit("1000000")
	if err := ledger.Probe(t.Context()); err != nil {
		t.Errorf("with room: %v", err)
	}
}
