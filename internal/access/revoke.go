package access

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// draftTTL is how long what an approver ordered waits for their confirmation.
const draftTTL = 15 * time.Minute

// AskRevoke stores the wish that access ends. An approver's own is a draft that
// they confirm themselves; anybody else's goes to the approvers.
func (s *Service) AskRevoke(ctx context.Context, a RevokeAsk) (Request, error) {
	if err := s.Eligible(ctx, a.Asker); err != nil {
		return Request{}, err
	}
	r := s.newRequest(KindRevoke, a.Source, a.Asker, a.Person, a.Channel)
	r.Pattern, r.Reason = a.Servers, a.Reason
	if err := s.nameKey(ctx, &r, a); err != nil {
		return Request{}, err
	}
	servers, err := s.revokedServers(ctx, r)
	if err != nil {
		return Request{}, err
	}
	if err := s.toDecider(ctx, &r); err != nil {
		return Request{}, err
	}
	return s.post(ctx, r, servers)
}

// toDecider makes the request an approver's own draft, or checks that somebody is
// left to decide it.
func (s *Service) toDecider(ctx context.Context, r *Request) error {
	approver, err := s.IsApprover(ctx, r.Asker)
	if err != nil {
		return err
	}
	if approver {
		r.State, r.ExpiresAt = Draft, r.CreatedAt.Add(draftTTL)
		return nil
	}
	return s.deciders(ctx, *r)
}

// nameKey fills in which key a revocation is about, and whose it is where known.
func (s *Service) nameKey(ctx context.Context, r *Request, a RevokeAsk) error {
	if a.Key != nil {
		a.Fingerprint = a.Key.Fingerprint()
		r.PublicKey = a.Key.Authorized()
	}
	if a.Fingerprint == "" {
		return nil
	}
	r.Fingerprint = a.Fingerprint
	return s.Store.Read(ctx, func(tx Tx) error {
		key, err := tx.Key(ctx, a.Fingerprint)
		switch {
		case CodeOf(err) == NotFound && a.Key == nil:
			return notFound("No key with that fingerprint is registered. Paste the public key itself and I look for it on every server.")
		case CodeOf(err) == NotFound:
			return nil
		case err == nil:
			r.Person, r.PublicKey = key.Person, key.Public().Authorized()
		}
		return err
	})
}

// revokedServers answers the servers that the revocation is about: those named; for
// one key, all, since somebody may have placed it by hand; else those that live grants
// cover.
func (s *Service) revokedServers(ctx context.Context, r Request) ([]ServerRef, error) {
	switch {
	case r.Pattern != "" || r.PublicKey != "":
		return s.revocable(ctx, r.Pattern)
	}
	var refs []ServerRef
	err := s.Store.Read(ctx, func(tx Tx) error {
		covers, err := s.coveredNow(ctx, tx, r)
		if err != nil {
			return err
		}
		names, err := serverNames(ctx, tx)
		refs = refs[:0]
		for _, id := range serversOf(covers) {
			refs = append(refs, ServerRef{ID: id, Name: names[id]})
		}
		return err
	})
	if err == nil && len(refs) == 0 {
		err = notFound("There is no access now that this would end. For a key that was placed by hand, name its fingerprint or paste it: I look for it on every server.")
	}
	return refs, err
}

// revocable returns the servers that a pattern names, also of those that the target does
// not list now; as last read when it cannot be asked, because a lost key must not wait for
// that.
func (s *Service) revocable(ctx context.Context, pattern string) ([]ServerRef, error) {
	list, err := s.servers(ctx, serversFresh)
	if err != nil {
		known, knownErr := s.knownServers(ctx)
		if knownErr != nil || len(known.all) == 0 {
			return nil, err
		}
		list = known
	}
	chosen, err := MatchServers(list.all, pattern)
	return refsOf(chosen), err
}

// coveredNow lists the live covers that a revocation would end.
func (s *Service) coveredNow(ctx context.Context, tx Tx, r Request) ([]Cover, error) {
	grants, err := tx.Grants(ctx, GrantQuery{State: Live, Person: r.Person})
	if err != nil {
		return nil, err
	}
	var all []Cover
	for _, g := range grants {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(liveCovers(covers), func(c Cover) bool {
			return r.Fingerprint != "" && c.Fingerprint != r.Fingerprint
		})...)
	}
	return all, nil
}

// carryOutRevoke ends what the request names. One key is also refused from now on, and
// looked for on every server of the request.
func (s *Service) carryOutRevoke(ctx context.Context, tx Tx, r Request, actor UserID) error {
	e := ending{actor: actor, reason: EndRevoked, request: r.ID}
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
		return s.startInspection(ctx, tx, r, nil) // also of servers that came or came back since
	}
	servers, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return err
	}
	return s.startInspection(ctx, tx, r, servers)
}

// ownerNow answers whose key a revocation is about: a pasted one may have been
// registered since.
func ownerNow(ctx context.Context, tx Tx, r Request) (UserID, error) {
	if r.Person != "" || r.Fingerprint == "" {
		return r.Person, nil
	}
	key, err := tx.Key(ctx, r.Fingerprint)
	if CodeOf(err) == NotFound {
		return "", nil
	}
	return key.Person, err
}

func (s *Service) endRevoked(ctx context.Context, tx Tx, e ending, r Request) error {
	if r.Pattern == "" && r.Fingerprint == "" {
		grants, err := tx.Grants(ctx, GrantQuery{State: Live, Person: r.Person})
		if err != nil {
			return err
		}
		return s.endGrants(ctx, tx, e, grants)
	}
	q := CoverQuery{Person: r.Person, Fingerprint: r.Fingerprint}
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
func (s *Service) Pick(ctx context.Context, requestID, serverID, credentialID int64, actor UserID) error {
	return s.judge(ctx, requestID, serverID, credentialID, actor, s.removePicked)
}

// Leave has one credential stay that the bot did not place, because an approver
// knows that it is somebody else's.
func (s *Service) Leave(ctx context.Context, requestID, serverID, credentialID int64, actor UserID) error {
	return s.judge(ctx, requestID, serverID, credentialID, actor, nil)
}

// judge records what an approver decided about a candidate: that remove is done with
// it or, where there is none, that it stays.
func (s *Service) judge(ctx context.Context, requestID, serverID, credentialID int64, actor UserID,
	remove func(ctx context.Context, tx Tx, r Request, c Candidate) error,
) error {
	if err := s.mustApprove(ctx, actor); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		candidates, err := tx.Candidates(ctx, requestID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(candidates, func(c Candidate) bool { return c.ServerID == serverID && c.Credential.ID == credentialID })
		if i < 0 || r.State != Approved {
			return notFound("That key is not one of those to choose from.")
		}
		c := candidates[i]
		c.PickedBy, c.PickedAt, c.Spared = actor, s.Now(), remove == nil
		won, err := tx.PickCandidate(ctx, c)
		if err != nil {
			return err
		}
		if !won {
			return &Error{Code: Conflict, Message: alreadyJudged(candidates[i]), Who: candidates[i].PickedBy, When: candidates[i].PickedAt}
		}
		if err := tx.Announce(ctx, r.ID); err != nil {
			return err
		}
		if remove != nil {
			return remove(ctx, tx, r, c)
		}
		detail := fmt.Sprintf("credential %d on server %d", credentialID, serverID)
		return Record(ctx, tx, s.Now(), actor, "candidate.leave", "request", r.ID, "", "", detail)
	})
}

// LeaveRest has every candidate of a request stay that nobody has decided about, those
// that the approver has been shown (by their OpenDigest): not while servers are still
// read, nor when others came up since. It returns how many stay.
func (s *Service) LeaveRest(ctx context.Context, requestID int64, shown string, actor UserID) (left int, err error) {
	if err := s.mustApprove(ctx, actor); err != nil {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
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
		if left = v.Undecided(); left == 0 || v.OpenDigest() != shown || !v.Read() {
			return conflict("The keys to decide about are not the same any more. Please look at the request again.")
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
		return Record(ctx, tx, s.Now(), actor, "candidate.leave", "request", requestID, "", "", fmt.Sprintf("the other %d", left))
	})
	return left, err
}

func alreadyJudged(c Candidate) string {
	if c.Spared {
		return "It was decided already that this key stays."
	}
	return "This key was chosen already, and is being removed."
}

func (s *Service) removePicked(ctx context.Context, tx Tx, r Request, c Candidate) error {
	if err := s.unclaimed(ctx, tx, c); err != nil {
		return err
	}
	p := Placement{
		ServerID: c.ServerID, SystemUser: c.Credential.SystemUser, Fingerprint: fmt.Sprintf("id:%d", c.Credential.ID),
		Person: r.Person, Label: c.Credential.Label, State: PlacementLeaving, CredentialID: c.Credential.ID, LeftAt: s.Now(),
	}
	p, err := tx.InsertPlacement(ctx, p)
	if err != nil {
		return err
	}
	result := NewResult(s.Now(), r.ID, PhaseRemove, c.ServerID, c.ServerName, p.SystemUser, p.Fingerprint)
	if err := tx.InsertResults(ctx, []Result{result}); err != nil {
		return err
	}
	detail := fmt.Sprintf("credential %d on server %d, chosen by a person", c.Credential.ID, c.ServerID)
	if err := Record(ctx, tx, s.Now(), c.PickedBy, "placement.pick", "placement", p.ID, "", string(PlacementLeaving), detail); err != nil {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkRemove, ID: c.ServerID})
}

// RetryFailed makes everything that was refused for good under a request due
// again, and answers how many results that concerns.
func (s *Service) RetryFailed(ctx context.Context, requestID int64, actor UserID) (int, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return 0, err
	}
	approver, err := s.IsApprover(ctx, actor)
	if err != nil {
		return 0, err
	}
	var count int
	err = s.Store.Update(ctx, func(tx Tx) error {
		count = 0
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		if !approver && actor != r.Asker && actor != r.Person {
			return forbidden("Only an approver, or the people this request is about, can retry it.")
		}
		results, err := tx.Results(ctx, requestID)
		if err != nil {
			return err
		}
		var again []Result
		for _, result := range results {
			if result.State != Failed {
				continue
			}
			if err := s.retry(ctx, tx, result); err != nil {
				return err
			}
			result.State = Waiting
			again = append(again, result)
		}
		if count = len(again); count == 0 {
			return conflict("Nothing has failed here any more.")
		}
		if err := s.takeRetry(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := tx.Tell(ctx, again); err != nil { // a second failure is news again
			return err
		}
		return Record(ctx, tx, s.Now(), actor, "request.retry", "request", r.ID, string(r.State), string(r.State), fmt.Sprintf("%d results", count))
	})
	return count, err
}

func (s *Service) retry(ctx context.Context, tx Tx, r Result) error {
	if r.Phase == PhaseInspect {
		r.State, r.Problem, r.Detail = Waiting, NoProblem, ""
		if err := tx.SaveResult(ctx, r); err != nil {
			return err
		}
		return tx.Wake(ctx, Work{Kind: WorkInspect, ID: r.ServerID})
	}
	stuck, err := tx.Placements(ctx, PlacementQuery{
		Server: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint,
		States: []PlacementState{PlacementWanted, PlacementUnknown, PlacementPlaced, PlacementLeaving},
	})
	if err != nil {
		return err
	}
	for _, p := range stuck {
		if p.State == PlacementPlaced && !p.Stuck {
			continue // it is there
		}
		p.Stuck, p.Problem, p.Detail, p.NextAt = false, NoProblem, "", s.Now()
		if p.State == PlacementPlaced {
			p.VerifyAt = s.Now()
		}
		if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
			return err
		}
		if err := tx.Wake(ctx, workOn(p)); err != nil {
			return err
		}
	}
	return s.updateResults(ctx, tx, r.ServerID, r.SystemUser, r.Fingerprint)
}
