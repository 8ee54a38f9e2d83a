package access

import (
	"context"
	"slices"
	"time"
)

// homeAfter gathers the changes that follow each other into one drawing.
const homeAfter = 2500 * time.Millisecond

// homeFresh is how old the answer may be to who somebody is whose App Home is
// drawn. It gives them nothing: Slack's rate limit is for those who do something.
const homeFresh = time.Minute

// HomeNotice has a person's App Home drawn anew in a moment, or those of the members of
// a user group.
func HomeNotice(person UserID, now time.Time) Notice {
	return Notice{Key: "home:" + string(person), Kind: NoticeHome, To: person, NextAt: now.Add(homeAfter)}
}

// Home is what the App Home of a person shows.
type Home struct {
	Own      Overview
	Keys     []Key
	Asked    []Request // open requests that this person made
	Approver bool
	Waiting  []RequestView // requests that this person may decide, or has approved
	Team     Overview      // everybody's, for approvers
}

// Home answers what a person's App Home shows. It looks at most once in a while at who
// that is, however often it is drawn.
func (s *Service) Home(ctx context.Context, person UserID) (home Home, err error) {
	active, err := s.active(ctx, person, homeFresh)
	if err != nil {
		return Home{}, err
	}
	if !active {
		return Home{}, forbidden("Only members of this workspace have a Home tab here.")
	}
	if home.Approver, err = s.IsApprover(ctx, person); err != nil {
		return Home{}, err
	}
	if home.Own, err = s.Overview(ctx, person); err != nil {
		return Home{}, err
	}
	err = s.Store.Read(ctx, func(tx Tx) error { return s.fillHome(ctx, tx, person, &home) })
	if err != nil || !home.Approver {
		return home, err
	}
	home.Team, err = s.Overview(ctx, "")
	return home, err
}

func (s *Service) fillHome(ctx context.Context, tx Tx, person UserID, home *Home) error {
	out, err := isOut(ctx, tx, person)
	if err != nil {
		return err
	}
	if out {
		return forbidden("An offboarding has ended your access.")
	}
	if home.Keys, err = tx.KeysOf(ctx, person); err != nil {
		return err
	}
	if home.Asked, err = tx.Requests(ctx, RequestQuery{States: []RequestState{WaitingForKey, Pending}, Asker: person}); err != nil || !home.Approver {
		return err
	}
	pending, err := s.pending(ctx, tx, person)
	home.Waiting = slices.DeleteFunc(pending, func(v RequestView) bool { return !v.MayDecide && !v.approvedBy(person) })
	return err
}
