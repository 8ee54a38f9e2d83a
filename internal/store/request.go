package store

import (
	"context"

	"sshkeybot/internal/access"
)

const requestColumns = "kind, state, source, asker, person, system_user, duration, pattern, reason, shortened_by, asked_duration, " +
	"narrowed_by, asked_pattern, fingerprint, public_key, grant_id, channel, created_at, expires_at, decided_at, decided_by, note, reminded_at, facts, undecidable, standing"

func requestValues(r access.Request) []any {
	return []any{
		r.Kind, r.State, r.Source, r.Asker, r.Person, r.SystemUser, r.Duration.Milliseconds(), r.Pattern, r.Reason, r.ShortenedBy, r.AskedDuration.Milliseconds(),
		r.NarrowedBy, r.AskedPattern, r.Fingerprint, r.PublicKey, r.GrantID, r.Channel, ms(r.CreatedAt), ms(r.ExpiresAt), ms(r.DecidedAt), r.DecidedBy, r.Note, ms(r.RemindedAt), r.Facts, bit(r.Undecidable), r.Standing,
	}
}

func scanRequest(row scanner) (r access.Request, err error) {
	err = row.Scan(&r.ID, &r.Kind, &r.State, &r.Source, &r.Asker, &r.Person, &r.SystemUser, span{&r.Duration}, &r.Pattern, &r.Reason, &r.ShortenedBy, span{&r.AskedDuration},
		&r.NarrowedBy, &r.AskedPattern, &r.Fingerprint, &r.PublicKey, &r.GrantID, &r.Channel, instant{&r.CreatedAt}, instant{&r.ExpiresAt}, instant{&r.DecidedAt}, &r.DecidedBy, &r.Note,
		instant{&r.RemindedAt}, &r.Facts, boolean{&r.Undecidable}, &r.Standing)
	return r, err
}

// InsertRequest implements access.RequestTx. Requests with an empty Source are never the same.
func (t *tx) InsertRequest(ctx context.Context, r access.Request, servers []access.ServerRef) (access.Request, bool, error) {
	values := requestValues(r)
	query, _ := insertion("requests", requestColumns, "ON CONFLICT (source) WHERE source <> '' DO NOTHING RETURNING id", [][]any{values})
	ids, err := many(ctx, t, column[int64], query, values...)
	if err != nil {
		return access.Request{}, false, err
	}
	if len(ids) == 0 {
		r, err = one(ctx, t, scanRequest, "SELECT id, "+requestColumns+" FROM requests WHERE source = $1", r.Source)
		return r, false, err
	}
	if err := t.insertRequestServers(ctx, ids[0], servers); err != nil {
		return access.Request{}, false, err
	}
	r, err = t.Request(ctx, ids[0]) // as it is stored: whole milliseconds, UTC
	return r, true, err
}

// Request implements access.RequestTx.
func (t *tx) Request(ctx context.Context, id int64) (access.Request, error) {
	return one(ctx, t, scanRequest, "SELECT id, "+requestColumns+" FROM requests WHERE id = $1", id)
}

// MoveRequest implements access.RequestTx.
func (t *tx) MoveRequest(ctx context.Context, r access.Request, from access.RequestState) (bool, error) {
	return won(t.Exec(ctx, "UPDATE requests SET "+assignments(requestColumns, 3)+" WHERE id = $1 AND state = $2",
		append([]any{r.ID, from}, requestValues(r)...)...))
}

// Requests implements access.RequestTx.
func (t *tx) Requests(ctx context.Context, q access.RequestQuery) ([]access.Request, error) {
	c := requestConditions(q)
	return many(ctx, t, scanRequest, "SELECT id, "+requestColumns+" FROM requests"+c.where()+byID(q.Newest)+limit(q.Limit), c.args...)
}

// CountRequests implements access.RequestTx.
func (t *tx) CountRequests(ctx context.Context, q access.RequestQuery) (int, error) {
	c := requestConditions(q)
	return one(ctx, t, column[int], "SELECT COUNT(*) FROM requests"+c.where(), c.args...)
}

func requestConditions(q access.RequestQuery) (c conditions) {
	addIn(&c, "state", q.States)
	addIn(&c, "kind", q.Kinds)
	addIf(&c, "asker = ?", q.Asker)
	addIf(&c, "person = ?", q.Person)
	addIf(&c, "expires_at > 0 AND expires_at <= ?", ms(q.ExpiresBefore))
	addIf(&c, "created_at > ?", ms(q.CreatedAfter))
	if q.Concerns != "" {
		c.add("(asker = ? OR person = ?)", q.Concerns, q.Concerns)
	}
	addIf(&c, "id > ?", q.After)
	addIf(&c, "id < ?", q.Before)
	return c
}

// RequestServers implements access.RequestTx.
func (t *tx) RequestServers(ctx context.Context, id int64) ([]access.ServerRef, error) {
	scan := func(row scanner) (s access.ServerRef, err error) {
		err = row.Scan(&s.ID, &s.ExternalID, &s.Name)
		return s, err
	}
	return many(ctx, t, scan, `SELECT r.place_id, COALESCE(p.external_id, ''), r.name FROM request_places r LEFT JOIN places p ON p.id = r.place_id
		WHERE r.request_id = $1 ORDER BY r.name, r.place_id`, id)
}

// SetRequestServers implements access.RequestTx.
func (t *tx) SetRequestServers(ctx context.Context, id int64, servers []access.ServerRef) error {
	if _, err := t.Exec(ctx, "DELETE FROM request_places WHERE request_id = $1", id); err != nil {
		return err
	}
	return t.insertRequestServers(ctx, id, servers)
}

func (t *tx) insertRequestServers(ctx context.Context, id int64, servers []access.ServerRef) error {
	all := make([][]any, len(servers))
	for i, server := range servers {
		all[i] = []any{id, server.ID, server.Name}
	}
	return insertMany(ctx, t, "request_places", "request_id, place_id, name", "", all)
}

// AddApproval implements access.ApprovalTx. A verdict on other facts replaces the one before:
// the request has changed since, so that one counts no more.
func (t *tx) AddApproval(ctx context.Context, a access.Approval) (bool, error) {
	return won(t.Exec(ctx, `INSERT INTO approvals (request_id, approver, verdict, reason, at, facts) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (request_id, approver) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason, at = excluded.at, facts = excluded.facts
		WHERE approvals.facts <> excluded.facts`, a.RequestID, a.Approver, a.Verdict, a.Reason, ms(a.At), a.Facts))
}

// DropApproval implements access.ApprovalTx.
func (t *tx) DropApproval(ctx context.Context, id int64, approver access.UserID) (bool, error) {
	return won(t.Exec(ctx, "DELETE FROM approvals WHERE request_id = $1 AND approver = $2", id, approver))
}

// Approvals implements access.ApprovalTx.
func (t *tx) Approvals(ctx context.Context, id int64) ([]access.Approval, error) {
	scan := func(row scanner) (a access.Approval, err error) {
		err = row.Scan(&a.RequestID, &a.Approver, &a.Verdict, &a.Reason, instant{&a.At}, &a.Facts)
		return a, err
	}
	return many(ctx, t, scan, "SELECT request_id, approver, verdict, reason, at, facts FROM approvals WHERE request_id = $1 ORDER BY at, approver", id)
}

const candidateColumns = "request_id, place_id, credential_id, place_name, label, system_user, public_key, temporary, created_at, token, used_at, fixed, why, picked_by, picked_at, spared"

// SaveCandidates implements access.CandidateTx.
func (t *tx) SaveCandidates(ctx context.Context, cs []access.Candidate) error {
	all := make([][]any, len(cs))
	for i, c := range cs {
		all[i] = []any{
			c.RequestID, c.ServerID, c.Credential.ID, c.ServerName, c.Credential.Label, c.Credential.SystemUser, c.Credential.PublicKey,
			optionalBit(c.Credential.Temporary), ms(c.Credential.CreatedAt), bit(c.Credential.Token), ms(c.Credential.UsedAt), bit(c.Credential.Fixed), c.Why, c.PickedBy, ms(c.PickedAt), bit(c.Spared),
		}
	}
	return insertMany(ctx, t, "candidates", candidateColumns, "ON CONFLICT (request_id, place_id, credential_id) DO NOTHING", all)
}

// Candidates implements access.CandidateTx.
func (t *tx) Candidates(ctx context.Context, requestID int64) ([]access.Candidate, error) {
	return many(ctx, t, scanCandidate, "SELECT "+candidateColumns+" FROM candidates WHERE request_id = $1 ORDER BY place_name, place_id, LENGTH(credential_id), credential_id", requestID)
}

// CandidatesOn implements access.CandidateTx.
func (t *tx) CandidatesOn(ctx context.Context, requestID, serverID int64) ([]access.Candidate, error) {
	return many(ctx, t, scanCandidate, "SELECT "+candidateColumns+" FROM candidates WHERE request_id = $1 AND place_id = $2 ORDER BY LENGTH(credential_id), credential_id", requestID, serverID)
}

func scanCandidate(row scanner) (c access.Candidate, err error) {
	err = row.Scan(&c.RequestID, &c.ServerID, &c.Credential.ID, &c.ServerName, &c.Credential.Label, &c.Credential.SystemUser, &c.Credential.PublicKey,
		optionalBoolean{&c.Credential.Temporary}, instant{&c.Credential.CreatedAt},
		boolean{&c.Credential.Token}, instant{&c.Credential.UsedAt}, boolean{&c.Credential.Fixed}, &c.Why, &c.PickedBy, instant{&c.PickedAt}, boolean{&c.Spared})
	return c, err
}

// Undecided implements access.CandidateTx.
func (t *tx) Undecided(ctx context.Context) ([]access.Undecided, error) {
	scan := func(row scanner) (u access.Undecided, err error) {
		err = row.Scan(&u.RequestID, &u.Keys, &u.Tokens, &u.Lookalikes, &u.Servers)
		return u, err
	}
	return many(ctx, t, scan, `SELECT request_id, COUNT(CASE WHEN why <> 'type' AND token = 0 THEN 1 END), COUNT(CASE WHEN why <> 'type' AND token = 1 THEN 1 END),
		COUNT(CASE WHEN why = 'type' THEN 1 END), COUNT(DISTINCT CASE WHEN why = 'type' THEN place_id END)
		FROM candidates WHERE picked_at = 0 AND why NOT IN ('listed', 'since', 'owned') GROUP BY request_id ORDER BY request_id`)
}

// PickCandidate implements access.CandidateTx.
func (t *tx) PickCandidate(ctx context.Context, c access.Candidate) (bool, error) {
	return won(t.Exec(ctx, `UPDATE candidates SET picked_by = $1, picked_at = $2, spared = $3
		WHERE request_id = $4 AND place_id = $5 AND credential_id = $6 AND picked_at = 0`,
		c.PickedBy, ms(c.PickedAt), bit(c.Spared), c.RequestID, c.ServerID, c.Credential.ID))
}
