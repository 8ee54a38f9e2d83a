package check_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/check"
	"sshkeybot/internal/store"
)

// logOf returns a ledger file with events, on which the database keeps no guard.
func logOf(t *testing.T, events int) *store.Store {
	t.Helper()
	ledger := newBench(t).ledger(t)
	record(t, ledger, events-3)
	for _, trigger := range []string{"audit_no_update", "audit_no_delete", "audit_about_no_update", "audit_about_no_delete"} {
		run(t, ledger, "DROP TRIGGER "+trigger)
	}
	return ledger
}

func record(t *testing.T, ledger *store.Store, events int) {
	t.Helper()
	err := ledger.Update(t.Context(), func(tx access.Tx) error {
		for range events {
			if err := tx.Audit(t.Context(), access.Event{Actor: "U1", Action: "more", At: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, ledger *store.Store, statement string, args ...any) {
	t.Helper()
	if _, err := ledger.SQLite().ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func verified(t *testing.T, ledger *store.Store, since access.Head) check.Chain {
	t.Helper()
	chain, err := check.Verify(t.Context(), ledger, since)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// rewrite gives the events new details and the hashes that fit them, as somebody would who
// knows how the chain is made.
func rewrite(t *testing.T, ledger *store.Store) {
	t.Helper()
	events, err := ledger.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var prev access.Event
	for _, e := range events {
		if e.Seq > 1 {
			e.Detail = "nothing happened"
		}
		e = e.Seal(prev)
		run(t, ledger, "UPDATE audit SET detail = ?, prev = ?, hash = ? WHERE seq = ?", e.Detail, e.Prev, e.Hash, e.Seq)
		prev = e
	}
}

func TestTamperingWithTheLogIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(t *testing.T, ledger *store.Store)
		whole  bool   // without a head that was known before it looks whole
		at     int64  // where it breaks
		says   string // why
	}{
		"forged": {func(t *testing.T, l *store.Store) { run(t, l, "UPDATE audit SET actor = 'U9' WHERE seq = 6") }, false, 6, "content"},
		"forged with its hash": {func(t *testing.T, l *store.Store) {
			events, _ := l.Events(t.Context(), 4, 2)
			e := events[1]
			e.Actor = "U9"
			e = e.Seal(events[0])
			run(t, l, "UPDATE audit SET actor = ?, hash = ? WHERE seq = 6", e.Actor, e.Hash)
			run(t, l, "UPDATE audit_about SET subject = 'U9' WHERE event = 6")
		}, false, 7, "does not follow"},
		"about somebody else":  {func(t *testing.T, l *store.Store) { run(t, l, "UPDATE audit SET about = 'U9' WHERE seq = 6") }, false, 6, "content"},
		"hidden from a filter": {func(t *testing.T, l *store.Store) { run(t, l, "DELETE FROM audit_about WHERE event = 6") }, false, 6, "does not find it"},
		"added to a filter":    {func(t *testing.T, l *store.Store) { run(t, l, "INSERT INTO audit_about VALUES ('U9', 6)") }, false, 6, "does not find it"},
		"cut out":              {func(t *testing.T, l *store.Store) { run(t, l, "DELETE FROM audit WHERE seq = 6") }, false, 7, "event 6 is missing"},
		"moved": {func(t *testing.T, l *store.Store) {
			run(t, l, "UPDATE audit SET seq = 99 WHERE seq = 6")
			run(t, l, "UPDATE audit SET seq = 6 WHERE seq = 7")
			run(t, l, "UPDATE audit SET seq = 7 WHERE seq = 99")
		}, false, 6, "content"},
		"rewritten":        {rewrite, true, 5, "rewritten"},
		"end cut off":      {func(t *testing.T, l *store.Store) { cutAfter(t, l, 4) }, true, 5, "missing"},
		"cut and gone on":  {func(t *testing.T, l *store.Store) { cutAfter(t, l, 4); record(t, l, 9) }, true, 5, "rewritten"},
		"all of it erased": {func(t *testing.T, l *store.Store) { cutAfter(t, l, 0) }, true, 5, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger := logOf(t, 8)
			known := headAt(t, ledger, 5)
			c.tamper(t, ledger)
			if chain := verified(t, ledger, access.Head{}); (chain.Broken == nil) != c.whole {
				t.Errorf("by itself: %+v, want whole: %v", chain, c.whole)
			}
			chain := verified(t, ledger, known)
			if chain.Broken == nil || chain.Broken.Number != c.at || !strings.Contains(chain.Broken.Reason, c.says) {
				t.Errorf("against %s: %+v %+v, want it broken at %d: %s", known, chain, chain.Broken, c.at, c.says)
			}
		})
	}
}

func cutAfter(t *testing.T, ledger *store.Store, seq int64) {
	t.Helper()
	run(t, ledger, "DELETE FROM audit WHERE seq > ?", seq)
	run(t, ledger, "DELETE FROM audit_about WHERE event > ?", seq)
}

// headAt returns the head that the log had with so many events.
func headAt(t *testing.T, ledger *store.Store, seq int64) access.Head {
	t.Helper()
	events, err := ledger.Events(t.Context(), seq-1, 1)
	if err != nil || len(events) == 0 {
		t.Fatalf("no event %d: %v", seq, err)
	}
	return events[0].Head()
}

func TestVerifySinceReadsOnlyWhatFollows(t *testing.T) {
	t.Parallel()
	ledger := logOf(t, 8)
	known := headAt(t, ledger, 5)
	run(t, ledger, "UPDATE audit SET detail = 'forged' WHERE seq = 4")
	reading := &counted{Store: ledger}
	chain, err := check.Verify(t.Context(), reading, known)
	if err != nil || chain.Broken != nil || chain.Events != 3 || chain.Head != headAt(t, ledger, 8) {
		t.Errorf("Verify = %+v, %v", chain, err)
	}
	if reading.events != 4 {
		t.Errorf("%d events were read, want the known one and the three after it", reading.events)
	}
	last := verified(t, ledger, chain.Head)
	if last.Broken != nil || last.Events != 0 || last.Head != chain.Head {
		t.Errorf("at its end: %+v", last)
	}
}

// counted counts the events that are read.
type counted struct {
	*store.Store
	events int
}

func (c *counted) Events(ctx context.Context, after int64, limit int) ([]access.Event, error) {
	events, err := c.Store.Events(ctx, after, limit)
	c.events += len(events)
	return events, err
}

func TestVerifyReadsEveryPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ledger := b.ledger(t)
	record(t, ledger, 2500)
	chain := verified(t, ledger, access.Head{})
	if chain.Events != 2503 || chain.Broken != nil || chain.Head.Seq != 2503 || len(chain.Head.Hash) != 64 {
		t.Errorf("Verify = %+v", chain)
	}
}
