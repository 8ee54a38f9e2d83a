package access

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Decide records an approver's verdict and, when it settles the request, carries
// the decision into the ledger. However many decide at the same instant, one
// decision holds; the others get a Conflict that says who was first.
func (s *Service) Decide(ctx context.Context, d Decision) (Request, error) {
	r, err := s.request(ctx, d.RequestID)
	if err != nil {
		return Request{}, err
	}
	if err := s.mayDecide(ctx, r, d.Actor); err != nil {
		return Request{}, err
	}
	profile, err := s.receiver(ctx, r, d.Verdict)
	if err != nil {
		return Request{}, err
	}
	void, err := s.voidApprovals(ctx, r, d.Verdict)
	if err != nil {
		return Request{}, err
	}
	var out Request
	err = s.Store.Update(ctx, func(tx Tx) error {
		if err := s.dropApprovals(ctx, tx, r, void, "may not approve any more"); err != nil {
			return err
		}
		out, err = s.decide(ctx, tx, d, profile.Name)
		return err
	})
	return out, s.outdated(ctx, d.RequestID, err)
}

func (s *Service) request(ctx context.Context, id int64) (r Request, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		r, err = tx.Request(ctx, id)
		return err
	})
	if CodeOf(err) == NotFound {
		err = notFound("There is no such request.")
	}
	return r, err
}

// receiver checks, at the moment of an approval, that who receives access still
// may have it.
func (s *Service) receiver(ctx context.Context, r Request, v Verdict) (Profile, error) {
	if v != Approve || (r.Kind != KindGrant && r.Kind != KindExtend) {
		return Profile{}, nil
	}
	return s.member(ctx, r.Person, 0)
}

func (s *Service) decide(ctx context.Context, tx Tx, d Decision, alias string) (Request, error) {
	r, err := tx.Request(ctx, d.RequestID)
	if err != nil {
		return r, err
	}
	if err := r.Undecided(s.pressed(d.At)); err != nil {
		return r, err
	}
	if asked, err := asks(ctx, tx, r, d.Actor); err != nil {
		return r, err
	} else if asked && !s.Settings.SelfApproval {
		return r, askedYourself()
	}
	if err := s.asShown(ctx, tx, r, d.Shown); err != nil {
		return r, err
	}
	fresh, err := tx.AddApproval(ctx, Approval{RequestID: r.ID, Approver: d.Actor, Verdict: d.Verdict, Reason: d.Reason, At: s.Now(), Facts: d.Shown})
	if err != nil {
		return r, err
	}
	if !fresh && d.Verdict == Approve { // who has approved may still deny
		return r, conflict("You have approved this already; it needs another approver as well.")
	}
	if d.Verdict == Deny {
		return s.close(ctx, tx, r, Denied, d.Actor, d.Reason)
	}
	enough, err := s.enough(ctx, tx, r, d.Shown)
	if err != nil {
		return r, err
	}
	if !enough {
		if err := Record(ctx, tx, s.Now(), d.Actor, "request.approve", "request", r.ID, string(Pending), string(Pending), ""); err != nil {
			return r, err
		}
		if err := s.redrawHomes(ctx, tx, r); err != nil {
			return r, err
		}
		return r, tx.Announce(ctx, r.ID)
	}
	return s.approve(ctx, tx, r, d.Actor, alias)
}

// Undecided refuses what came at that time to a request that was no longer open then,
// and says how it ended.
func (r Request) Undecided(at time.Time) error {
	if r.State == Pending && at.Before(r.ExpiresAt) {
		return nil
	}
	e := &Error{Code: Conflict, Who: r.DecidedBy, When: r.DecidedAt}
	switch r.State {
	case Approved:
		e.Message = "This has been approved already."
	case Denied:
		e.Message = "This has been denied already."
	case Cancelled:
		e.Message = "This has been cancelled already."
	case WaitingForKey:
		e.Message = "This is still waiting for the person to register a key."
	case Draft:
		e.Message = "This has not been confirmed by the one who wrote it."
	default:
		e.Message, e.When = "This request has expired unanswered. It can be asked again.", r.ExpiresAt
	}
	return e
}

// pressed is when something was pressed; zero is now.
func (s *Service) pressed(at time.Time) time.Time {
	if at.IsZero() {
		return s.Now()
	}
	return at
}

// close moves an open request to a final state.
func (s *Service) close(ctx context.Context, tx Tx, r Request, to RequestState, actor UserID, note string) (Request, error) {
	from := r.State
	r.State, r.DecidedAt, r.DecidedBy, r.Note = to, s.Now(), actor, note
	won, err := tx.MoveRequest(ctx, r, from)
	if err != nil {
		return r, err
	}
	if !won {
		return r, conflict("Somebody else was quicker.")
	}
	if err := Record(ctx, tx, s.Now(), actor, "request."+string(to), "request", r.ID, string(from), string(to), note); err != nil {
		return r, err
	}
	if err := tx.DropFacts(ctx, r.ID); err != nil {
		return r, err
	}
	if from == Draft && to != Approved {
		return r, nil // nobody has seen it
	}
	if err := s.tellDecision(ctx, tx, r); err != nil {
		return r, err
	}
	if err := s.redrawHomes(ctx, tx, r); err != nil {
		return r, err
	}
	return r, announceNow(ctx, tx, r.ID)
}

// tellDecision tells who waits for it: who asked, and who receives access.
func (s *Service) tellDecision(ctx context.Context, tx Tx, r Request) error {
	to := []UserID{r.Asker}
	switch {
	case r.State == Approved && (r.Kind == KindGrant || r.Kind == KindExtend):
		to = append(to, r.Person)
	case r.State != Denied && r.State != Expired || r.Asker == "":
		return nil
	}
	askers, err := tx.Askers(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, a := range askers {
		to = append(to, a.Asker)
	}
	for _, id := range slices.Compact(to) {
		n := Notice{Key: noticeKey("decided:"+string(id), r.ID), Kind: NoticeDecided, To: id, RequestID: r.ID, GrantID: r.GrantID}
		if err := tx.Notify(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// approve moves the request to approved and carries it into the ledger.
func (s *Service) approve(ctx context.Context, tx Tx, r Request, actor UserID, alias string) (Request, error) {
	var err error
	switch r.Kind {
	case KindGrant:
		r.GrantID, err = s.startGrant(ctx, tx, r, alias)
	case KindExtend:
		err = s.extendGrant(ctx, tx, r, actor)
	case KindRevoke:
		r.Person, err = ownerNow(ctx, tx, r) // carried out below, once the request is closed
	case KindOffboard: // below as well
	case KindOrphan: // has nothing to approve
	}
	if err != nil {
		return r, err
	}
	if r, err = s.close(ctx, tx, r, Approved, actor, r.Note); err != nil {
		return r, err
	}
	switch r.Kind {
	case KindRevoke:
		err = s.carryOutRevoke(ctx, tx, r, actor)
	case KindOffboard:
		err = s.carryOutOffboard(ctx, tx, r, actor)
	case KindGrant, KindExtend, KindOrphan: // above
	}
	return r, err
}

// startGrant puts a live grant into the ledger, with every key that its person has
// registered by now on every server of the request.
func (s *Service) startGrant(ctx context.Context, tx Tx, r Request, alias string) (int64, error) {
	if err := s.Settings.allow(r.SystemUser, r.Duration, r.Forever()); err != nil { // the settings may be others than when it was asked
		return 0, err
	}
	steady, err := s.sureOfTime(ctx, tx)
	if err != nil {
		return 0, err
	}
	keys, err := tx.KeysOf(ctx, r.Person)
	if err != nil {
		return 0, err
	}
	if len(keys) == 0 {
		return 0, conflict("This person has no key any more; it can be approved once they have registered one.")
	}
	servers, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return 0, err
	}
	g := Grant{RequestID: r.ID, Person: r.Person, Alias: alias, SystemUser: r.SystemUser, State: Live, StartsAt: s.Now()}
	if !r.Forever() {
		g.EndsAt, g.SteadyEnd = g.StartsAt.Add(r.Duration), steady.Add(r.Duration)
	}
	covers, results := s.coverAll(r, servers, keys)
	if g, err = tx.InsertGrant(ctx, g, covers); err != nil {
		return 0, err
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return 0, err
	}
	detail := fmt.Sprintf("%s as %s on %d servers with %d keys", g.Person, g.SystemUser, len(servers), len(keys))
	if err := Record(ctx, tx, s.Now(), "", "grant.start", "grant", g.ID, "", string(Live), detail); err != nil {
		return 0, err
	}
	return g.ID, s.beginPlacing(ctx, tx, g, covers)
}

func (s *Service) coverAll(r Request, servers []ServerRef, keys []Key) ([]Cover, []Result) {
	var covers []Cover
	var results []Result
	for _, server := range servers {
		for _, key := range keys {
			covers = append(covers, Cover{ServerID: server.ID, Fingerprint: key.Fingerprint})
			results = append(results, NewResult(s.Now(), r.ID, PhaseAdd, server.ID, server.Name, r.SystemUser, key.Fingerprint))
		}
	}
	return covers, results
}

// beginPlacing has the servers of a new grant brought in line, and the keys looked for
// that the ledger holds to be there.
func (s *Service) beginPlacing(ctx context.Context, tx Tx, g Grant, covers []Cover) error {
	there, err := tx.VerifyPlaced(ctx, g.ID, s.Now())
	if err != nil {
		return err
	}
	first, rest, _ := atOnce(covers, coversAtOnce)
	if err := s.bringInLine(ctx, tx, first); err != nil {
		return err
	}
	return wakeServers(ctx, tx, WorkAdd, append(rest, there...))
}

// Cancel takes back a request that is still open: the right of those who asked. While
// others ask for the same it stays open for them.
func (s *Service) Cancel(ctx context.Context, id int64, actor UserID) (Request, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return Request{}, err
	}
	var out Request
	err := s.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil {
			return err
		}
		asked, err := asks(ctx, tx, r, actor)
		switch {
		case err != nil:
			return err
		case !asked:
			return forbidden("Only the person who asked can cancel this.")
		case !r.State.Open():
			return r.Undecided(s.Now())
		}
		changed, others, err := s.withdrawAsker(ctx, tx, r, actor)
		if out = changed; err != nil || others {
			return err
		}
		out, err = s.close(ctx, tx, r, Cancelled, actor, "")
		return err
	})
	return out, err
}

// Confirm carries out an approver's own draft, confirmed at that time (zero is now).
func (s *Service) Confirm(ctx context.Context, id int64, actor UserID, at time.Time) (Request, error) {
	if err := s.mustApprove(ctx, actor); err != nil {
		return Request{}, err
	}
	var out Request
	err := s.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ctx, id)
		switch {
		case err != nil:
			return err
		case r.Asker != actor:
			return forbidden("Only the person who wrote this can confirm it.")
		case r.State != Draft || !s.pressed(at).Before(r.ExpiresAt):
			r.State = nonDraft(r.State)
			return r.Undecided(s.pressed(at))
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

func nonDraft(state RequestState) RequestState {
	if state == Draft {
		return Expired
	}
	return state
}

// ExpireRequests closes requests that nobody answered in time. What somebody
// pressed before and is still in the inbox comes first.
func (s *Service) ExpireRequests(ctx context.Context) (int, error) {
	var expired int
	err := s.Store.Update(ctx, func(tx Tx) error {
		until := s.Now()
		oldest, err := tx.OldestEnvelope(ctx)
		if err != nil {
			return err
		}
		if !oldest.IsZero() && oldest.Before(until) {
			until = oldest
		}
		due, err := tx.Requests(ctx, RequestQuery{
			States: []RequestState{Draft, WaitingForKey, Pending}, ExpiresBefore: until, Limit: endBatch,
		})
		if err != nil {
			return err
		}
		expired = len(due)
		for _, r := range due {
			note := ""
			if r.State == WaitingForKey {
				note = "no key was registered in time."
			}
			if _, err := s.close(ctx, tx, r, Expired, "", note); err != nil && CodeOf(err) != Conflict {
				return err
			}
		}
		return nil
	})
	return expired, err
}
