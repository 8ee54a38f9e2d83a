package workflow

import (
	"context"
	"fmt"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// startGrant puts a live grant into the ledger, with every key that its person has
// registered by now on every server of the request.
func (s *Service) startGrant(ctx context.Context, tx access.Tx, r access.Request, alias string) (int64, error) {
	servers, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return 0, err
	}
	if err := s.allowStill(ctx, tx, r, servers); err != nil {
		return 0, err
	}
	steady, err := s.Engine.MayGive(ctx, tx)
	if err != nil {
		return 0, err
	}
	keys, err := tx.KeysOf(ctx, r.Person)
	if err != nil {
		return 0, err
	}
	if len(keys) == 0 {
		return 0, access.NewConflict("This person has no key any more; it can be approved once they have registered one.")
	}
	g := access.Grant{RequestID: r.ID, Person: r.Person, Alias: alias, SystemUser: r.SystemUser, State: access.Live, StartsAt: s.Now()}
	if !r.Forever() {
		g.EndsAt, g.SteadyEnd = g.StartsAt.Add(r.Duration), steady.Add(r.Duration)
	}
	covers, results := s.coverAll(r, servers, keys)
	if g, err = tx.InsertGrant(ctx, g, covers); err != nil {
		return 0, err
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return 0, err
	}
	detail := fmt.Sprintf("%s as %s on %d servers with %d keys", g.Person, g.SystemUser, len(servers), len(keys))
	if err := access.Record(ctx, tx, s.Now(), "", access.DidGrantStart, access.NounGrant, g.ID, "", string(access.Live), detail); err != nil {
		return 0, err
	}
	return g.ID, s.beginPlacing(ctx, tx, g, covers)
}

// allowStill refuses a grant that the settings have come to rule out since it was asked for.
func (s *Service) allowStill(ctx context.Context, tx access.Tx, r access.Request, servers []access.ServerRef) error {
	account, err := s.Engine.AccountAmong(ctx, tx, servers)
	switch {
	case err != nil:
		return err
	case account == nil:
		return s.Settings.allow(r.SystemUser, r.Duration, r.Forever())
	}
	if _, err := account.Lending(); err != nil {
		return err
	}
	return s.Settings.Durations().Check(r.Duration, r.Forever())
}

func (s *Service) coverAll(r access.Request, servers []access.ServerRef, keys []access.Key) ([]access.Cover, []access.Result) {
	var covers []access.Cover
	var results []access.Result
	for _, server := range servers {
		for _, key := range keys {
			covers = append(covers, access.Cover{ServerID: server.ID, Fingerprint: key.Fingerprint})
			results = append(results, access.NewResult(s.Now(), r.ID, access.PhaseAdd, access.KeyOn{ServerID: server.ID, SystemUser: r.SystemUser, Fingerprint: key.Fingerprint}, server.Name))
		}
	}
	return covers, results
}

// beginPlacing has the servers of a new grant brought in line, and the keys looked for
// that the ledger holds to be there.
func (s *Service) beginPlacing(ctx context.Context, tx access.Tx, g access.Grant, covers []access.Cover) error {
	there, err := tx.VerifyPlaced(ctx, g.ID, s.Now())
	if err != nil {
		return err
	}
	if _, err := s.align(ctx, tx, covers, reconcile.MovesAtOnce, false); err != nil {
		return err
	}
	return wakeServers(ctx, tx, access.WorkAdd, there)
}

// wakeServers wakes one sort of work on servers.
func wakeServers(ctx context.Context, tx access.Tx, kind access.WorkKind, servers []int64) error {
	work := make([]access.Work, len(servers))
	for i, id := range servers {
		work[i] = access.Work{Kind: kind, ID: id}
	}
	return tx.Wake(ctx, work...)
}
