package workflow

import (
	"context"
	"fmt"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
)

// ExtendAsk is the wish that one live grant of a person ends later: Duration after its
// present end.
type ExtendAsk struct {
	Source   string
	Asker    access.UserID
	Person   access.UserID
	GrantID  int64 // one grant; 0 is the person's grant that ends next
	Duration time.Duration
	Channel  string
}

// AskExtend stores the wish that a live grant ends later: Duration after its
// present end. The end moves in place, so there is no gap. The person themself
// or who asked for the grant may ask.
func (s *Service) AskExtend(ctx context.Context, a ExtendAsk) (access.Request, error) {
	if err := s.Eligible(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	g, err := s.extendable(ctx, a)
	if err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindExtend, a.Source, a.Asker, g.Person, a.Channel)
	r.Duration, r.GrantID, r.SystemUser = a.Duration, g.ID, g.SystemUser
	if r.ExpiresAt.After(g.EndsAt) {
		r.ExpiresAt = g.EndsAt // there is nothing to extend afterwards
	}
	if err := s.checkExtension(g, a.Duration); err != nil {
		return access.Request{}, err
	}
	if err := s.requireDeciders(ctx, r); err != nil {
		return access.Request{}, err
	}
	return s.submit(ctx, r, nil)
}

// extendable returns the grant that is meant: the named one, or the person's that
// ends next.
func (s *Service) extendable(ctx context.Context, a ExtendAsk) (found access.Grant, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: a.Person})
		if err != nil {
			return err
		}
		found = access.Grant{}
		for _, g := range live {
			named := a.GrantID == 0 || a.GrantID == g.ID
			if named && g.LiveAt(s.Now()) && !g.EndsAt.IsZero() && (found.ID == 0 || g.EndsAt.Before(found.EndsAt)) {
				found = g
			}
		}
		if found.ID == 0 {
			return access.NewNotFound("There is no live access with an end that could be extended. Ask for a new grant instead.")
		}
		origin, err := tx.Request(ctx, found.RequestID)
		if err == nil && a.Asker != found.Person && a.Asker != origin.Asker {
			err = access.NewForbidden("Only the person themself, or who asked for the grant, can ask to extend it.")
		}
		return err
	})
	return found, err
}

func (s *Service) checkExtension(g access.Grant, d time.Duration) error {
	if d <= 0 {
		return access.NewInvalid("Name for how much longer, such as 2h.")
	}
	if d < s.Settings.MinDuration {
		return tooShort(s.Settings.MinDuration)
	}
	if left := g.EndsAt.Add(d).Sub(s.Now()); left > s.Settings.MaxDuration {
		return access.NewInvalid(fmt.Sprintf("That would leave more than the longest grant, %s, from now on.", duration.Format(s.Settings.MaxDuration)))
	}
	return nil
}

// extendGrant moves the end of a live grant. The clock of an extension starts at
// the grant's end, so approving early or late makes no difference.
func (s *Service) extendGrant(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) error {
	if _, err := s.Engine.MayGive(ctx, tx); err != nil {
		return err
	}
	g, err := tx.Grant(ctx, r.GrantID)
	if err != nil {
		return err
	}
	if !g.LiveAt(s.Now()) || g.EndsAt.IsZero() {
		return access.NewConflict("That access has ended in the meantime. Ask for a new grant instead.")
	}
	if err := s.checkExtension(g, r.Duration); err != nil { // another extension may have been approved meanwhile
		return err
	}
	before := g.EndsAt
	g.EndsAt, g.SteadyEnd, g.RemindedAt = g.EndsAt.Add(r.Duration), g.SteadyEnd.Add(r.Duration), time.Time{}
	won, err := tx.MoveGrant(ctx, g, access.Live)
	if err != nil {
		return err
	}
	if !won {
		return access.NewConflict("That access has ended in the meantime. Ask for a new grant instead.")
	}
	detail := before.UTC().Format(time.RFC3339) + " to " + g.EndsAt.UTC().Format(time.RFC3339)
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidGrantExtend, access.NounGrant, g.ID, string(access.Live), string(access.Live), detail, access.AboutRequest(r.ID)); err != nil {
		return err
	}
	if err := s.factsChanged(ctx, tx, g.Person); err != nil { // another extension would lead to another end now
		return err
	}
	return tx.Announce(ctx, g.RequestID)
}
