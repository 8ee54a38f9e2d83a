package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// Whoever asked for it gets each event once, after the commit, and none that was undone.
func testRecordedOnce(t *testing.T, s *store.Store) {
	busy, undone := busyError(t, s), errors.New("undone")
	var mu sync.Mutex
	var got []int64
	s.OnRecorded(func(events []store.Committed) {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range events {
			if chain := eventsOf(t, s, e.Seq-1, 1); len(chain) != 1 || chain[0] != e.Event {
				t.Errorf("of event %d the log has %+v", e.Seq, chain)
			}
			got = append(got, e.Seq)
		}
	})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			tries := 0
			err := s.Update(t.Context(), func(tx access.Tx) error {
				everything(t.Context(), t, tx)
				if tries++; tries < 3 {
					return busy
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			_ = s.Update(t.Context(), func(tx access.Tx) error {
				everything(t.Context(), t, tx)
				return undone
			})
		})
	}
	all.Wait()
	slices.Sort(got)
	same(t, "events", got, []int64{1, 2, 3, 4, 5})
}

// Events come with what the ledger has about them.
func testRecordedFacts(t *testing.T, s *store.Store) {
	servers := []access.Server{{ExternalID: "11", Name: "web-2"}, {ExternalID: "12", Name: "web-1"}} // they get the IDs 1 and 2
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.SaveServers(ctx, "one", servers, epoch)
		return err
	})
	asked := insertRequest(t, s, access.Request{Kind: access.KindGrant, Asker: "U1", Person: "U2", SystemUser: "web", Duration: time.Hour}, access.ServerRef{ID: 1}, access.ServerRef{ID: 2})
	grant := insertGrant(t, s, access.Grant{RequestID: asked.ID, Person: "U2", EndsAt: epoch})
	placed := insertPlacement(t, s, access.Placement{ServerID: 1, SystemUser: "root", Fingerprint: "f", Person: "U2"})
	purge := insertRequest(t, s, access.Request{Source: "2", Kind: access.KindPurge, Asker: "U1"})
	var got []store.Committed
	s.OnRecorded(func(events []store.Committed) { got = append(got, events...) })
	update(t, s, func(ctx context.Context, tx access.Tx) (err error) {
		for _, e := range []access.Event{
			{Noun: access.NounRequest, NounID: fmt.Sprint(asked.ID)},
			{Noun: access.NounGrant, NounID: fmt.Sprint(grant.ID), Detail: "f for web on places 1-2"},
			{Noun: access.NounPlacement, NounID: fmt.Sprint(placed.ID), Detail: "sshkeybot bob"},
			{Noun: access.NounServer, NounID: "2"},
			{Noun: access.NounKey, NounID: "f", About: "U2"},
			{Noun: access.NounGrant, NounID: "99"}, {Noun: access.NounPlacement, NounID: "99"}, {Noun: access.NounServer, NounID: "99"}, {Noun: access.NounRequest, NounID: fmt.Sprint(purge.ID)},
		} {
			err = errors.Join(err, tx.Audit(ctx, e))
		}
		return err
	})
	of := store.Committed{Of: "U2", Kind: access.KindGrant, SystemUser: "web", Duration: time.Hour, Servers: 2}
	onBoth := access.Keys{Key: "f", SystemUser: "web", Servers: []int64{1, 2}, Count: 2}
	grants := of
	grants.Keys, grants.Names, grants.Ends = onBoth, []string{"web-1", "web-2"}, epoch
	want := []store.Committed{
		of, grants,
		{Of: "U2", Keys: access.Keys{Key: "f", SystemUser: "root", Servers: []int64{1}, Count: 1}, Names: []string{"web-2"}},
		{Names: []string{"web-1"}}, {Of: "U2"}, {}, {}, {}, {Kind: access.KindPurge}, // its asker is not whom it happens to
	}
	for i := range got {
		got[i].Event = access.Event{}
	}
	same(t, "facts", got, want)
}
