package access

import (
	"context"
	"slices"
	"strconv"
)

// Offboard stores an approver's wish that everything of a person's goes, as a draft
// that they confirm. Nothing changes before that.
func (s *Service) Offboard(ctx context.Context, a OffboardAsk) (Request, error) {
	if err := s.mustApprove(ctx, a.Asker); err != nil {
		return Request{}, err
	}
	if a.Asker == a.Person {
		return Request{}, forbidden("Nobody offboards themself; ask another approver.")
	}
	if err := s.knownUser(ctx, a.Person); err != nil {
		return Request{}, err
	}
	r := s.newRequest(KindOffboard, a.Source, a.Asker, a.Person, a.Channel)
	r.State, r.ExpiresAt, r.Reason = Draft, r.CreatedAt.Add(draftTTL), a.Reason
	return s.post(ctx, r, nil)
}

// knownUser refuses an id that neither Slack nor the ledger knows: most likely a slip.
func (s *Service) knownUser(ctx context.Context, id UserID) error {
	profile, err := s.Directory.Profile(ctx, id, actorFresh)
	if err != nil || profile.Standing != Nobody {
		return err
	}
	return s.Store.Read(ctx, func(tx Tx) error {
		keys, err := tx.AllKeysOf(ctx, id)
		if err == nil && len(keys) == 0 {
			err = notFound("Slack knows no such user, and no key of theirs is registered.")
		}
		return err
	})
}

// OffboardMode says what happens when Slack tells that an account was deactivated.
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
func (s *Service) carryOutOffboard(ctx context.Context, tx Tx, r Request, actor UserID) error {
	if err := tx.SetOffboarded(ctx, r.Person, s.Now()); err != nil {
		return err
	}
	if err := Record(ctx, tx, s.Now(), actor, "person.offboard", "request", r.ID, "active", "offboarded", string(r.Person)); err != nil {
		return err
	}
	if err := s.closeRequestsOf(ctx, tx, r.Person); err != nil {
		return err
	}
	if err := s.endKeysOf(ctx, tx, r.Person, actor); err != nil {
		return err
	}
	owed, err := tx.Placements(ctx, PlacementQuery{
		Person: r.Person, States: []PlacementState{PlacementUnknown, PlacementPlaced, PlacementLeaving},
	})
	if err != nil {
		return err
	}
	if err := s.oweUnder(ctx, tx, r, owed); err != nil {
		return err
	}
	live, err := tx.Grants(ctx, GrantQuery{State: Live, Person: r.Person})
	if err != nil {
		return err
	}
	if err := s.endGrants(ctx, tx, ending{actor: actor, reason: EndOffboarded, request: r.ID}, live); err != nil {
		return err
	}
	return s.startInspection(ctx, tx, r, nil)
}

// joinOffboarding has who confirmed a draft stand behind the offboarding that began while
// they looked at it, since one is enough; the zero Request when there is none.
func (s *Service) joinOffboarding(ctx context.Context, tx Tx, draft Request, actor UserID) (Request, error) {
	if draft.Kind != KindOffboard {
		return Request{}, nil
	}
	r, err := offboardingOf(ctx, tx, draft.Person)
	if err != nil || r.ID == 0 || r.DecidedAt.Before(draft.CreatedAt) {
		return Request{}, err
	}
	if _, err := s.close(ctx, tx, draft, Cancelled, actor, "joined request "+strconv.FormatInt(r.ID, 10)); err != nil {
		return Request{}, err
	}
	if !r.OnSlacksWord() {
		return r, nil
	}
	r.DecidedBy = actor
	if _, err := tx.MoveRequest(ctx, r, Approved); err != nil {
		return Request{}, err
	}
	if err := Record(ctx, tx, s.Now(), actor, "request.join", "request", r.ID, string(Approved), string(Approved), ""); err != nil {
		return Request{}, err
	}
	return r, announceNow(ctx, tx, r.ID)
}

// closeRequestsOf cancels the open requests that a person asked or would receive.
func (s *Service) closeRequestsOf(ctx context.Context, tx Tx, id UserID) error {
	for _, q := range []RequestQuery{{Asker: id}, {Person: id}} {
		q.States = []RequestState{Draft, WaitingForKey, Pending}
		open, err := tx.Requests(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range open {
			if r.State == Draft && r.Kind == KindOffboard && r.Person == id {
				continue // who confirms it joins this offboarding
			}
			if r.Person != id {
				if _, others, err := s.withdrawAsker(ctx, tx, r, id); err != nil {
					return err
				} else if others {
					continue
				}
			}
			if _, err := s.close(ctx, tx, r, Cancelled, "", closedBy(r, id)); err != nil {
				return err
			}
		}
	}
	return nil
}

func closedBy(r Request, offboarded UserID) string {
	if r.Person == offboarded {
		return "the person it is for is being offboarded."
	}
	return "the person who asked is being offboarded."
}

// oweUnder reports the removal of everything of the person's that is, or may be,
// on a server under the offboarding, whatever grant once placed it.
func (s *Service) oweUnder(ctx context.Context, tx Tx, r Request, owed []Placement) error {
	names, err := serverNames(ctx, tx)
	if err != nil {
		return err
	}
	var results []Result
	for _, p := range owed {
		results = append(results, NewResult(s.Now(), r.ID, PhaseRemove, p.ServerID, names[p.ServerID], p.SystemUser, p.Fingerprint))
		if p.State == PlacementLeaving {
			if err := tx.Wake(ctx, Work{Kind: WorkRemove, ID: p.ServerID}); err != nil {
				return err
			}
		}
	}
	return tx.InsertResults(ctx, results)
}

// stillOwed counts the keys that are, or may be, on a server though an offboarding ends
// them. Somebody who may take part again owes nothing.
func stillOwed(ctx context.Context, tx Tx, r Request) (int, error) {
	if r.Kind != KindOffboard {
		return 0, nil
	}
	out, err := isOut(ctx, tx, r.Person)
	if err != nil || !out {
		return 0, err
	}
	left, err := tx.Placements(ctx, PlacementQuery{
		Person: r.Person, States: []PlacementState{PlacementUnknown, PlacementPlaced, PlacementLeaving},
	})
	return len(left), err
}

// Settled tells whether nothing of a request's work is owed any more: every key
// removed or lawfully kept, every server read, and no key of somebody who was
// offboarded that is, or may be, on a server.
func (v RequestView) Settled() bool {
	return v.Owed == 0 && !slices.ContainsFunc(v.Results, func(r Result) bool {
		return r.Phase != PhaseAdd && !r.State.Final()
	})
}
