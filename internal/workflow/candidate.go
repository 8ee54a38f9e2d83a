package workflow

import (
	"context"
	"fmt"
	"slices"

	"sshkeybot/internal/access"
)

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
		if i < 0 || r.State != access.Approved || r.Kind == access.KindPurge {
			return access.NewNotFound("That key is not one of those to choose from.")
		}
		if remove != nil && candidates[i].Credential.Fixed {
			return access.NewForbidden("This token may be the one that I use myself, so I do not remove it.")
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

// SpareRest has the candidates of a request stay that the approver has been shown (by their
// CandidatesDigest): all that nobody has decided about, or all such lookalikes. It refuses while
// servers are still read, and when others came up since. It returns how many stay.
func (s *Service) SpareRest(ctx context.Context, requestID int64, shown string, actor access.UserID) (left int, err error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		v, err := candidatesOf(ctx, tx, requestID)
		if err != nil {
			return err
		}
		rest, lookalikes := v.Open()
		if CandidatesDigest(rest) != shown {
			rest = lookalikes
		}
		if left = len(rest); left == 0 || CandidatesDigest(rest) != shown || !v.FullyInspected() {
			return access.NewConflict("The keys to decide about are not the same any more. Please look at the request again.")
		}
		for _, c := range rest {
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
