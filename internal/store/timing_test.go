package store_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

// An update waits for the one before it; a transaction that reads does not.
func TestTiming(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []store.Timing
		note := func(timing store.Timing) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, timing)
		}
		ledger, err := store.Open(t.Context(), storetest.EmptyFile(t), store.Options{Replica: "one", Timed: note})
		if err != nil {
			t.Fatal(err)
		}
		defer ledger.Close()
		got = nil
		takes := func(d time.Duration) func(access.Tx) error {
			return func(access.Tx) error { <-time.After(d); return nil }
		}
		started := make(chan struct{})
		second := make(chan error)
		go func() {
			<-started
			second <- ledger.Update(t.Context(), takes(time.Second))
		}()
		err = ledger.Update(t.Context(), func(tx access.Tx) error {
			close(started)
			if err := ledger.Read(t.Context(), takes(2*time.Second)); err != nil {
				return err
			}
			return takes(3 * time.Second)(tx)
		})
		if err != nil || <-second != nil {
			t.Fatal(err)
		}
		want := []store.Timing{
			{Took: 2 * time.Second},
			{Writes: true, Took: 5 * time.Second},
			{Writes: true, Waited: 5 * time.Second, Took: time.Second},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
