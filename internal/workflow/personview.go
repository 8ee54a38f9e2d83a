package workflow

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// viewMaxAge is how old the answer may be to who somebody is who is shown their own. It gives
// them nothing: the directory's rate limit is for those who do something.
const viewMaxAge = time.Minute

// PersonView is everything that a person is shown of their own.
type PersonView struct {
	Own      Overview
	Keys     []access.Key
	Asked    []access.Request // open requests that this person made
	Past     []access.Request // access they asked for before, and have not now: the newest first, each wish once
	Approver bool
	Waiting  []RequestView // requests that this person may decide, or has approved
	Team     Overview      // everybody's, for approvers
}

// PersonView reads everything that a person is shown of their own. It looks at most once in a
// while at who that is, however often it is called.
func (s *Service) PersonView(ctx context.Context, person access.UserID) (v PersonView, err error) {
	active, err := s.active(ctx, person, viewMaxAge)
	if err != nil {
		return PersonView{}, err
	}
	if !active {
		return PersonView{}, access.NewForbidden("Only members of this workspace see their access and their keys here.")
	}
	if v.Approver, err = s.IsApprover(ctx, person); err != nil {
		return PersonView{}, err
	}
	if v.Own, err = s.overview(ctx, person, false, s.firstOverdue()); err != nil {
		return PersonView{}, err
	}
	err = s.Store.Read(ctx, func(tx access.Tx) error { return s.fillPersonView(ctx, tx, person, &v) })
	if err != nil || !v.Approver {
		return v, err
	}
	v.Team, err = s.Summary(ctx)
	return v, err
}

func (s *Service) fillPersonView(ctx context.Context, tx access.Tx, person access.UserID, v *PersonView) error {
	out, err := isOffboarded(ctx, tx, person)
	if err != nil {
		return err
	}
	if out {
		return access.NewForbidden("An offboarding has ended your access.")
	}
	if v.Keys, err = tx.KeysOf(ctx, person); err != nil {
		return err
	}
	if v.Asked, err = tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.WaitingForKey, access.Pending}, Asker: person}); err != nil {
		return err
	}
	if v.Past, err = pastGrants(ctx, tx, person, v.Own.Grants); err != nil || !v.Approver {
		return err
	}
	pending, err := s.pending(ctx, tx, person)
	v.Waiting = slices.DeleteFunc(pending, func(r RequestView) bool { return !r.MayDecide && !r.approvedBy(person) })
	return err
}

// How many requests a person made before are looked at, and shown at most.
const (
	pastRequests = 20
	pastShown    = 5
)

// pastGrants lists what a person asked for before and has not now, the newest first, each wish once.
func pastGrants(ctx context.Context, tx access.Tx, person access.UserID, live []GrantView) (past []access.Request, err error) {
	asked, err := lastAsked(ctx, tx, person)
	for _, r := range asked {
		same := func(other access.Request) bool {
			return other.Person == r.Person && other.Pattern == r.Pattern && other.SystemUser == r.SystemUser && other.Duration == r.Duration
		}
		has := slices.ContainsFunc(live, func(g GrantView) bool { return g.Grant.RequestID == r.ID })
		if r.State.Open() || has || slices.ContainsFunc(past, same) || len(past) == pastShown {
			continue
		}
		past = append(past, r)
	}
	return past, err
}

// lastAsked lists the last requests for access that a person made, the newest first.
func lastAsked(ctx context.Context, tx access.Tx, person access.UserID) ([]access.Request, error) {
	return tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindGrant}, Asker: person, Newest: true, Limit: pastRequests})
}

// LastDurations returns for how long a person asked for access lately, the last first, each once. For ever is 0.
func (s *Service) LastDurations(ctx context.Context, person access.UserID) (last []time.Duration, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		asked, err := lastAsked(ctx, tx, person)
		last = nil
		for _, r := range asked {
			if d := cmp.Or(r.AskedDuration, r.Duration); !slices.Contains(last, d) {
				last = append(last, d)
			}
		}
		return err
	})
	return last, err
}
