package workflow

import (
	"context"
	"slices"
	"strconv"

	"sshkeybot/internal/access"
)

// join adds a revocation to a pending one that ends all that it would end. It returns
// that request, and false when there is none. What ends access is never refused for
// being many; but one decision has to do for all who ask for the same.
func (s *Service) join(ctx context.Context, tx access.Tx, r access.Request) (access.Request, bool, error) {
	if r.Kind != access.KindRevoke || r.State != access.Pending {
		return r, false, nil
	}
	pending, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}, Kinds: []access.RequestKind{access.KindRevoke}, Person: r.Person})
	if err != nil {
		return r, false, err
	}
	i := slices.IndexFunc(pending, func(other access.Request) bool { return endsAllOf(other, r) && other.Source != r.Source })
	if i < 0 {
		return r, false, nil
	}
	other := pending[i]
	if other.Asker == r.Asker {
		return other, true, nil
	}
	fresh, err := tx.AddAsker(ctx, access.Asker{RequestID: other.ID, Asker: r.Asker, Source: r.Source, Reason: r.Reason, At: s.Now()})
	if err != nil || !fresh {
		return other, true, err
	}
	if err := access.Record(ctx, tx, s.Now(), r.Asker, access.DidRequestJoin, access.NounRequest, other.ID, string(access.Pending), string(access.Pending), r.Reason); err != nil {
		return other, true, err
	}
	if err := tx.PersonChanged(ctx, s.Now(), r.Asker); err != nil {
		return other, true, err
	}
	return other, true, tx.Announce(ctx, other.ID)
}

// endsAllOf reports whether a revocation ends everything that another one would end.
func endsAllOf(r access.Request, other access.Request) bool {
	sameKey := r.Fingerprint == other.Fingerprint && r.PublicKey == other.PublicKey
	return r.Kind == access.KindRevoke && r.Person == other.Person && sameKey && (r.Pattern == "" || r.Pattern == other.Pattern)
}

// withdrawAsker takes back what one of several people asked. The request stays as long as one
// of them asks for it; it returns false when nobody else does.
func (s *Service) withdrawAsker(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, bool, error) {
	askers, err := tx.Askers(ctx, r.ID)
	if err != nil || len(askers) == 0 {
		return r, false, err
	}
	leaves := actor
	if r.Asker == actor { // the next one stands for it now
		leaves = askers[0].Asker
		r.Asker, r.Reason = askers[0].Asker, askers[0].Reason
		if won, err := tx.MoveRequest(ctx, r, access.Pending); err != nil || !won {
			return r, true, err
		}
	}
	if err := tx.DropAsker(ctx, r.ID, leaves); err != nil {
		return r, true, err
	}
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidRequestWithdraw, access.NounRequest, r.ID, string(access.Pending), string(access.Pending), ""); err != nil {
		return r, true, err
	}
	if err := tx.PersonChanged(ctx, s.Now(), actor); err != nil {
		return r, true, err
	}
	return r, true, tx.Announce(ctx, r.ID)
}

// asks reports whether somebody is among those who ask for a request.
func asks(ctx context.Context, tx access.Tx, r access.Request, id access.UserID) (bool, error) {
	if r.Asker == id {
		return true, nil
	}
	askers, err := tx.Askers(ctx, r.ID)
	return slices.ContainsFunc(askers, func(a access.Asker) bool { return a.Asker == id }), err
}

// maxOpen is how many requests that give access a person may have open.
const maxOpen = 10

// refuseTooMany refuses a request that gives access when its asker has too many open.
func (s *Service) refuseTooMany(ctx context.Context, tx access.Tx, r access.Request) error {
	if r.Kind != access.KindGrant && r.Kind != access.KindExtend {
		return nil
	}
	open, err := tx.Requests(ctx, access.RequestQuery{
		States: []access.RequestState{access.Pending, access.WaitingForKey}, Kinds: []access.RequestKind{access.KindGrant, access.KindExtend}, Asker: r.Asker,
	})
	again := slices.ContainsFunc(open, func(other access.Request) bool { return other.Source == r.Source })
	if err == nil && len(open) >= maxOpen && !again {
		err = access.NewConflict("You have 10 requests for access open. Cancel one of them, or ask again when some are decided.")
	}
	return err
}

// closeRevoked closes what a revocation leaves nothing to decide about: requests that
// would give the person access where it was just taken, and other revocations of the same.
func (s *Service) closeRevoked(ctx context.Context, tx access.Tx, r access.Request) error {
	if r.Person == "" {
		return nil
	}
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.WaitingForKey, access.Pending}, Person: r.Person})
	if err != nil {
		return err
	}
	for _, other := range open {
		note, err := s.settledBy(ctx, tx, r, other)
		if err != nil {
			return err
		}
		if note == "" {
			continue
		}
		if _, err := s.close(ctx, tx, other, access.Cancelled, "", note+" (request "+strconv.FormatInt(r.ID, 10)+")."); err != nil {
			return err
		}
	}
	return nil
}

// settledBy says why a carried out revocation settles another request; empty when it
// does not.
func (s *Service) settledBy(ctx context.Context, tx access.Tx, r, other access.Request) (string, error) {
	switch {
	case endsAllOf(r, other):
		return "the same was revoked", nil
	case r.Fingerprint != "" || other.Kind != access.KindGrant && other.Kind != access.KindExtend:
		return "", nil // without the key it is another request, and says so
	case r.Pattern == "":
		return "the access of this person was revoked", nil
	}
	facts, err := s.factsOf(ctx, tx, other)
	if err != nil {
		return "", err
	}
	revoked, err := tx.RequestServers(ctx, r.ID)
	if on := access.ServerSet(revoked); slices.ContainsFunc(facts.Servers, func(id int64) bool { return on[id] }) {
		return "the access of this person was revoked on some of these servers", err
	}
	return "", err
}
