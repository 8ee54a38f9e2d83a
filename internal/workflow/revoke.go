package workflow

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/sshkey"
)

// RevokeAsk is the wish that access ends. Exactly one of Person, Fingerprint and
// Key is set.
type RevokeAsk struct {
	Source      string
	Asker       access.UserID
	Person      access.UserID
	Fingerprint string
	Key         *sshkey.Key
	Servers     string
	Reason      string
	Channel     string
}

// draftTTL is how long what an approver ordered waits for their confirmation.
const draftTTL = 15 * time.Minute

// AskRevoke stores the wish that access ends. An approver's own is a draft that
// they confirm themselves; anybody else's goes to the approvers.
func (s *Service) AskRevoke(ctx context.Context, a RevokeAsk) (access.Request, error) {
	if err := s.Eligible(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindRevoke, a.Source, a.Asker, a.Person, a.Channel)
	r.Pattern, r.Reason = a.Servers, a.Reason
	if err := s.nameKey(ctx, &r, a); err != nil {
		return access.Request{}, err
	}
	servers, err := s.revokedServers(ctx, r)
	if err != nil {
		return access.Request{}, err
	}
	if err := s.toDecider(ctx, &r); err != nil {
		return access.Request{}, err
	}
	return s.submit(ctx, r, servers)
}

// toDecider makes the request an approver's own draft, or checks that somebody is
// left to decide it.
func (s *Service) toDecider(ctx context.Context, r *access.Request) error {
	approver, err := s.IsApprover(ctx, r.Asker)
	if err != nil {
		return err
	}
	if approver {
		r.State, r.ExpiresAt = access.Draft, r.CreatedAt.Add(draftTTL)
		return nil
	}
	return s.requireDeciders(ctx, *r)
}

// nameKey fills in which key a revocation is about, and whose it is where known.
func (s *Service) nameKey(ctx context.Context, r *access.Request, a RevokeAsk) error {
	if a.Key != nil {
		a.Fingerprint = a.Key.Fingerprint()
		r.PublicKey = a.Key.Authorized()
	}
	if a.Fingerprint == "" {
		return nil
	}
	r.Fingerprint = a.Fingerprint
	return s.Store.Read(ctx, func(tx access.Tx) error {
		key, err := tx.Key(ctx, a.Fingerprint)
		switch {
		case access.CodeOf(err) == access.NotFound && a.Key == nil:
			return access.NewNotFound("No key with that fingerprint is registered. Paste the public key itself and I look for it on every server.")
		case access.CodeOf(err) == access.NotFound:
			return nil
		case err == nil && key.OfAccount():
			return access.NewConflict("That is the key of an account. It is replaced by `rotate`, which takes it away once the account has another.")
		case err == nil:
			r.Person, r.PublicKey = key.Person, key.Public().Authorized()
		}
		return err
	})
}

// revokedServers returns the servers that the revocation is about: those named; for
// one key, all, since somebody may have placed it by hand; else those that live grants
// cover.
func (s *Service) revokedServers(ctx context.Context, r access.Request) ([]access.ServerRef, error) {
	switch {
	case r.Pattern != "" || r.PublicKey != "":
		return s.revocable(ctx, r.Pattern)
	}
	var refs []access.ServerRef
	err := s.Store.Read(ctx, func(tx access.Tx) error {
		covers, err := s.coveredNow(ctx, tx, r)
		if err != nil {
			return err
		}
		ids := access.ServersOf(covers)
		names, err := access.ServerNames(ctx, tx, ids)
		refs = refs[:0]
		for _, id := range ids {
			refs = append(refs, access.ServerRef{ID: id, Name: names[id]})
		}
		return err
	})
	if err == nil && len(refs) == 0 {
		err = access.NewNotFound("There is no access now that this would end. For a key that was placed by hand, name its fingerprint or paste it: I look for it on every server.")
	}
	return refs, err
}

// revocable returns the servers that a pattern names, also of those that the target does
// not list now; as last read when it cannot be asked, because a lost key must not wait for
// that.
func (s *Service) revocable(ctx context.Context, pattern string) ([]access.ServerRef, error) {
	list, err := s.Engine.Servers(ctx, reconcile.ServersFresh, pattern)
	if err != nil {
		known, knownErr := s.Engine.KnownServers(ctx)
		if knownErr != nil || len(known.All) == 0 {
			return nil, err
		}
		list = known
	}
	if pattern == "" && len(list.All) > 0 {
		return access.Refs(list.All), nil // accounts, too
	}
	chosen, err := access.MatchServers(list.All, pattern)
	return access.Refs(chosen), err
}

// coveredNow lists the live covers that a revocation would end.
func (s *Service) coveredNow(ctx context.Context, tx access.Tx, r access.Request) ([]access.Cover, error) {
	grants, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: r.Person})
	if err != nil {
		return nil, err
	}
	var all []access.Cover
	for _, g := range grants {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(access.LiveCovers(covers), func(c access.Cover) bool {
			return r.Fingerprint != "" && c.Fingerprint != r.Fingerprint
		})...)
	}
	return all, nil
}

// carryOutRevoke ends what the request names. One key is also refused from now on, and
// looked for on every server of the request.
func (s *Service) carryOutRevoke(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) error {
	e := ending{actor: actor, reason: access.EndRevoked, request: r.ID}
	if r.Person != "" {
		if err := s.endRevoked(ctx, tx, e, r); err != nil {
			return err
		}
		if err := s.closeRevoked(ctx, tx, r); err != nil {
			return err
		}
	}
	if r.PublicKey == "" {
		return nil
	}
	if r.Unregisters() {
		if err := s.refuseKey(ctx, tx, r, actor); err != nil {
			return err
		}
	}
	if r.Pattern == "" {
		return s.Engine.InspectAll(ctx, tx, r) // also of servers that came or came back since
	}
	servers, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return err
	}
	return s.Engine.InspectServers(ctx, tx, r.ID, servers)
}

// ownerNow returns whose key a revocation is about: a pasted one may have been
// registered since.
func ownerNow(ctx context.Context, tx access.Tx, r access.Request) (access.UserID, error) {
	if r.Person != "" || r.Fingerprint == "" {
		return r.Person, nil
	}
	key, err := tx.Key(ctx, r.Fingerprint)
	if access.CodeOf(err) == access.NotFound {
		return "", nil
	}
	return key.Person, err
}

func (s *Service) endRevoked(ctx context.Context, tx access.Tx, e ending, r access.Request) error {
	if r.Pattern == "" && r.Fingerprint == "" {
		grants, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: r.Person})
		if err != nil {
			return err
		}
		return s.endGrants(ctx, tx, e, grants)
	}
	q := access.CoverQuery{Person: r.Person, Fingerprint: r.Fingerprint}
	if r.Pattern != "" {
		servers, err := tx.RequestServers(ctx, r.ID)
		if err != nil {
			return err
		}
		for _, server := range servers {
			q.Servers = append(q.Servers, server.ID)
		}
	}
	return s.endCovers(ctx, tx, e, q)
}
