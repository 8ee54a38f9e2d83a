package workflow

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// homeFresh is how old the answer may be to who somebody is whose App Home is
// drawn. It gives them nothing: Slack's rate limit is for those who do something.
const homeFresh = time.Minute

// Home is what the App Home of a person shows.
type Home struct {
	Own      Overview
	Keys     []access.Key
	Asked    []access.Request // open requests that this person made
	Approver bool
	Waiting  []RequestView // requests that this person may decide, or has approved
	Team     Overview      // everybody's, for approvers
}

// Home returns what a person's App Home shows. It looks at most once in a while at who
// that is, however often it is drawn.
func (s *Service) Home(ctx context.Context, person access.UserID) (home Home, err error) {
	active, err := s.active(ctx, person, homeFresh)
	if err != nil {
		return Home{}, err
	}
	if !active {
		return Home{}, access.NewForbidden("Only members of this workspace have a Home tab here.")
	}
	if home.Approver, err = s.IsApprover(ctx, person); err != nil {
		return Home{}, err
	}
	if home.Own, err = s.Overview(ctx, person); err != nil {
		return Home{}, err
	}
	err = s.Store.Read(ctx, func(tx access.Tx) error { return s.fillHome(ctx, tx, person, &home) })
	if err != nil || !home.Approver {
		return home, err
	}
	home.Team, err = s.Overview(ctx, "")
	return home, err
}

func (s *Service) fillHome(ctx context.Context, tx access.Tx, person access.UserID, home *Home) error {
	out, err := isOffboarded(ctx, tx, person)
	if err != nil {
		return err
	}
	if out {
		return access.NewForbidden("An offboarding has ended your access.")
	}
	if home.Keys, err = tx.KeysOf(ctx, person); err != nil {
		return err
	}
	if home.Asked, err = tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.WaitingForKey, access.Pending}, Asker: person}); err != nil || !home.Approver {
		return err
	}
	pending, err := s.pending(ctx, tx, person)
	home.Waiting = slices.DeleteFunc(pending, func(v RequestView) bool { return !v.MayDecide && !v.approvedBy(person) })
	return err
}
