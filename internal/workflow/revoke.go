package workflow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

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
		names, err := access.ServerNames(ctx, tx)
		refs = refs[:0]
		for _, id := range access.ServersOf(covers) {
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
	list, err := s.Engine.Servers(ctx, reconcile.ServersFresh)
	if err != nil {
		known, knownErr := s.Engine.KnownServers(ctx)
		if knownErr != nil || len(known.All) == 0 {
			return nil, err
		}
		list = known
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

// Pick has one credential removed that the bot did not place, because an approver
// chose that very id.
func (s *Service) Pick(ctx context.Context, requestID, serverID int64, credentialID string, actor access.UserID) error {
	return s.decideCandidate(ctx, requestID, serverID, credentialID, actor, s.removePicked)
}

// Spare has one credential stay that the bot did not place, because an approver
// knows that it is somebody else's.
func (s *Service) Spare(ctx context.Context, requestID, serverID int64, credentialID string, actor access.UserID) error {
	return s.decideCandidate(ctx, requestID, serverID, credentialID, actor, nil)
}

// decideCandidate records what an approver decided about a candidate: that remove is done with
// it or, where there is none, that it stays.
func (s *Service) decideCandidate(ctx context.Context, requestID, serverID int64, credentialID string, actor access.UserID,
	remove func(ctx context.Context, tx access.Tx, r access.Request, c access.Candidate) error,
) error {
	if err := s.requireApprover(ctx, actor); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		candidates, err := tx.Candidates(ctx, requestID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(candidates, func(c access.Candidate) bool { return c.ServerID == serverID && c.Credential.ID == credentialID })
		if i < 0 || r.State != access.Approved {
			return access.NewNotFound("That key is not one of those to choose from.")
		}
		c := candidates[i]
		c.PickedBy, c.PickedAt, c.Spared = actor, s.Now(), remove == nil
		won, err := tx.PickCandidate(ctx, c)
		if err != nil {
			return err
		}
		if !won {
			return &access.Error{Code: access.Conflict, Message: alreadyDecided(candidates[i]), Who: candidates[i].PickedBy, When: candidates[i].PickedAt}
		}
		if err := tx.Announce(ctx, r.ID); err != nil {
			return err
		}
		if remove != nil {
			return remove(ctx, tx, r, c)
		}
		detail := fmt.Sprintf("credential %s on server %d", credentialID, serverID)
		return access.Record(ctx, tx, s.Now(), actor, access.DidCandidateSpare, access.NounRequest, r.ID, "", "", detail)
	})
}

// SpareRest has every candidate of a request stay that nobody has decided about, those
// that the approver has been shown (by their OpenDigest): not while servers are still
// read, nor when others came up since. It returns how many stay.
func (s *Service) SpareRest(ctx context.Context, requestID int64, shown string, actor access.UserID) (left int, err error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		v := RequestView{Request: r}
		if v.Results, err = tx.Results(ctx, requestID); err != nil {
			return err
		}
		if v.Candidates, err = tx.Candidates(ctx, requestID); err != nil {
			return err
		}
		if left = v.Undecided(); left == 0 || v.OpenDigest() != shown || !v.FullyInspected() {
			return access.NewConflict("The keys to decide about are not the same any more. Please look at the request again.")
		}
		for _, c := range v.Candidates {
			c.PickedBy, c.PickedAt, c.Spared = actor, s.Now(), true
			if _, err := tx.PickCandidate(ctx, c); err != nil {
				return err
			}
		}
		if err := tx.Announce(ctx, requestID); err != nil {
			return err
		}
		return access.Record(ctx, tx, s.Now(), actor, access.DidCandidateSpare, access.NounRequest, requestID, "", "", fmt.Sprintf("the other %d", left))
	})
	return left, err
}

func alreadyDecided(c access.Candidate) string {
	if c.Spared {
		return "It was decided already that this key stays."
	}
	return "This key was chosen already, and is being removed."
}

func (s *Service) removePicked(ctx context.Context, tx access.Tx, r access.Request, c access.Candidate) error {
	if err := s.Engine.Unclaimed(ctx, tx, c); err != nil {
		return err
	}
	p := access.Placement{
		ServerID: c.ServerID, SystemUser: c.Credential.SystemUser, Picked: c.Credential.ID,
		Person: r.Person, Label: c.Credential.Label, State: access.PlacementLeaving, CredentialID: c.Credential.ID, LeftAt: s.Now(),
	}
	p, err := tx.InsertPlacement(ctx, p)
	if err != nil {
		return err
	}
	result := access.NewResult(s.Now(), r.ID, access.PhaseRemove, p.On(), c.ServerName)
	if err := tx.InsertResults(ctx, []access.Result{result}); err != nil {
		return err
	}
	detail := fmt.Sprintf("credential %s on server %d, chosen by a person", c.Credential.ID, c.ServerID)
	if err := access.Record(ctx, tx, s.Now(), c.PickedBy, access.DidPlacementPick, access.NounPlacement, p.ID, "", string(access.PlacementLeaving), detail); err != nil {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkRemove, ID: c.ServerID})
}

// RetryFailed makes everything that was refused for good under a request due
// again, and returns how many results that concerns.
func (s *Service) RetryFailed(ctx context.Context, requestID int64, actor access.UserID) (int, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return 0, err
	}
	approver, err := s.IsApprover(ctx, actor)
	if err != nil {
		return 0, err
	}
	var count int
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		count = 0
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		if !approver && actor != r.Asker && actor != r.Person {
			return access.NewForbidden("Only an approver, or the people this request is about, can retry it.")
		}
		results, err := tx.Results(ctx, requestID)
		if err != nil {
			return err
		}
		var again []access.Result
		for _, result := range results {
			if result.State != access.Failed {
				continue
			}
			if err := s.retry(ctx, tx, result); err != nil {
				return err
			}
			result.State = access.Waiting
			again = append(again, result)
		}
		if count = len(again); count == 0 {
			return access.NewConflict("Nothing has failed here any more.")
		}
		if err := s.takeRetry(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := tx.Tell(ctx, again); err != nil { // a second failure is news again
			return err
		}
		return access.Record(ctx, tx, s.Now(), actor, access.DidRequestRetry, access.NounRequest, r.ID, string(r.State), string(r.State), fmt.Sprintf("%d results", count))
	})
	return count, err
}

func (s *Service) retry(ctx context.Context, tx access.Tx, r access.Result) error {
	if r.Reads() {
		return s.Engine.InspectAgain(ctx, tx, r)
	}
	stuck, err := tx.Placements(ctx, access.PlacementQuery{
		Server: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint, Picked: r.Picked,
		States: []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	})
	if err != nil {
		return err
	}
	for _, p := range stuck {
		if p.State == access.PlacementPlaced && !p.Stuck {
			continue // it is there
		}
		p.Stuck, p.Setback, p.NextAt = false, access.Setback{}, s.Now()
		if p.State == access.PlacementPlaced {
			p.VerifyAt = s.Now()
		}
		if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
			return err
		}
		if err := tx.Wake(ctx, reconcile.WorkOn(p)); err != nil {
			return err
		}
	}
	return s.Engine.UpdateResults(ctx, tx, r.On())
}
