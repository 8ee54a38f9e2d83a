package reconcile

import (
	"context"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// tokenMargin is by how much the clock of a service may differ from ours.
const tokenMargin = 5 * time.Minute

// tokensOf returns the tokens of an account that were made since the person of a request held a
// key there, for a person to decide about.
func (e *Engine) tokensOf(ctx context.Context, tx access.Tx, r access.Request, result access.Result, read contents) ([]access.Candidate, error) {
	if r.Kind != access.KindGrant && r.Kind != access.KindOffboard {
		return nil, nil
	}
	since, err := e.heldSince(ctx, tx, r, result.ServerID, read.keys)
	if err != nil || since.IsZero() {
		return nil, err
	}
	var made []access.Candidate
	for _, t := range read.tokens {
		if !t.CreatedAt.Before(since.Add(-tokenMargin)) {
			made = append(made, candidate(result, t, access.WhyToken))
		}
	}
	return made, nil
}

// heldSince returns since when the person of a request held, or holds, a key on a server: under
// the grant of the request, or at all where they are offboarded. It is zero if they never did.
func (e *Engine) heldSince(ctx context.Context, tx access.Tx, r access.Request, server int64, found []access.Credential) (first time.Time, err error) {
	earlier := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if r.Kind == access.KindGrant {
		g, err := tx.Grant(ctx, r.GrantID)
		return g.StartsAt, err
	}
	placed, err := tx.Placements(ctx, access.PlacementQuery{Server: server, Person: r.Person})
	if err != nil {
		return first, err
	}
	for _, p := range placed {
		earlier(p.PlacedAt)
	}
	keys, err := tx.AllKeysOf(ctx, r.Person)
	for _, k := range keys {
		for _, c := range found {
			if sshkey.Proves(c.PublicKey, k.Public()) {
				earlier(c.CreatedAt)
			}
		}
	}
	return first, err
}

// listTokens has the tokens of an account listed once a key is off it, under the request that
// took the key away or, where a grant ended, under that of the grant. Who held the key may have
// made tokens until then.
func (e *Engine) listTokens(ctx context.Context, tx access.Tx, p access.Placement) error {
	at, err := e.identityOf(ctx, tx, p.ServerID)
	if err != nil {
		return err
	}
	if _, ok := e.lender(at.Target); !ok || p.PlacedAt.IsZero() {
		return nil
	}
	request, err := tokensUnder(ctx, tx, p)
	if err != nil || request == 0 {
		return err
	}
	server, err := tx.Server(ctx, p.ServerID)
	if err != nil {
		return err
	}
	if err := e.saveInspection(ctx, tx, access.NewInspection(e.Now(), request, server.Ref())); err != nil {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkInspect, ID: p.ServerID})
}

// tokensUnder returns the request under which the tokens are listed that the holder of a key may
// have made; 0 for none.
func tokensUnder(ctx context.Context, tx access.Tx, p access.Placement) (int64, error) {
	person, err := tx.Person(ctx, p.Person)
	if err != nil {
		return 0, err
	}
	if person.Offboarded() {
		done, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Approved}, Kinds: []access.RequestKind{access.KindOffboard}, Person: p.Person})
		if err != nil {
			return 0, err
		}
		if len(done) > 0 {
			return done[len(done)-1].ID, nil
		}
	}
	if p.GrantID == 0 {
		return 0, nil
	}
	g, err := tx.Grant(ctx, p.GrantID)
	return g.RequestID, err
}
