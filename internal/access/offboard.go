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
	profile, err := s.Directory.Profile(ctx, id)
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

// leftSource begins the source of an offboarding that Slack's word alone caused.
const leftSource = "left:"

// Left offboards a person whose account Slack says is deactivated, or asks the
// approvers to, as the team has chosen. Being told again changes nothing.
func (s *Service) Left(ctx context.Context, id UserID) error {
	if s.Settings.OffboardDeactivated == OffboardOff {
		return nil
	}
	profile, err := s.Directory.ProfileNow(ctx, id)
	if err != nil {
		return err
	}
	if profile.Standing != Deactivated {
		return s.stayed(ctx, id) // an old event: the account is active again
	}
	r := s.newRequest(KindOffboard, noticeKey(leftSource+string(id), s.Now().UnixNano()), "", id, "")
	r.Reason = "The Slack account was deactivated."
	nobody, err := s.nobodyDecides(ctx, r)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		due, err := s.owesOffboarding(ctx, tx, id, nobody)
		if err != nil || !due {
			return err
		}
		r, _, err := tx.InsertRequest(ctx, r, nil)
		if err != nil {
			return err
		}
		if err := s.posted(ctx, tx, r); err != nil {
			return err
		}
		if s.Settings.OffboardDeactivated == OffboardAsks {
			return tx.SetFlag(ctx, flagLeft+string(id), strconv.FormatInt(r.ID, 10))
		}
		_, err = s.approve(ctx, tx, r, "", "")
		return err
	})
}

// nobodyDecides tells whether approvers would have to be asked to offboard a person who
// is owed that, and none is left.
func (s *Service) nobodyDecides(ctx context.Context, r Request) (bool, error) {
	if s.Settings.OffboardDeactivated != OffboardAsks {
		return false, nil
	}
	var due bool
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		due, err = s.owesOffboarding(ctx, tx, r.Person, false)
		return err
	})
	if err != nil || !due {
		return false, err
	}
	if err = s.deciders(ctx, r); CodeOf(err) == Forbidden {
		return true, nil
	}
	return false, err
}

// flagLeft, with a person behind it, keeps which request asked the approvers about the
// account while it is deactivated: what they denied is not asked again.
const flagLeft = "left:"

// stayed forgets what was asked about an account that is active.
func (s *Service) stayed(ctx context.Context, id UserID) error {
	var asked string
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		asked, err = tx.Flag(ctx, flagLeft+string(id))
		return err
	})
	if err != nil || asked == "" {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error { return tx.SetFlag(ctx, flagLeft+string(id), "") })
}

// keptOn tells whether the approvers have denied to offboard a person whose account
// has been deactivated ever since, or were asked when nobody could decide, as nobody
// can now.
func (s *Service) keptOn(ctx context.Context, tx Tx, id UserID, nobody bool) (bool, error) {
	asked, err := tx.Flag(ctx, flagLeft+string(id))
	if err != nil || asked == "" || s.Settings.OffboardDeactivated != OffboardAsks {
		return false, err
	}
	number, err := strconv.ParseInt(asked, 10, 64)
	if err != nil {
		return false, err
	}
	r, err := tx.Request(ctx, number)
	return r.State == Denied && (r.DecidedBy != "" || nobody), err
}

// owesOffboarding tells whether the ledger holds anything of a person who left and
// nobody has started to offboard them.
func (s *Service) owesOffboarding(ctx context.Context, tx Tx, id UserID, nobody bool) (bool, error) {
	person, err := tx.Person(ctx, id)
	if err != nil || person.Offboarded() {
		return false, err
	}
	open, err := tx.Requests(ctx, RequestQuery{States: []RequestState{Pending}, Kinds: []RequestKind{KindOffboard}, Person: id})
	if err != nil || len(open) > 0 {
		return false, err
	}
	if kept, err := s.keptOn(ctx, tx, id, nobody); err != nil || kept {
		return false, err
	}
	keys, err := tx.AllKeysOf(ctx, id)
	if err != nil || len(keys) > 0 {
		return len(keys) > 0, err
	}
	for _, q := range []RequestQuery{{Person: id}, {Asker: id}} {
		q.States = []RequestState{WaitingForKey, Pending}
		if open, err := tx.Requests(ctx, q); err != nil || len(open) > 0 {
			return len(open) > 0, err
		}
	}
	return false, nil
}

// carryOutOffboard ends everything of the person's in the ledger; the servers
// follow. From this moment no request can name them and they decide nothing.
func (s *Service) carryOutOffboard(ctx context.Context, tx Tx, r Request, actor UserID) error {
	if err := tx.SetOffboarded(ctx, r.Person, s.Now()); err != nil {
		return err
	}
	if err := s.audit(ctx, tx, actor, "person.offboard", "request", r.ID, "active", "offboarded", string(r.Person)); err != nil {
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

// closeRequestsOf cancels the open requests that a person asked or would receive.
func (s *Service) closeRequestsOf(ctx context.Context, tx Tx, id UserID) error {
	for _, q := range []RequestQuery{{Asker: id}, {Person: id}} {
		q.States = []RequestState{Draft, WaitingForKey, Pending}
		open, err := tx.Requests(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range open {
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
		results = append(results, s.newResult(r.ID, PhaseRemove, p.ServerID, names[p.ServerID], p.SystemUser, p.Fingerprint))
		if p.State == PlacementLeaving {
			if err := tx.Wake(ctx, Work{Kind: WorkRemove, ID: p.ServerID}); err != nil {
				return err
			}
		}
	}
	return tx.InsertResults(ctx, results)
}

// stillOwed counts the keys that are, or may be, on a server though an offboarding ends
// them. Somebody who is no longer offboarded owes nothing.
func stillOwed(ctx context.Context, tx Tx, r Request) (int, error) {
	if r.Kind != KindOffboard {
		return 0, nil
	}
	person, err := tx.Person(ctx, r.Person)
	if err != nil || !person.Offboarded() {
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
