package storetest

import (
	"context"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testRotations(t *testing.T, s *store.Store) {
	var ids []int64
	for range 4 {
		r := written(t, s, func(ctx context.Context, tx access.Tx) (access.Request, error) {
			stored, _, err := tx.InsertRequest(ctx, access.Request{Kind: access.KindRotate, State: access.Pending}, nil)
			return stored, err
		})
		ids = append(ids, r.ID)
	}
	insert := func(r access.Rotation) bool {
		return written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.InsertRotation(ctx, r) })
	}
	want := filled[access.Rotation](0)
	want.RequestID, want.State = ids[0], access.RotationAsked
	want.Found.Machines = []access.AccountMachine{{ID: "m", Addresses: []string{"198.18.0.1"}, ServerID: 3}}
	same(t, "the first of an account", insert(want), true)
	rotation := func(ctx context.Context, tx access.Tx) (access.Rotation, error) { return tx.Rotation(ctx, ids[0]) }
	same(t, "every field", read(t, s, rotation), want)

	second := want
	second.RequestID, second.AccountName = ids[1], "renamed meanwhile"
	same(t, "a second of the account", insert(second), false)
	second.AccountID = "other"
	same(t, "one of another account", insert(second), true)
	fresh := access.Rotation{RequestID: ids[2], State: access.RotationAsked, AccountName: "new"}
	same(t, "one of an account to be made", insert(fresh), true)
	fresh.RequestID = ids[3]
	same(t, "a second of that", insert(fresh), false)
	fresh.AccountName = "newer"
	same(t, "one of another to be made", insert(fresh), true)

	moved := filled[access.Rotation](1000)
	moved.RequestID, moved.State, moved.Space, moved.AccountID = ids[0], access.RotationPlacing, want.Space, want.AccountID
	move := func(to, was access.Rotation) bool {
		return written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.MoveRotation(ctx, to, was) })
	}
	for name, change := range map[string]func(*access.Rotation){
		"another state":   func(r *access.Rotation) { r.State = access.RotationPreparing },
		"another attempt": func(r *access.Rotation) { r.Attempt++ },
		"another holder":  func(r *access.Rotation) { r.Holder += "x" },
	} {
		was := want
		change(&was)
		same(t, name, move(moved, was), false)
	}
	same(t, "as it was", move(moved, want), true)
	same(t, "once", move(moved, want), false)
	same(t, "moved", read(t, s, rotation), moved)

	open := func(ctx context.Context, tx access.Tx) ([]access.Rotation, error) { return tx.OpenRotations(ctx) }
	same(t, "open ones", len(read(t, s, open)), 4)
	done := moved
	done.State = access.RotationDone
	same(t, "done", move(done, moved), true)
	same(t, "open ones", len(read(t, s, open)), 3)
	next := want
	next.RequestID, next.Space, next.AccountID = ids[3], want.Space, want.AccountID
	same(t, "it exists now", move(next, fresh), true)
	of := func(ctx context.Context, tx access.Tx) ([]access.Rotation, error) {
		return tx.RotationsOf(ctx, want.Space, want.AccountID)
	}
	same(t, "all of the account", read(t, s, of), []access.Rotation{done, next})
}
