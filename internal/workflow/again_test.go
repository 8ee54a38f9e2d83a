package workflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
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
	h.SetStore(twice{h.Ledger})
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Grant(carol, 2*time.Hour, "")
	h.Work()
	if got := h.Account.Ours(); len(got) != 4 {
		t.Fatalf("placed %v", got)
	}
	given, err := h.GiveBack(h.Ctx(), carol, 0, "done")
	if err != nil || len(given) != 1 {
		t.Errorf("gave back %v, %v", given, err)
	}
	r, err := h.OffboardFromShell(h.Ctx(), alice, "root@bastion", "left", "source")
	h.Must(err)
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || r.Person != alice || h.State(r.ID) != access.Approved {
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
	h.MustRegister(alice, "alice laptop")
	_, err := h.FindServers(h.Ctx(), bob, "") // so that the next update is the request's
	h.Must(err)
	h.SetStore(&meanwhile{h.Ledger, 0, func() {
		h.Must(h.Ledger.Update(h.Ctx(), func(tx access.Tx) error {
			return tx.SetOffboarded(h.Ctx(), alice, h.Clock.Now())
		}))
	}})
	_, err = h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "g", Asker: carol, Person: alice, Duration: time.Hour})
	refuses(t, err, access.Forbidden, "has just begun")
}

func TestNobodyIsRemindedOfAnEndThatHasJustMoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Clock.Advance(110 * time.Minute)
	h.SetStore(&meanwhile{h.Ledger, 2, func() { // what is over was looked at, and who is to be reminded
		h.Must(h.Ledger.Update(h.Ctx(), func(tx access.Tx) error {
			g, err := tx.Grant(h.Ctx(), 1)
			h.Must(err)
			g.EndsAt, g.SteadyEnd = g.EndsAt.Add(time.Hour), g.SteadyEnd.Add(time.Hour)
			_, err = tx.MoveGrant(h.Ctx(), g, access.Live)
			return err
		}))
	}})
	h.Must(h.Sweep(h.Ctx()))
	if told := h.Notices(access.NoticeEnding); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
	h.Must(h.Sweep(h.Ctx()))
	h.Clock.Advance(time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	if told := h.Notices(access.NoticeEnding); len(told) != 1 {
		t.Errorf("told %d times of the new end", len(told))
	}
}

func TestWishCarriedOutBeforeACrashIsAnsweredTheSameWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	first, err := h.GiveBack(h.Ctx(), alice, 0, "click")
	h.Must(err)
	later := h.Grant(alice, 3*time.Hour, "")
	again, err := h.GiveBack(h.Ctx(), alice, 0, "click")
	h.Must(err)
	if len(again) != 1 || again[0].ID != first[0].ID || h.MustView(later.ID).Grant.State != access.Live {
		t.Errorf("gave back %+v, and then %+v", first, again)
	}
	h.Must(h.RemoveKey(h.Ctx(), alice, key.Fingerprint()))
	h.Must(h.RemoveKey(h.Ctx(), alice, key.Fingerprint()))
	refuses(t, h.RemoveKey(h.Ctx(), carol, key.Fingerprint()), access.NotFound, "no key with that fingerprint")
}

func TestLedgerThatFailsDoesNotSayThatThereIsNoKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	h.Interrupt(func(ctx context.Context) error {
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
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	approve := func(by access.UserID) access.RequestState {
		t.Helper()
		r, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: by, Verdict: access.Approve})
		h.Must(err)
		return r.State
	}
	approve(dave)
	h.MustOffboard(dave)
	if v := h.MustView(r.ID); len(v.Approvals) != 0 || len(v.Deciders) != 3 {
		t.Errorf("approved by %v, asked are %v", v.Approvals, v.Deciders)
	}
	if got := approve(erin); got != access.Pending {
		t.Errorf("with the approval of a leaver it is %s", got)
	}
	if got := approve(bob); got != access.Approved {
		t.Errorf("approved by two it is %s", got)
	}
}
