package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// twice is a ledger whose updates fail at their end once, as a database's may.
type twice struct{ access.Store }

var errAgain = errors.New("once more")

func (s twice) Update(ctx context.Context, fn func(access.Tx) error) error {
	err := s.Store.Update(ctx, func(tx access.Tx) error { return errors.Join(fn(tx), errAgain) })
	if !errors.Is(err, errAgain) {
		return err
	}
	return s.Store.Update(ctx, fn)
}

func TestUpdatesMayRunAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Store = twice{h.ledger}
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	h.grant(alice, 2*time.Hour, "")
	h.grant(carol, 2*time.Hour, "")
	h.work()
	if got := h.account.ours(); len(got) != 4 {
		t.Fatalf("placed %v", got)
	}
	given, err := h.GiveBack(h.ctx(), carol, 0, "done")
	if err != nil || len(given) != 1 {
		t.Errorf("gave back %v, %v", given, err)
	}
	r, err := h.OffboardFromShell(h.ctx(), alice, "root@bastion", "left", "source")
	h.must(err)
	h.work()
	if left := h.account.ours(); len(left) != 0 || r.Person != alice || h.state(r.ID) != access.Approved {
		t.Errorf("left %v after %+v", left, r)
	}
}

// meanwhile is a ledger in which something happens after so many updates, right before
// the next one.
type meanwhile struct {
	access.Store
	updates int
	happens func()
}

func (s *meanwhile) Update(ctx context.Context, fn func(access.Tx) error) error {
	if s.updates--; s.updates == -1 {
		s.happens()
	}
	return s.Store.Update(ctx, fn)
}

func TestRequestForSomebodyJustOffboardedIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	_, err := h.FindServers(h.ctx(), bob, "") // so that the next update is the request's
	h.must(err)
	h.Store = &meanwhile{h.ledger, 0, func() {
		h.must(h.ledger.Update(h.ctx(), func(tx access.Tx) error {
			return tx.SetOffboarded(h.ctx(), alice, h.clock.Now())
		}))
	}}
	_, err = h.AskGrant(h.ctx(), access.GrantAsk{Source: "g", Asker: carol, Person: alice, Duration: time.Hour})
	refuses(t, err, access.Forbidden, "has just begun")
}

func TestNobodyIsRemindedOfAnEndThatHasJustMoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.clock.Advance(110 * time.Minute)
	h.Store = &meanwhile{h.ledger, 2, func() { // what is over was looked at, and who is to be reminded
		h.must(h.ledger.Update(h.ctx(), func(tx access.Tx) error {
			g, err := tx.Grant(h.ctx(), 1)
			h.must(err)
			g.EndsAt, g.SteadyEnd = g.EndsAt.Add(time.Hour), g.SteadyEnd.Add(time.Hour)
			_, err = tx.MoveGrant(h.ctx(), g, access.Live)
			return err
		}))
	}}
	h.must(h.Sweep(h.ctx()))
	if told := h.notices(access.NoticeEnding); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
	h.must(h.Sweep(h.ctx()))
	h.clock.Advance(time.Hour)
	h.must(h.Sweep(h.ctx()))
	if told := h.notices(access.NoticeEnding); len(told) != 1 {
		t.Errorf("told %d times of the new end", len(told))
	}
}

func TestWishCarriedOutBeforeACrashIsAnsweredTheSameWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	first, err := h.GiveBack(h.ctx(), alice, 0, "click")
	h.must(err)
	later := h.grant(alice, 3*time.Hour, "")
	again, err := h.GiveBack(h.ctx(), alice, 0, "click")
	h.must(err)
	if len(again) != 1 || again[0].ID != first[0].ID || h.view(later.ID).Grant.State != access.Live {
		t.Errorf("gave back %+v, and then %+v", first, again)
	}
	h.must(h.RemoveKey(h.ctx(), alice, key.Fingerprint()))
	h.must(h.RemoveKey(h.ctx(), alice, key.Fingerprint()))
	refuses(t, h.RemoveKey(h.ctx(), carol, key.Fingerprint()), access.NotFound, "no key with that fingerprint")
}

func TestLedgerThatFailsDoesNotSayThatThereIsNoKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	h.interrupt(func(ctx context.Context) error {
		err := h.RemoveKey(ctx, alice, key.Fingerprint())
		if access.CodeOf(err) == access.NotFound {
			t.Errorf("cut off: %v", err)
		}
		return err
	})
}

func TestApprovalOfALeaverDoesNotCount(t *testing.T) {
	t.Parallel()
	const erin = access.UserID("U0ERIN")
	h := newHarness(t, 1)
	h.Settings.Approvals, h.Settings.Approvers = 2, append(h.Settings.Approvers, string(erin), "U0FRANK")
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	approve := func(by access.UserID) access.RequestState {
		t.Helper()
		r, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: by, Verdict: access.Approve})
		h.must(err)
		return r.State
	}
	approve(dave)
	h.offboard(dave)
	if v := h.view(r.ID); len(v.Approvals) != 0 || len(v.Deciders) != 3 {
		t.Errorf("approved by %v, asked are %v", v.Approvals, v.Deciders)
	}
	if got := approve(erin); got != access.Pending {
		t.Errorf("with the approval of a leaver it is %s", got)
	}
	if got := approve(bob); got != access.Approved {
		t.Errorf("approved by two it is %s", got)
	}
}
