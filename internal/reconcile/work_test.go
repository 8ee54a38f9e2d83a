package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestManyGrantsEndAtTheSameInstant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.SelfApproval = true
	const people = 500
	for i := range people {
		h.Must(liveGrant(h, access.UserID("U"+strings.Repeat("X", i%7)+string(rune('A'+i%26))+string(rune('0'+i/26%10))+string(rune('0'+i/260))), time.Hour))
	}
	var late []time.Duration
	h.Late = func(d time.Duration) { late = append(late, d) }
	h.Clock.Advance(time.Hour + 3*time.Second)
	h.Must(h.Sweep(h.Ctx()))
	if left := h.Grants(access.GrantQuery{State: access.Live}); len(left) != 0 {
		t.Errorf("%d grants outlive their end after one sweep", len(left))
	}
	if len(late) != people || late[0] != 3*time.Second {
		t.Errorf("told of %d ends, the first %v late", len(late), late[:min(1, len(late))])
	}
	h.Must(h.Sweep(h.Ctx()))
	if len(late) != people {
		t.Errorf("ended again: %d", len(late))
	}
}

// liveGrant puts a live grant that covers nothing into the ledger.
func liveGrant(h *harness, person access.UserID, d time.Duration) error {
	return h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		r, _, err := tx.InsertRequest(h.Ctx(), access.Request{Kind: access.KindGrant, State: access.Approved, Source: h.NextSource(), Asker: person, Person: person}, nil)
		if err != nil {
			return err
		}
		now := h.Clock.Now()
		_, err = tx.InsertGrant(h.Ctx(), access.Grant{RequestID: r.ID, Person: person, SystemUser: "runcloud", State: access.Live, StartsAt: now, EndsAt: now.Add(d)}, nil)
		return err
	})
}

func TestHowGrantsArePlaced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		long      reconcile.LongGrants
		duration  time.Duration // 0 is for ever
		temporary bool
	}{
		{"as long as RunCloud's own", reconcile.Permanent, 12 * time.Hour, true},
		{"longer, renewed", reconcile.Renew, 13 * time.Hour, true},
		{"longer, permanent", reconcile.Permanent, 13 * time.Hour, false},
		{"for ever, renewed", reconcile.Renew, 0, false},
		{"for ever, permanent", reconcile.Permanent, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.Engine.Settings.LongGrants, h.Settings.AllowForever = tt.long, true
			h.MustRegister(alice, "alice laptop")
			r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: alice, Person: alice, Duration: tt.duration, Forever: tt.duration == 0})
			h.Must(err)
			if cost := h.MustView(r.ID).Renewals; (cost.CallsPerMonth > 0) != (tt.long == reconcile.Renew && tt.duration > 12*time.Hour) {
				t.Errorf("the request shows %+v", cost)
			}
			h.Approve(r.ID)
			h.Work()
			first := h.Account.Keys[1][0]
			if *first.Temporary != tt.temporary {
				t.Errorf("temporary: %v, want %v", *first.Temporary, tt.temporary)
			}
			h.Pass(12*time.Hour - 10*time.Minute)
			if keys := h.Account.Keys[1]; len(keys) != 1 || !tt.temporary && keys[0].ID != first.ID {
				t.Errorf("in the meantime %+v", keys)
			}
			h.Pass(2 * time.Hour)
			if got, want := len(h.Account.Ours()), map[bool]int{true: 1}[tt.duration == 0]; got != want {
				t.Errorf("%d keys in the end, want %d", got, want)
			}
		})
	}
}

func TestExtendedTemporaryGrantBecomesPermanentInTime(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Engine.Settings.LongGrants = reconcile.Permanent
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 12*time.Hour, "")
	h.Work()
	r, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: 24 * time.Hour})
	h.Must(err)
	h.Approve(r.ID)
	h.Pass(13 * time.Hour)
	if keys := h.Account.Keys[1]; len(keys) != 1 || *keys[0].Temporary {
		t.Errorf("after RunCloud's own end: %+v", keys)
	}
	h.Pass(24 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("after the end: %v", left)
	}
}

func TestServerThatLeftTheAccountIsOwedNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 2*time.Hour, "web-01,web-02")
	h.Work()
	delete(h.Account.Names, 2)
	h.Pass(3 * time.Hour)
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 1 || got[access.OutOfReach] != 1 {
		t.Errorf("removals %v, want one confirmed, and one that nobody can confirm", got)
	}
	if debt, err := h.Overview(h.Ctx(), ""); err != nil || len(debt.Debt) != 0 {
		t.Errorf("debt %+v, %v", debt.Debt, err)
	}
}

func TestServerThatIsOnlyNotFoundKeepsItsDebt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	h.SetTarget(&missing{Account: h.Account, server: 2})
	h.Pass(2 * time.Hour)
	off := h.MustOffboard(alice)
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 1 || got[access.Waiting] != 1 {
		t.Errorf("removals %v: the list still has the server", got)
	}
	if got := workflowtest.States(h.MustView(off.ID), access.PhaseInspect); got[access.Waiting] != 1 {
		t.Errorf("inspections %v: the list still has the server", got)
	}
	h.SetTarget(h.Account)
	h.Pass(30 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 || !h.MustView(off.ID).Settled() {
		t.Errorf("left %v when it was found again", left)
	}
}

// missing is an account that lists a server and does not find it.
type missing struct {
	*workflowtest.Account
	server int64
}

func (m *missing) List(ctx context.Context, server string) ([]access.Credential, error) {
	if workflowtest.Number(server) == m.server {
		return nil, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return m.Account.List(ctx, server)
}

func (m *missing) Server(ctx context.Context, id string) (access.Server, error) {
	if workflowtest.Number(id) == m.server {
		return access.Server{}, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return m.Account.Server(ctx, id)
}

func (m *missing) Remove(ctx context.Context, server, id string) error {
	if workflowtest.Number(server) == m.server {
		return &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return m.Account.Remove(ctx, server, id)
}

func TestAccountThatIsNotFoundIsNoInspectedAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.SetTarget(&unlisted{h.Account})
	off := h.MustOffboard(alice)
	h.Work()
	if v := h.MustView(off.ID); v.Settled() {
		t.Errorf("settled without a server having been read: %+v", v.Results)
	}
	h.SetTarget(h.Account)
	h.Pass(20 * time.Minute)
	if v := h.MustView(off.ID); !v.Settled() || len(v.Results) != 3 {
		t.Errorf("results %+v, want both servers read", v.Results)
	}
}

// unlisted is an account whose list of servers answers «not found», as behind a wrong address.
type unlisted struct{ *workflowtest.Account }

func (unlisted) Servers(context.Context) ([]access.Server, error) {
	return nil, &access.Error{Code: access.NotFound, Message: "Not found."}
}

func TestKeyConfirmedForAnotherSystemUserIsTakenBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.SetTarget(&workflowtest.Picky{Account: h.Account, OnAdd: func(server string, c access.Credential) (access.Credential, error) {
		c.SystemUser = "root"
		return h.Account.Add(h.Ctx(), server, c)
	}})
	r := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 {
		t.Fatalf("a key for root stays: %v", left)
	}
	v := h.MustView(r.ID)
	if got := workflowtest.States(v, access.PhaseAdd); got[access.Failed] != 1 || !strings.Contains(v.Results[0].Detail, "root") {
		t.Errorf("results %+v", v.Results)
	}
	h.SetTarget(h.Account)
	if n, err := h.RetryFailed(h.Ctx(), r.ID, alice); n != 1 || err != nil {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.Work()
	if got := h.Account.Ours(); len(got) != 1 || !strings.HasPrefix(got[0], "1 runcloud ") {
		t.Errorf("after the retry %v", got)
	}
}

func TestOnlyThoseConcernedRetry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Refuse
		}
		return workflowtest.NoFault
	}
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: 2 * time.Hour})
	h.Must(err)
	h.Approve(r.ID)
	h.Work()
	h.Unchanged(t, func() {
		_, err := h.RetryFailed(h.Ctx(), r.ID, "U0EVE")
		refuses(t, err, access.Forbidden, "Only an approver, or the people")
	})
	for _, actor := range []access.UserID{alice, carol, dave} { // receiver, asker, approver
		h.Clock.Advance(10 * time.Minute)
		if n, err := h.RetryFailed(h.Ctx(), r.ID, actor); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", actor, n, err)
		}
		h.Work() // refused again
	}
	h.Account.Next = nil
	_, err = h.RetryFailed(h.Ctx(), r.ID, bob)
	refuses(t, err, access.Conflict, "tried again just now")
	h.Clock.Advance(10 * time.Minute)
	_, err = h.RetryFailed(h.Ctx(), r.ID, bob)
	h.Must(err)
	h.Work()
	_, err = h.RetryFailed(h.Ctx(), r.ID, bob)
	refuses(t, err, access.Conflict, "Nothing has failed")
}

func TestRefusedInspectionIsShownAndRetried(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	closed := &forbidding{Account: h.Account, closed: true}
	h.SetTarget(closed)
	off := h.MustOffboard(alice)
	h.Work()
	if got := workflowtest.States(h.MustView(off.ID), access.PhaseInspect); got[access.Failed] != 1 {
		t.Fatalf("inspections %v", got)
	}
	closed.closed = false
	h.Pass(10 * time.Minute)
	if h.MustView(off.ID).Settled() {
		t.Errorf("what was refused for good waits for a person")
	}
	if n, err := h.RetryFailed(h.Ctx(), off.ID, dave); n != 1 || err != nil {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.Work()
	if v := h.MustView(off.ID); !v.Settled() {
		t.Errorf("results %+v", v.Results)
	}
}

// forbidding is an account that shows no keys while it is closed.
type forbidding struct {
	*workflowtest.Account
	closed bool
}

func (f *forbidding) List(ctx context.Context, server string) ([]access.Credential, error) {
	if f.closed {
		return nil, &access.Error{Code: access.Forbidden, Message: "This action is unauthorized."}
	}
	return f.Account.List(ctx, server)
}

func TestGiveBackOneOrAll(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	first := h.Grant(alice, 2*time.Hour, "web-01")
	h.Grant(alice, 2*time.Hour, "web-02")
	h.Grant(alice, 2*time.Hour, "web-03")
	others := h.Grant(carol, 2*time.Hour, "web-01")
	h.Work()
	given, err := h.GiveBack(h.Ctx(), alice, first.GrantID, h.NextSource())
	if err != nil || len(given) != 1 || given[0].ID != first.GrantID {
		t.Fatalf("gave back %+v, %v", given, err)
	}
	h.Work()
	if got := len(h.Account.Ours()); got != 3 {
		t.Errorf("%d keys, want three", got)
	}
	_, err = h.GiveBack(h.Ctx(), alice, others.GrantID, h.NextSource())
	refuses(t, err, access.NotFound, "no access that could be given back")
	if given, err = h.GiveBack(h.Ctx(), alice, 0, h.NextSource()); err != nil || len(given) != 2 {
		t.Errorf("gave back %+v, %v", given, err)
	}
	_, err = h.GiveBack(h.Ctx(), alice, 0, h.NextSource())
	refuses(t, err, access.NotFound, "no access that could be given back")
	h.Work()
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("left %v, want carol's alone", got)
	}
}
