package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testHolders(t *testing.T, s *store.Store) {
	at := func(hours int) time.Time { return epoch.Add(time.Duration(hours) * time.Hour) }
	first := access.Key{Fingerprint: "a", Person: "U1", RemovedAt: at(1), Ended: access.KeyRemoved, EndedBy: "U1"}
	left := access.Key{Fingerprint: "a", Person: "U2", ProvedAt: at(2), RemovedAt: at(3), Ended: access.KeyOffboarded, EndedBy: "U9"}
	now := access.Key{Fingerprint: "a", Person: "U3", RegisteredAt: epoch}
	save := func(keys ...access.Key) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			for _, k := range keys {
				if err := tx.SaveKey(ctx, k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	holders := func(ctx context.Context, tx access.Tx) ([]access.Key, error) { return tx.Holders(ctx, "a") }
	key := func(ctx context.Context, tx access.Tx) (access.Key, error) { return tx.Key(ctx, "a") }
	same(t, "an unknown key", read(t, s, holders), nil)
	save(first, left)
	same(t, "the last holder", read(t, s, key), left)
	save(now)
	same(t, "the present holder first", read(t, s, holders), []access.Key{now, left, first})
	same(t, "the present holder", read(t, s, key), now)
	err := s.Update(t.Context(), func(tx access.Tx) error {
		return tx.SaveKey(t.Context(), access.Key{Fingerprint: "a", Person: "U4"})
	})
	if err == nil {
		t.Error("two people hold one key")
	}
}

func testChallenges(t *testing.T, s *store.Store) {
	full := filled[access.Challenge](0)
	full.ExpiresAt = epoch.Add(10 * time.Minute)
	save := func(c access.Challenge, now time.Time) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveChallenge(ctx, c, now) })
	}
	missing := func(nonce string) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			_, err := tx.Challenge(ctx, nonce)
			notFound(t, err)
			return nil
		})
	}
	challenge := func(ctx context.Context, tx access.Tx) (access.Challenge, error) {
		return tx.Challenge(ctx, full.Nonce)
	}
	missing(full.Nonce)
	save(full, epoch)
	same(t, "every field", read(t, s, challenge), full)
	save(access.Challenge{Nonce: "other", Person: "U2", Fingerprint: full.Fingerprint, ExpiresAt: full.ExpiresAt}, epoch.Add(time.Hour))
	same(t, "beside that of another person, and though it has expired", read(t, s, challenge), full)
	newer := full
	newer.Nonce = "newer"
	save(newer, epoch)
	missing(full.Nonce)
	for _, want := range []bool{true, false} {
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			won, err := tx.DropChallenge(ctx, newer.Nonce)
			same(t, "used up", won, want)
			return err
		})
	}
	save(full, epoch.Add(48*time.Hour))
	missing("other")
}
