package store

import (
	"context"
	"encoding/json"

	"sshkeybot/internal/access"
)

const rotationColumns = "request_id, state, space, account_id, account_name, system_user, created, found, attempt, fingerprint, grant_id, " +
	"wrote, modified_at, checks, check_id, removes, unproven, busy, problem, since, next_at, holder, held_until"

func rotationValues(r access.Rotation) ([]any, error) {
	var lists [3]string
	for i, list := range []any{r.Found, r.Unproven, r.Busy} {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		lists[i] = string(text)
	}
	return []any{
		r.RequestID, r.State, r.Space, r.AccountID, r.AccountName, r.SystemUser, bit(r.Created), lists[0], r.Attempt, r.Fingerprint, r.GrantID,
		bit(r.Wrote), ms(r.ModifiedAt), r.Checks, r.Check, bit(r.Removes), lists[1], lists[2], r.Problem, ms(r.Since), ms(r.NextAt), r.Holder, ms(r.HeldUntil),
	}, nil
}

func scanRotation(row scanner) (r access.Rotation, err error) {
	var found string
	err = row.Scan(&r.RequestID, &r.State, &r.Space, &r.AccountID, &r.AccountName, &r.SystemUser, boolean{&r.Created}, &found, &r.Attempt, &r.Fingerprint, &r.GrantID,
		boolean{&r.Wrote}, instant{&r.ModifiedAt}, &r.Checks, &r.Check, boolean{&r.Removes}, words{&r.Unproven}, words{&r.Busy}, &r.Problem, instant{&r.Since}, instant{&r.NextAt}, &r.Holder, instant{&r.HeldUntil})
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(found), &r.Found)
}

const (
	selectRotations = "SELECT " + rotationColumns + " FROM rotations "
	openRotations   = "state NOT IN ('done', 'failed', 'dropped')"
)

// InsertRotation implements access.RotationTx.
func (t *tx) InsertRotation(ctx context.Context, r access.Rotation) (bool, error) {
	values, err := rotationValues(r)
	if err != nil {
		return false, err
	}
	query, _ := insertion("rotations", rotationColumns, "ON CONFLICT DO NOTHING", [][]any{values})
	return won(t.Exec(ctx, query, values...))
}

// Rotation implements access.RotationTx.
func (t *tx) Rotation(ctx context.Context, requestID int64) (access.Rotation, error) {
	return one(ctx, t, scanRotation, selectRotations+"WHERE request_id = $1", requestID)
}

// MoveRotation implements access.RotationTx.
func (t *tx) MoveRotation(ctx context.Context, r, was access.Rotation) (bool, error) {
	values, err := rotationValues(r)
	if err != nil {
		return false, err
	}
	return won(t.Exec(ctx, "UPDATE rotations SET "+assignments(rotationColumns, 5)+" WHERE request_id = $1 AND state = $2 AND attempt = $3 AND holder = $4",
		append([]any{was.RequestID, was.State, was.Attempt, was.Holder}, values...)...))
}

// OpenRotations implements access.RotationTx.
func (t *tx) OpenRotations(ctx context.Context) ([]access.Rotation, error) {
	return many(ctx, t, scanRotation, selectRotations+"WHERE "+openRotations+" ORDER BY request_id")
}

// RotationsOf implements access.RotationTx.
func (t *tx) RotationsOf(ctx context.Context, space, accountID string) ([]access.Rotation, error) {
	return many(ctx, t, scanRotation, selectRotations+"WHERE space = $1 AND account_id = $2 ORDER BY request_id", space, accountID)
}
