package access

import (
	"context"
	"fmt"
	"time"

	"sshkeybot/internal/duration"
)

// AskExtend stores the wish that a live grant ends later: Duration after its
// present end. The end moves in place, so there is no gap. The person themself
// or who asked for the grant may ask.
func (s *Service) AskExtend(ctx context.Context, a ExtendAsk) (Request, error) {
	if err := s.Eligible(ctx, a.Asker); err != nil {
		return Request{}, err
	}
	g, err := s.extendable(ctx, a)
	if err != nil {
		return Request{}, err
	}
	r := s.newRequest(KindExtend, a.Source, a.Asker, g.Person, a.Channel)
	r.Duration, r.GrantID, r.SystemUser = a.Duration, g.ID, g.SystemUser
	if r.ExpiresAt.After(g.EndsAt) {
		r.ExpiresAt = g.EndsAt // there is nothing to extend afterwards
	}
	if err := s.checkExtension(g, a.Duration); err != nil {
		return Request{}, err
	}
	if err := s.deciders(ctx, r); err != nil {
		return Request{}, err
	}
	return s.post(ctx, r, nil)
}

// extendable answers the grant that is meant: the named one, or the person's that
// ends next.
func (s *Service) extendable(ctx context.Context, a ExtendAsk) (found Grant, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		live, err := tx.Grants(ctx, GrantQuery{State: Live, Person: a.Person})
		if err != nil {
			return err
		}
		found = Grant{}
		for _, g := range live {
			named := a.GrantID == 0 || a.GrantID == g.ID
			if named && g.LiveAt(s.Now()) && !g.EndsAt.IsZero() && (found.ID == 0 || g.EndsAt.Before(found.EndsAt)) {
				found = g
			}
		}
		if found.ID == 0 {
			return notFound("There is no live access with an end that could be extended. Ask for a new grant instead.")
		}
		origin, err := tx.Request(ctx, found.RequestID)
		if err == nil && a.Asker != found.Person && a.Asker != origin.Asker {
			err = forbidden("Only the person themself, or who asked for the grant, can ask to extend it.")
		}
		return err
	})
	return found, err
}

func (s *Service) checkExtension(g Grant, d time.Duration) error {
	if d <= 0 {
		return invalid("Name for how much longer, such as 2h.")
	}
	if d < s.Settings.MinDuration {
		return tooShort(s.Settings.MinDuration)
	}
	if left := g.EndsAt.Add(d).Sub(s.Now()); left > s.Settings.MaxDuration {
		return invalid(fmt.Sprintf("That would leave more than the longest grant, %s, from now on.", duration.Format(s.Settings.MaxDuration)))
	}
	return nil
}

// extendGrant moves the end of a live grant. The clock of an extension starts at
// the grant's end, so approving early or late makes no difference.
func (s *Service) extendGrant(ctx context.Context, tx Tx, r Request, actor UserID) error {
	if _, err := s.sureOfTime(ctx, tx); err != nil {
		return err
	}
	g, err := tx.Grant(ctx, r.GrantID)
	if err != nil {
		return err
	}
	if !g.LiveAt(s.Now()) || g.EndsAt.IsZero() {
		return conflict("That access has ended in the meantime. Ask for a new grant instead.")
	}
	if err := s.checkExtension(g, r.Duration); err != nil { // another extension may have been approved meanwhile
		return err
	}
	before := g.EndsAt
	g.EndsAt, g.SteadyEnd, g.RemindedAt = g.EndsAt.Add(r.Duration), g.SteadyEnd.Add(r.Duration), time.Time{}
	won, err := tx.MoveGrant(ctx, g, Live)
	if err != nil {
		return err
	}
	if !won {
		return conflict("That access has ended in the meantime. Ask for a new grant instead.")
	}
	detail := before.UTC().Format(time.RFC3339) + " to " + g.EndsAt.UTC().Format(time.RFC3339)
	if err := Record(ctx, tx, s.Now(), actor, "grant.extend", "grant", g.ID, string(Live), string(Live), detail); err != nil {
		return err
	}
	if err := s.factsChanged(ctx, tx, g.Person); err != nil { // another extension would lead to another end now
		return err
	}
	return tx.Announce(ctx, g.RequestID)
}
