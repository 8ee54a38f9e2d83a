package workflow

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// A ledger that is put back from a copy does not know what was decided after that was made.
// MarkRestored notes that, in one transaction, before any bot works on it. From then on nothing
// is given (reconcile.Engine.MayGive), while what ends access goes on; all servers are read, and
// everybody is looked up. What that finds stands in one request, which nobody asked for. Once all
// is read, an approver may approve it, and with that access is given again.

// closedByRestore is why requests are closed that were open in the copy.
const closedByRestore = "my ledger was restored from a copy, which does not know what became of this. Ask again if it is still needed."

// MarkRestored marks the ledger as put back from a copy: see Restored. No other process may
// work on it.
func (s *Service) MarkRestored(ctx context.Context) (mark access.Restored, err error) {
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		last, err := tx.Events(ctx, access.EventQuery{Newest: true, Limit: 1})
		if err != nil {
			return err
		}
		mark = access.Restored{At: s.Now()}
		for _, e := range last {
			mark.Head, mark.HeadAt = e.Head(), e.At
		}
		if mark.Acts, err = tx.DropDeliveries(ctx, s.Now()); err != nil {
			return err
		}
		if mark.Closed, err = s.closeAll(ctx, tx, closedByRestore); err != nil {
			return err
		}
		if mark.Last, err = tx.SkipIDs(ctx, s.Now()); err != nil {
			return err
		}
		if err := s.Engine.ReadAll(ctx, tx); err != nil {
			return err
		}
		return s.askToContinue(ctx, tx, &mark)
	})
	return mark, err
}

// closeAll closes every open request, and returns how many there were.
func (s *Service) closeAll(ctx context.Context, tx access.Tx, note string) (int, error) {
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Draft, access.WaitingForKey, access.Pending}})
	for _, r := range open {
		if _, err := s.close(ctx, tx, r, access.Cancelled, "", note); err != nil {
			return 0, err
		}
	}
	return len(open), err
}

// askToContinue makes the request that an approver goes on by, and stores the mark.
func (s *Service) askToContinue(ctx context.Context, tx access.Tx, mark *access.Restored) error {
	r := s.newRequest(access.KindRestore, access.NoticeKey("restored", mark.At.UnixNano()), "", "", "")
	r.ExpiresAt = time.Time{}
	r, _, err := tx.InsertRequest(ctx, r, nil)
	if err != nil {
		return err
	}
	mark.Request = r.ID
	if err := mark.Save(ctx, tx); err != nil {
		return err
	}
	detail := fmt.Sprintf("%s; %d closed, %d not carried out", mark.Head, mark.Closed, mark.Acts)
	if err := access.Record(ctx, tx, s.Now(), "", access.DidLedgerRestore, access.NounRequest, r.ID, "", string(r.State), detail); err != nil {
		return err
	}
	return s.refreshFacts(ctx, tx, r)
}

// RestoredView is what a request to go on shows besides the mark.
type RestoredView struct {
	access.Restored
	Unread reconcile.Unread
	Found  []access.Candidate // keys with our label that the copy does not know
	Left   []access.Request   // offboardings of people of whom the directory says that they left
	Gone   []access.Placement // keys that the copy has, and that somebody deleted where it has them
	Live   []GrantView        // the access that there is by the copy
	People bool               // whether everybody was looked up
}

// Ready reports whether everything was read, so that an approver may go on.
func (v RestoredView) Ready() bool { return v.People && v.Unread.Done() }

// digest returns what an approver decides on: while it is being read, that is nothing yet.
func (v RestoredView) digest() string {
	if !v.Ready() {
		return "reading"
	}
	var text strings.Builder
	for _, r := range v.Left {
		fmt.Fprintf(&text, "left %s\n", r.Person)
	}
	for _, p := range v.Gone {
		fmt.Fprintf(&text, "gone %d\n", p.ID)
	}
	return CandidatesDigest(v.Found) + "." + access.Digest([]byte(text.String()))
}

// restoredView reads what was found since the ledger was put back.
func (s *Service) restoredView(ctx context.Context, tx access.Tx, r access.Request) (v RestoredView, err error) {
	if v.Restored, err = access.RestoredOf(ctx, tx); err != nil || v.Request != r.ID {
		return v, err // it was put back once more
	}
	v.People = !v.PeopleAt.IsZero()
	if v.Unread, err = s.Engine.UnreadSince(ctx, tx, v.At); err != nil {
		return v, err
	}
	since, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindOrphan, access.KindOffboard}, After: r.ID})
	if err != nil {
		return v, err
	}
	for _, other := range since {
		if strings.HasPrefix(other.Source, access.DeactivatedSource) {
			v.Left = append(v.Left, other)
		}
		if other.Kind != access.KindOrphan {
			continue
		}
		found, err := tx.Candidates(ctx, other.ID)
		if err != nil {
			return v, err
		}
		v.Found = append(v.Found, found...)
	}
	if !v.Ready() {
		return v, nil
	}
	v.Gone, err = tx.Placements(ctx, access.PlacementQuery{States: []access.PlacementState{access.PlacementPlaced}, Problem: access.ProblemDeleted})
	return v, err
}

// viewRestored fills in what a request to go on shows.
func (s *Service) viewRestored(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.Kind != access.KindRestore {
		return nil
	}
	found, err := s.restoredView(ctx, tx, v.Request)
	if err != nil {
		return err
	}
	live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live})
	if err != nil {
		return err
	}
	for _, g := range live {
		view, err := s.grantView(ctx, tx, g)
		if err != nil {
			return err
		}
		found.Live = append(found.Live, view)
	}
	v.Restored = &found
	return nil
}

// approveRestore has access given again.
func (s *Service) approveRestore(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	v, err := s.restoredView(ctx, tx, r)
	switch {
	case err != nil:
		return r, err
	case !v.Ready():
		return r, access.NewConflict("Not everything was read yet, so nobody knows what an approver would go on with. I say so here once it was.")
	}
	v.ContinuedAt = s.Now()
	if err := v.Save(ctx, tx); err != nil {
		return r, err
	}
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidLedgerContinue, access.NounRequest, r.ID, "", "", ""); err != nil {
		return r, err
	}
	if err := s.Engine.TryNow(ctx, tx); err != nil {
		return r, err
	}
	return s.close(ctx, tx, r, access.Approved, actor, r.Note)
}

// lookedUp notes that everybody was looked up, where a restored ledger waits for it. If the list
// of all users is older than that, it is read again. The caller holds mismatches.
func (s *Service) lookedUp(ctx context.Context) error {
	var mark access.Restored
	look := func(tx access.Tx) (err error) {
		mark, err = access.RestoredOf(ctx, tx)
		return err
	}
	if err := s.Store.Read(ctx, look); err != nil || !mark.Waiting() || !mark.PeopleAt.IsZero() {
		return err
	}
	at := s.mismatches.readAt
	if at.Before(mark.At) {
		s.mismatches.readAt = time.Time{}
		return nil
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		if err := look(tx); err != nil || !mark.Waiting() {
			return err
		}
		mark.PeopleAt = at
		return mark.Save(ctx, tx)
	})
}

// WatchRestored brings the request to go on in line with what was read, and mentions the
// approvers once all was. It is to be called every few seconds.
func (s *Service) WatchRestored(ctx context.Context) error {
	var r access.Request
	var v RestoredView
	look := func(tx access.Tx) error {
		r, v = access.Request{}, RestoredView{}
		mark, err := access.RestoredOf(ctx, tx)
		if err != nil || !mark.Waiting() {
			return err
		}
		if r, err = tx.Request(ctx, mark.Request); err != nil {
			return err
		}
		v, err = s.restoredView(ctx, tx, r)
		return err
	}
	if err := s.Store.Read(ctx, look); err != nil || r.ID == 0 {
		return err
	}
	facts := access.Facts{Kind: r.Kind, List: v.digest()}
	if now := fmt.Sprint(v.People, v.Unread); facts.Digest() == r.Facts && s.shownRestored.Swap(now) == now {
		return nil
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		if err := look(tx); err != nil || r.ID == 0 || r.State != access.Pending {
			return err
		}
		if err := s.refreshFacts(ctx, tx, r); err != nil {
			return err
		}
		if v.Ready() {
			if err := tx.Notify(ctx, access.Notice{Key: access.NoticeKey("continue", r.ID), Kind: access.NoticeDecidable, RequestID: r.ID}); err != nil {
				return err
			}
		}
		return tx.Announce(ctx, r.ID)
	})
}

// OrLost returns err or, if it says that the ledger does not have that request or that grant
// (0 for none), and it was made after a copy from which the ledger was restored, an error that
// says so.
func (s *Service) OrLost(ctx context.Context, err error, request, grant int64) error {
	if access.CodeOf(err) != access.NotFound {
		return err
	}
	_ = s.Store.Read(ctx, func(tx access.Tx) error { // else the error is good enough
		mark, unread := access.RestoredOf(ctx, tx)
		if unread == nil {
			err = cmp.Or(mark.LostRequest(request), mark.LostGrant(grant), err)
		}
		return unread
	})
	return err
}
