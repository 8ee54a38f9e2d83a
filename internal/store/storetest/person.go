package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testPersons(t *testing.T, s *store.Store) {
	person := func(ctx context.Context, tx access.Tx) (access.Person, error) { return tx.Person(ctx, "U1") }
	same(t, "an unknown person", read(t, s, person), access.Person{ID: "U1"})
	later := epoch.Add(time.Hour)
	for _, at := range []time.Time{epoch, later} {
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetOffboarded(ctx, "U1", at) })
		same(t, "offboarded", read(t, s, person), access.Person{ID: "U1", OffboardedAt: epoch})
	}
	returned := func(at time.Time) (changed bool) {
		update(t, s, func(ctx context.Context, tx access.Tx) (err error) {
			changed, err = tx.SetReturned(ctx, "U1", at)
			return err
		})
		return changed
	}
	same(t, "who comes back first", []bool{returned(later), returned(later.Add(time.Hour))}, []bool{true, false})
	same(t, "returned", read(t, s, person), access.Person{ID: "U1", OffboardedAt: epoch, ReturnedAt: later})
	same(t, "who goes again first", []bool{returned(time.Time{}), returned(time.Time{}), returned(later)}, []bool{true, false, true})
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetOffboarded(ctx, "U1", later) })
	same(t, "offboarded again", read(t, s, person), access.Person{ID: "U1", OffboardedAt: later})
	reinstate := func() (changed bool) {
		update(t, s, func(ctx context.Context, tx access.Tx) (err error) {
			changed, err = tx.Reinstate(ctx, "U1", later)
			return err
		})
		return changed
	}
	same(t, "who reinstates first", []bool{reinstate(), reinstate()}, []bool{true, false})
	same(t, "reinstated", read(t, s, person), access.Person{ID: "U1", ReinstatedAt: later})
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetOffboarded(ctx, "U1", later) })
	same(t, "offboarded after that", read(t, s, person), access.Person{ID: "U1", OffboardedAt: later})
	for _, standing := range []access.Standing{access.Guest, access.Deactivated, ""} {
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			return errors.Join(tx.SetStanding(ctx, "U1", standing), tx.SetStanding(ctx, "U2", standing))
		})
		same(t, "who stands how", read(t, s, person), access.Person{ID: "U1", OffboardedAt: later, Standing: standing})
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		changed, err := tx.SetReturned(ctx, "U2", later)
		same(t, "somebody came back whom nobody had offboarded", changed, false)
		return errors.Join(err, tx.SetOffboarded(ctx, "U2", later))
	})
}

func testKnownPersons(t *testing.T, s *store.Store) {
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		for _, k := range []access.Key{
			{Fingerprint: "a", Person: "UKEY"}, {Fingerprint: "b", Person: "UREMOVED", RemovedAt: epoch}, {Fingerprint: "c", Person: "UGONE"},
			{Fingerprint: "d"}, // an account's
		} {
			if err := tx.SaveKey(ctx, k); err != nil {
				return err
			}
		}
		for _, g := range []access.Grant{{Person: "UGRANT", State: access.Live}, {Person: "UENDED", State: access.Ended}, {Person: "UKEY", State: access.Live}, {Alias: "account", State: access.Live}} {
			if _, err := tx.InsertGrant(ctx, g, nil); err != nil {
				return err
			}
		}
		for _, r := range []access.Request{
			{Person: "UWAITS", Asker: "UASKS", State: access.WaitingForKey}, {Person: "UPENDS", State: access.Pending}, {Person: "UDENIED", State: access.Denied},
		} {
			if _, _, err := tx.InsertRequest(ctx, r, nil); err != nil {
				return err
			}
		}
		return tx.SetOffboarded(ctx, "UGONE", epoch)
	})
	known := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.UserID, error) { return tx.KnownPersons(ctx) })
	same(t, "known persons", known, []access.UserID{"UASKS", "UGONE", "UGRANT", "UKEY", "UPENDS", "UWAITS"})
}

func testKeys(t *testing.T, s *store.Store) {
	full := filled[access.Key](0)
	later := access.Key{Fingerprint: "SHA256:later", Person: "U1", RegisteredAt: epoch.Add(time.Hour)}
	first := access.Key{Fingerprint: "SHA256:zfirst", Person: "U1", RegisteredAt: epoch}
	removed := access.Key{Fingerprint: "SHA256:old", Person: "U1", RegisteredAt: epoch.Add(-time.Hour), RemovedAt: epoch}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		for _, k := range []access.Key{full, later, first, removed} {
			if err := tx.SaveKey(ctx, k); err != nil {
				return err
			}
		}
		_, err := tx.Key(ctx, "SHA256:none")
		notFound(t, err)
		return nil
	})
	key := func(ctx context.Context, tx access.Tx) (access.Key, error) { return tx.Key(ctx, full.Fingerprint) }
	same(t, "every field", read(t, s, key), full)
	replaced := full
	replaced.Type, replaced.Blob, replaced.Note, replaced.RegisteredAt, replaced.RemovedAt = "t", "b", "n", epoch, time.Time{}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveKey(ctx, replaced) })
	same(t, "replaced", read(t, s, key), replaced)
	of := func(ctx context.Context, tx access.Tx) ([]access.Key, error) { return tx.KeysOf(ctx, "U1") }
	same(t, "keys that count, oldest first", read(t, s, of), []access.Key{first, later})
	all := func(ctx context.Context, tx access.Tx) ([]access.Key, error) { return tx.AllKeysOf(ctx, "U1") }
	same(t, "all keys, oldest first", read(t, s, all), []access.Key{removed, first, later})

	account := access.Key{Fingerprint: "SHA256:account", Note: "account", RegisteredAt: epoch}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveKey(ctx, account) })
	same(t, "an account's key", read(t, s, func(ctx context.Context, tx access.Tx) (access.Key, error) { return tx.Key(ctx, account.Fingerprint) }), account)
	nobodys := func(ctx context.Context, tx access.Tx) ([]access.Key, error) {
		held, err := tx.KeysOf(ctx, "")
		once, onceErr := tx.AllKeysOf(ctx, "")
		return append(held, once...), errors.Join(err, onceErr)
	}
	same(t, "nobody's keys", read(t, s, nobodys), nil)
}
