package workflow

import (
	"context"
	"strconv"

	"sshkeybot/internal/access"
)

// OffboardAsk is an approver's wish that everything of a person's goes.
type OffboardAsk struct {
	Source  string
	Asker   access.UserID
	Person  access.UserID
	Reason  string
	Channel string
}

// Offboard stores an approver's wish that everything of a person's goes, as a draft
// that they confirm. Nothing changes before that.
func (s *Service) Offboard(ctx context.Context, a OffboardAsk) (access.Request, error) {
	if err := s.requireApprover(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	if a.Asker == a.Person {
		return access.Request{}, access.NewForbidden("Nobody offboards themself; ask another approver.")
	}
	if err := s.knownUser(ctx, a.Person); err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindOffboard, a.Source, a.Asker, a.Person, a.Channel)
	r.State, r.ExpiresAt, r.Reason = access.Draft, r.CreatedAt.Add(draftTTL), a.Reason
	return s.submit(ctx, r, nil)
}

// knownUser refuses an id that neither the directory nor the ledger knows: most likely a slip.
func (s *Service) knownUser(ctx context.Context, id access.UserID) error {
	profile, err := s.Directory.Profile(ctx, id, actorMaxAge)
	if err != nil || profile.Standing != access.Nobody {
		return err
	}
	return s.Store.Read(ctx, func(tx access.Tx) error {
		keys, err := tx.AllKeysOf(ctx, id)
		if err == nil && len(keys) == 0 {
			err = access.NewNotFound(s.Directory.Title() + " knows no such user, and no key of theirs is registered.")
		}
		return err
	})
}

// OffboardMode says what happens when the directory tells that an account was deactivated.
type OffboardMode string

// OffboardRun offboards at once, OffboardAsks puts it before the approvers, OffboardOff
// does nothing.
const (
	OffboardRun  OffboardMode = "run"
	OffboardAsks OffboardMode = "ask"
	OffboardOff  OffboardMode = "off"
)

// carryOutOffboard ends everything of the person's in the ledger; the servers
// follow. From this moment no request can name them and they decide nothing.
func (s *Service) carryOutOffboard(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) error {
	if err := tx.SetOffboarded(ctx, r.Person, s.Now()); err != nil {
		return err
	}
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidPersonOffboard, access.NounRequest, r.ID, "active", "offboarded", string(r.Person)); err != nil {
		return err
	}
	if err := s.closeRequestsOf(ctx, tx, r.Person); err != nil {
		return err
	}
	if err := s.endKeysOf(ctx, tx, r.Person, actor); err != nil {
		return err
	}
	owed, err := tx.Placements(ctx, access.PlacementQuery{
		Person: r.Person, States: []access.PlacementState{access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	})
	if err != nil {
		return err
	}
	if err := s.addRemovals(ctx, tx, r, owed); err != nil {
		return err
	}
	live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: r.Person})
	if err != nil {
		return err
	}
	if err := s.endGrants(ctx, tx, ending{actor: actor, reason: access.EndOffboarded, request: r.ID}, live); err != nil {
		return err
	}
	return s.Engine.InspectAll(ctx, tx, r)
}

// joinOffboarding has who confirmed a draft stand behind the offboarding that began while
// they looked at it, since one is enough; the zero Request when there is none.
func (s *Service) joinOffboarding(ctx context.Context, tx access.Tx, draft access.Request, actor access.UserID) (access.Request, error) {
	if draft.Kind != access.KindOffboard {
		return access.Request{}, nil
	}
	r, err := offboardingOf(ctx, tx, draft.Person)
	if err != nil || r.ID == 0 || r.DecidedAt.Before(draft.CreatedAt) {
		return access.Request{}, err
	}
	if _, err := s.close(ctx, tx, draft, access.Cancelled, actor, "joined request "+strconv.FormatInt(r.ID, 10)); err != nil {
		return access.Request{}, err
	}
	if !r.Automatic() {
		return r, nil
	}
	r.DecidedBy = actor
	if _, err := tx.MoveRequest(ctx, r, access.Approved); err != nil {
		return access.Request{}, err
	}
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidRequestJoin, access.NounRequest, r.ID, string(access.Approved), string(access.Approved), ""); err != nil {
		return access.Request{}, err
	}
	return r, access.AnnounceNow(ctx, tx, r.ID)
}

// closeRequestsOf cancels the open requests that a person asked or would receive.
func (s *Service) closeRequestsOf(ctx context.Context, tx access.Tx, id access.UserID) error {
	for _, q := range []access.RequestQuery{{Asker: id}, {Person: id}} {
		q.States = []access.RequestState{access.Draft, access.WaitingForKey, access.Pending}
		open, err := tx.Requests(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range open {
			if r.State == access.Draft && r.Kind == access.KindOffboard && r.Person == id {
				continue // who confirms it joins this offboarding
			}
			if r.Person != id {
				if _, others, err := s.withdrawAsker(ctx, tx, r, id); err != nil {
					return err
				} else if others {
					continue
				}
			}
			if _, err := s.close(ctx, tx, r, access.Cancelled, "", "@"+string(id)+" is being offboarded."); err != nil {
				return err
			}
		}
	}
	return nil
}

// addRemovals reports the removal of everything of the person's that is, or may be,
// on a server under the offboarding, whatever grant once placed it.
func (s *Service) addRemovals(ctx context.Context, tx access.Tx, r access.Request, owed []access.Placement) error {
	ids := make([]int64, len(owed))
	for i, p := range owed {
		ids[i] = p.ServerID
	}
	names, err := access.ServerNames(ctx, tx, ids)
	if err != nil {
		return err
	}
	var results []access.Result
	for _, p := range owed {
		results = append(results, access.NewResult(s.Now(), r.ID, access.PhaseRemove, p.On(), names[p.ServerID]))
		if p.State == access.PlacementLeaving {
			if err := tx.Wake(ctx, access.Work{Kind: access.WorkRemove, ID: p.ServerID}); err != nil {
				return err
			}
		}
	}
	return tx.InsertResults(ctx, results)
}

// countOwed counts the keys that are, or may be, on a server though an offboarding ends
// them. Somebody who may take part again owes nothing.
func countOwed(ctx context.Context, tx access.Tx, r access.Request) (int, error) {
	if r.Kind != access.KindOffboard {
		return 0, nil
	}
	out, err := isOffboarded(ctx, tx, r.Person)
	if err != nil || !out {
		return 0, err
	}
	left, err := tx.Placements(ctx, access.PlacementQuery{
		Person: r.Person, States: []access.PlacementState{access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	})
	return len(left), err
}
