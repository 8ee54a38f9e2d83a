package workflow

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// Decision is an approver's verdict.
type Decision struct {
	RequestID int64
	Shown     string // digest of the facts that the approver was shown
	Actor     access.UserID
	Verdict   access.Verdict
	Reason    string
	At        time.Time // when it was pressed: in time counts, however late it is carried out; zero is now
}

// Decide records an approver's verdict and, when it settles the request, carries
// the decision into the ledger. However many decide at the same instant, one
// decision holds; the others get a Conflict that says who was first.
func (s *Service) Decide(ctx context.Context, d Decision) (access.Request, error) {
	r, err := s.request(ctx, d.RequestID)
	if err != nil {
		return access.Request{}, err
	}
	if err := s.requireDecider(ctx, r, d.Actor); err != nil {
		return access.Request{}, err
	}
	profile, err := s.receiver(ctx, r, d.Verdict)
	if err != nil {
		return access.Request{}, err
	}
	void, err := s.voidApprovals(ctx, r, d.Verdict)
	if err != nil {
		return access.Request{}, err
	}
	var out access.Request
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		if err := s.dropApprovals(ctx, tx, r, void, "they may not approve any more"); err != nil {
			return err
		}
		out, err = s.decide(ctx, tx, d, profile.Name)
		return err
	})
	return out, s.refreshIfOutdated(ctx, d.RequestID, err)
}

func (s *Service) request(ctx context.Context, id int64) (r access.Request, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		r, err = tx.Request(ctx, id)
		return err
	})
	if access.CodeOf(err) == access.NotFound {
		err = access.NewNotFound("There is no such request.")
	}
	return r, err
}

// receiver checks, at the moment of an approval, that who receives access still
// may have it.
func (s *Service) receiver(ctx context.Context, r access.Request, v access.Verdict) (access.Profile, error) {
	switch {
	case v != access.Approve:
	case r.Kind == access.KindGrant || r.Kind == access.KindExtend:
		return s.requireMember(ctx, r.Person, 0)
	case r.Kind == access.KindReinstate:
		return access.Profile{}, s.requireOffboarded(ctx, r.Person)
	}
	return access.Profile{}, nil
}

func (s *Service) decide(ctx context.Context, tx access.Tx, d Decision, alias string) (access.Request, error) {
	r, err := tx.Request(ctx, d.RequestID)
	if err != nil {
		return r, err
	}
	if err := r.CheckPending(s.orNow(d.At)); err != nil {
		return r, err
	}
	if asked, err := asks(ctx, tx, r, d.Actor); err != nil {
		return r, err
	} else if asked && (r.Kind.NeedsAnother() || !s.Settings.SelfApproval) {
		return r, askedYourself()
	}
	if err := s.checkShown(ctx, tx, r, d.Shown); err != nil {
		return r, err
	}
	fresh, err := tx.AddApproval(ctx, access.Approval{RequestID: r.ID, Approver: d.Actor, Verdict: d.Verdict, Reason: d.Reason, At: s.Now(), Facts: d.Shown})
	if err != nil {
		return r, err
	}
	if !fresh && d.Verdict == access.Approve { // who has approved may still deny
		return r, access.NewConflict("You have approved this already; it needs another approver as well.")
	}
	if d.Verdict == access.Deny && r.Kind == access.KindRestore {
		return r, access.NewConflict("There is nothing to deny here: nothing is granted until an approver presses Continue.")
	}
	if d.Verdict == access.Deny {
		return s.close(ctx, tx, r, access.Denied, d.Actor, d.Reason)
	}
	enough, err := s.enoughApprovals(ctx, tx, r, d.Shown)
	if err != nil {
		return r, err
	}
	if !enough {
		if err := access.Record(ctx, tx, s.Now(), d.Actor, access.DidRequestApprove, access.NounRequest, r.ID, string(access.Pending), string(access.Pending), ""); err != nil {
			return r, err
		}
		if err := s.personsChanged(ctx, tx, r); err != nil {
			return r, err
		}
		return r, tx.Announce(ctx, r.ID)
	}
	return s.approve(ctx, tx, r, d.Actor, alias)
}

// orNow returns when something was pressed: now, if that is not known.
func (s *Service) orNow(at time.Time) time.Time {
	if at.IsZero() {
		return s.Now()
	}
	return at
}

// close moves an open request to a final state.
func (s *Service) close(ctx context.Context, tx access.Tx, r access.Request, to access.RequestState, actor access.UserID, note string) (access.Request, error) {
	from := r.State
	r.State, r.DecidedAt, r.DecidedBy, r.Note = to, s.Now(), actor, note
	won, err := tx.MoveRequest(ctx, r, from)
	if err != nil {
		return r, err
	}
	if !won {
		return r, access.NewConflict("Somebody else was quicker.")
	}
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidClose(to), access.NounRequest, r.ID, string(from), string(to), note); err != nil {
		return r, err
	}
	if err := tx.DropFacts(ctx, r.ID); err != nil {
		return r, err
	}
	if r.Kind == access.KindPurge {
		if err := s.purgeClosed(ctx, tx, r); err != nil {
			return r, err
		}
	}
	if r.Kind == access.KindRotate && to != access.Approved {
		if err := s.decideRotation(ctx, tx, r.ID, access.RotationDropped, actor); err != nil {
			return r, err
		}
	}
	if from == access.Draft && to != access.Approved {
		return r, nil // nobody has seen it
	}
	s.closed(tx, r, from)
	if err := s.tellDecision(ctx, tx, r); err != nil {
		return r, err
	}
	if err := s.personsChanged(ctx, tx, r); err != nil {
		return r, err
	}
	return r, access.AnnounceNow(ctx, tx, r.ID)
}

// closed reports a request that is over, once that has committed.
func (s *Service) closed(tx access.Tx, r access.Request, from access.RequestState) {
	if s.Closed == nil {
		return
	}
	c := Closed{Kind: r.Kind, State: r.State, Decided: from == access.Pending && (r.State == access.Approved || r.State == access.Denied)}
	if c.Decided {
		c.Waited = max(0, r.DecidedAt.Sub(s.decidableSince(r))) // a clock may have been set back
	}
	tx.AfterCommit(func() { s.Closed(c) })
}

// decidedAfter is how long after an approval it is said that the work goes on: mostly it is done
// before, and NoticeReady says everything.
const decidedAfter = 30 * time.Second

// tellDecision notifies who waits for a decision: who asked, and who receives access. Nobody is
// told what they did themselves.
func (s *Service) tellDecision(ctx context.Context, tx access.Tx, r access.Request) error {
	to, err := s.waitsFor(ctx, tx, r)
	if err != nil {
		return err
	}
	notBefore := time.Time{}
	if r.State == access.Approved && r.Kind == access.KindGrant {
		notBefore = s.Now().Add(decidedAfter)
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(to))) {
		if id == "" || id == r.DecidedBy {
			continue
		}
		leaves, err := isOffboarded(ctx, tx, id)
		if err != nil {
			return err
		}
		if leaves {
			continue
		}
		n := access.Notice{
			Key: access.NoticeKey("decided:"+string(id), r.ID), Kind: access.NoticeDecided, To: id, RequestID: r.ID, GrantID: r.GrantID, NotBefore: notBefore,
		}
		if err := tx.Notify(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// waitsFor lists who waits for the decision of a request that was closed. Who is told of the
// same by another notice is left out.
func (s *Service) waitsFor(ctx context.Context, tx access.Tx, r access.Request) (to []access.UserID, err error) {
	askers, err := tx.Askers(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	to = []access.UserID{r.Asker}
	for _, a := range askers {
		to = append(to, a.Asker)
	}
	switch r.State {
	case access.Approved:
		switch r.Kind {
		case access.KindGrant, access.KindExtend, access.KindReinstate:
			return append(to, r.Person), nil
		case access.KindRevoke, access.KindPurge:
			return without(to, r.Person), nil // NoticeRevoked
		case access.KindOffboard, access.KindOrphan, access.KindAudit, access.KindRotate, access.KindRestore: // announced
		}
	case access.Denied, access.Expired:
		return to, nil
	case access.Cancelled:
		switch {
		case r.DecidedBy != "":
		case r.Kind == access.KindExtend:
			return without(to, r.Person), nil // NoticeEnded, or NoticeRevoked
		default:
			return to, nil
		}
	case access.Draft, access.WaitingForKey, access.Pending: // not closed
	}
	return nil, nil
}

func without(ids []access.UserID, id access.UserID) []access.UserID {
	return slices.DeleteFunc(ids, func(other access.UserID) bool { return other == id })
}

// Cancel takes back a request that is still open: the right of those who asked. While
// others ask for the same it stays open for them.
func (s *Service) Cancel(ctx context.Context, id int64, actor access.UserID) (access.Request, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return access.Request{}, err
	}
	var out access.Request
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil {
			return err
		}
		asked, err := asks(ctx, tx, r, actor)
		switch {
		case err != nil:
			return err
		case !asked:
			return access.NewForbidden("Only the person who asked can withdraw this.")
		case !r.State.Open():
			return r.CheckPending(s.Now())
		}
		changed, others, err := s.withdrawAsker(ctx, tx, r, actor)
		if out = changed; err != nil || others {
			return err
		}
		out, err = s.close(ctx, tx, r, access.Cancelled, actor, "")
		return err
	})
	return out, err
}

// Confirm carries out an approver's own draft, confirmed at that time (zero is now).
func (s *Service) Confirm(ctx context.Context, id int64, actor access.UserID, at time.Time) (access.Request, error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return access.Request{}, err
	}
	if err := s.checkConfirmable(ctx, id, actor); err != nil {
		return access.Request{}, err
	}
	var out access.Request
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, id)
		switch {
		case err != nil:
			return err
		case r.Asker != actor:
			return access.NewForbidden("Only the person who wrote this can confirm it.")
		case r.State != access.Draft || !s.orNow(at).Before(r.ExpiresAt):
			r.State = nonDraft(r.State)
			return r.CheckPending(s.orNow(at))
		}
		joined, err := s.joinOffboarding(ctx, tx, r, actor)
		if err != nil || joined.ID != 0 {
			out = joined
			return err
		}
		out, err = s.approve(ctx, tx, r, actor, "")
		return err
	})
	return out, err
}

// checkConfirmable refuses a draft that has come to need another approver, or whose person may not
// have what it gives.
func (s *Service) checkConfirmable(ctx context.Context, id int64, actor access.UserID) error {
	r, err := s.request(ctx, id)
	if err != nil || r.State != access.Draft {
		return err
	}
	if r.Kind.NeedsAnother() {
		others, err := s.otherApprovers(ctx, actor)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return access.NewForbidden("There is another approver now, who has to decide this. Please ask for it again.")
		}
	}
	_, err = s.receiver(ctx, r, access.Approve)
	return err
}

func nonDraft(state access.RequestState) access.RequestState {
	if state == access.Draft {
		return access.Expired
	}
	return state
}

// ExpireRequests closes requests that nobody answered in time. What somebody
// pressed before and is still in the inbox comes first.
func (s *Service) ExpireRequests(ctx context.Context) (int, error) {
	var expired int
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		until := s.Now()
		oldest, err := tx.OldestEnvelope(ctx)
		if err != nil {
			return err
		}
		if !oldest.IsZero() && oldest.Before(until) {
			until = oldest
		}
		due, err := tx.Requests(ctx, access.RequestQuery{
			States: []access.RequestState{access.Draft, access.WaitingForKey, access.Pending}, ExpiresBefore: until, Limit: endBatch,
		})
		if err != nil {
			return err
		}
		expired = len(due)
		for _, r := range due {
			note := ""
			if r.State == access.WaitingForKey {
				note = "no key was registered in time."
			}
			if _, err := s.close(ctx, tx, r, access.Expired, "", note); err != nil && access.CodeOf(err) != access.Conflict {
				return err
			}
		}
		return nil
	})
	return expired, err
}
