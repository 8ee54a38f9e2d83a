package workflow

import (
	"context"
	"fmt"
	"slices"

	"sshkeybot/internal/access"
)

// FindingChoice names what an audit found by the digest under which it was shown: a group that
// has changed since has another one.
type FindingChoice struct {
	RequestID int64 // the audit
	Digest    string
	Actor     access.UserID
	Source    string // of the request that is made; for RemoveFindings
	Channel   string
}

func findingChanged() error {
	return access.NewConflict("That has changed since it was shown, so nothing was decided. Please look at the audit again.")
}

// KeepFindings has credentials stay that nobody manages. They are not listed again while they
// stay as they are. It returns how many they are.
func (s *Service) KeepFindings(ctx context.Context, c FindingChoice) (kept int, err error) {
	err = s.decideFinding(ctx, c, func(tx access.Tx, g FindingGroup) error {
		for i := range g.Findings {
			g.Findings[i].KeptBy, g.Findings[i].KeptAt = c.Actor, s.Now()
		}
		kept = len(g.Findings)
		if err := tx.SaveFindings(ctx, g.Findings); err != nil {
			return err
		}
		detail := fmt.Sprintf("%d times «%s»", kept, g.Label)
		return access.Record(ctx, tx, s.Now(), c.Actor, access.DidFindingKeep, access.NounRequest, c.RequestID, "", "", detail)
	})
	return kept, err
}

// RemoveFindings asks another approver to have credentials removed that nobody manages.
func (s *Service) RemoveFindings(ctx context.Context, c FindingChoice) (stored access.Request, err error) {
	r := s.newRequest(access.KindPurge, c.Source, c.Actor, "", c.Channel)
	if err := s.requireApprover(ctx, c.Actor); err != nil {
		return access.Request{}, err
	}
	if err := s.requireDeciders(ctx, r); err != nil {
		return access.Request{}, err
	}
	err = s.decideFinding(ctx, c, func(tx access.Tx, g FindingGroup) error {
		var fresh bool
		if stored, fresh, err = tx.InsertRequest(ctx, r, uniqueRefs(g.Servers)); err != nil || !fresh {
			return err
		}
		return s.listChosen(ctx, tx, stored, g)
	})
	return stored, err
}

// listChosen makes the list of a purge of the credentials that somebody chose, and puts it before
// the approvers.
func (s *Service) listChosen(ctx context.Context, tx access.Tx, r access.Request, g FindingGroup) error {
	candidates := make([]access.Candidate, len(g.Findings))
	for i, f := range g.Findings {
		candidates[i] = access.Candidate{RequestID: r.ID, ServerID: f.ServerID, ServerName: g.Servers[i].Name, Credential: f.Credential, Why: access.WhyListed}
		g.Findings[i].RequestID = r.ID
	}
	if err := tx.SaveCandidates(ctx, candidates); err != nil {
		return err
	}
	if err := tx.SaveFindings(ctx, g.Findings); err != nil {
		return err
	}
	var read []access.Result
	for _, ref := range uniqueRefs(g.Servers) {
		result := access.NewInspection(s.Now(), r.ID, ref)
		result.State = access.Done
		read = append(read, result)
	}
	if err := tx.InsertResults(ctx, read); err != nil {
		return err
	}
	return s.submitted(ctx, tx, r)
}

func uniqueRefs(refs []access.ServerRef) (unique []access.ServerRef) {
	for _, ref := range refs {
		if !access.HasServer(unique, ref.ID) {
			unique = append(unique, ref)
		}
	}
	return unique
}

// decideFinding carries out a decision about what an audit found and nobody manages.
func (s *Service) decideFinding(ctx context.Context, c FindingChoice, decide func(tx access.Tx, g FindingGroup) error) error {
	if err := s.requireApprover(ctx, c.Actor); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		v, err := s.view(ctx, tx, c.RequestID)
		if err != nil {
			return err
		}
		if v.Audit == nil {
			return findingChanged()
		}
		i := slices.IndexFunc(v.Audit.Groups, func(g FindingGroup) bool { return g.Digest == c.Digest && g.Asked == 0 })
		if i < 0 {
			return findingChanged()
		}
		if err := decide(tx, v.Audit.Groups[i]); err != nil {
			return err
		}
		return access.AnnounceNow(ctx, tx, c.RequestID)
	})
}

// PlaceAgain has a key placed again that somebody deleted on servers. It returns on how many.
func (s *Service) PlaceAgain(ctx context.Context, c FindingChoice) (int, error) {
	return s.decideMissing(ctx, c, access.DidMissingBack, func(tx access.Tx, g MissingGroup) error {
		if _, err := s.Engine.MayGive(ctx, tx); err != nil {
			return err
		}
		for _, p := range g.Placements {
			if err := s.retry(ctx, tx, access.NewResult(s.Now(), g.Grant.RequestID, access.PhaseAdd, p.On(), "")); err != nil {
				return err
			}
		}
		return nil
	})
}

// EndThere ends the access with a key on the servers where somebody deleted it. It returns on how
// many.
func (s *Service) EndThere(ctx context.Context, c FindingChoice) (int, error) {
	return s.decideMissing(ctx, c, access.DidMissingEnd, func(tx access.Tx, g MissingGroup) error {
		e := ending{actor: c.Actor, reason: access.EndRevoked, request: c.RequestID}
		q := access.CoverQuery{Person: g.Grant.Person, SystemUser: g.Grant.SystemUser, Fingerprint: g.Key.Fingerprint, Servers: access.IDsOf(g.Servers)}
		return s.endCovers(ctx, tx, e, q)
	})
}

// decideMissing carries out a decision about a key that somebody deleted.
func (s *Service) decideMissing(ctx context.Context, c FindingChoice, did access.Action, decide func(tx access.Tx, g MissingGroup) error) (servers int, err error) {
	if err := s.requireApprover(ctx, c.Actor); err != nil {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		v, err := s.view(ctx, tx, c.RequestID)
		if err != nil {
			return err
		}
		if v.Audit == nil {
			return findingChanged()
		}
		i := slices.IndexFunc(v.Audit.Missing, func(g MissingGroup) bool { return g.Digest == c.Digest })
		if i < 0 {
			return findingChanged()
		}
		g := v.Audit.Missing[i]
		servers = len(g.Placements)
		if err := decide(tx, g); err != nil {
			return err
		}
		detail := fmt.Sprintf("%s for %s on places %s", g.Key.Fingerprint, g.Grant.SystemUser, access.Ranges(access.IDsOf(g.Servers)))
		if err := access.Record(ctx, tx, s.Now(), c.Actor, did, access.NounGrant, g.Grant.ID, "", "", detail); err != nil {
			return err
		}
		return access.AnnounceNow(ctx, tx, c.RequestID)
	})
	return servers, err
}

// auditsChanged has the latest audits drawn anew: what they found was decided about.
func (s *Service) auditsChanged(ctx context.Context, tx access.Tx) error {
	recent, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindAudit}, CreatedAfter: s.Now().AddDate(0, 0, -14)})
	if err != nil {
		return err
	}
	for _, r := range recent {
		if r.Asker == "" { // one that found nothing was never shown
			v, err := s.view(ctx, tx, r.ID)
			if err != nil {
				return err
			}
			if !v.Audit.HasNews(v) {
				continue
			}
		}
		if err := tx.Announce(ctx, r.ID); err != nil {
			return err
		}
	}
	return nil
}
