package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestManyGrantsEndAtTheSameInstant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.SelfApproval = true
	const people = 500
	for i := range people {
		h.must(h.liveGrant(access.UserID("U"+strings.Repeat("X", i%7)+string(rune('A'+i%26))+string(rune('0'+i/26%10))+string(rune('0'+i/260))), time.Hour))
	}
	var late []time.Duration
	h.Late = func(d time.Duration) { late = append(late, d) }
	h.clock.Advance(time.Hour + 3*time.Second)
	h.must(h.Sweep(h.ctx()))
	if left := h.grants(access.GrantQuery{State: access.Live}); len(left) != 0 {
		t.Errorf("%d grants outlive their end after one sweep", len(left))
	}
	if len(late) != people || late[0] != 3*time.Second {
		t.Errorf("told of %d ends, the first %v late", len(late), late[:min(1, len(late))])
	}
	h.must(h.Sweep(h.ctx()))
	if len(late) != people {
		t.Errorf("ended again: %d", len(late))
	}
}

// liveGrant puts a live grant that covers nothing into the ledger.
func (h *harness) liveGrant(person access.UserID, d time.Duration) error {
	return h.Store.Update(h.ctx(), func(tx access.Tx) error {
		r, _, err := tx.InsertRequest(h.ctx(), access.Request{Kind: access.KindGrant, State: access.Approved, Source: h.nextSource(), Asker: person, Person: person}, nil)
		if err != nil {
			return err
		}
		now := h.clock.Now()
		_, err = tx.InsertGrant(h.ctx(), access.Grant{RequestID: r.ID, Person: person, SystemUser: "runcloud", State: access.Live, StartsAt: now, EndsAt: now.Add(d)}, nil)
		return err
	})
}

func TestHowGrantsArePlaced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		long      access.LongGrants
		duration  time.Duration // 0 is for ever
		temporary bool
	}{
		{"as long as RunCloud's own", access.Permanent, 12 * time.Hour, true},
		{"longer, renewed", access.Renew, 13 * time.Hour, true},
		{"longer, permanent", access.Permanent, 13 * time.Hour, false},
		{"for ever, renewed", access.Renew, 0, false},
		{"for ever, permanent", access.Permanent, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.EngineSettings.LongGrants, h.Settings.AllowForever = tt.long, true
			h.register(alice, "alice laptop")
			r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "s", Asker: alice, Person: alice, Duration: tt.duration, Forever: tt.duration == 0})
			h.must(err)
			if cost := h.view(r.ID).Renewals; (cost.CallsPerMonth > 0) != (tt.long == access.Renew && tt.duration > 12*time.Hour) {
				t.Errorf("the request shows %+v", cost)
			}
			h.approve(r.ID)
			h.work()
			first := h.account.keys[1][0]
			if *first.Temporary != tt.temporary {
				t.Errorf("temporary: %v, want %v", *first.Temporary, tt.temporary)
			}
			h.pass(12*time.Hour - 10*time.Minute)
			if keys := h.account.keys[1]; len(keys) != 1 || !tt.temporary && keys[0].ID != first.ID {
				t.Errorf("in the meantime %+v", keys)
			}
			h.pass(2 * time.Hour)
			if got, want := len(h.account.ours()), map[bool]int{true: 1}[tt.duration == 0]; got != want {
				t.Errorf("%d keys in the end, want %d", got, want)
			}
		})
	}
}

func TestExtendedTemporaryGrantBecomesPermanentInTime(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.EngineSettings.LongGrants = access.Permanent
	h.register(alice, "alice laptop")
	h.grant(alice, 12*time.Hour, "")
	h.work()
	r, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: 24 * time.Hour})
	h.must(err)
	h.approve(r.ID)
	h.pass(13 * time.Hour)
	if keys := h.account.keys[1]; len(keys) != 1 || *keys[0].Temporary {
		t.Errorf("after RunCloud's own end: %+v", keys)
	}
	h.pass(24 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("after the end: %v", left)
	}
}

func TestServerThatLeftTheAccountIsOwedNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	r := h.grant(alice, 2*time.Hour, "web-01,web-02")
	h.work()
	delete(h.account.names, 2)
	h.pass(3 * time.Hour)
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 1 || got[access.OutOfReach] != 1 {
		t.Errorf("removals %v, want one confirmed, and one that nobody can confirm", got)
	}
	if debt, err := h.Overview(h.ctx(), ""); err != nil || len(debt.Debt) != 0 {
		t.Errorf("debt %+v, %v", debt.Debt, err)
	}
}

func TestServerThatIsOnlyNotFoundKeepsItsDebt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	r := h.grant(alice, time.Hour, "")
	h.work()
	h.Target = &missing{account: h.account, server: 2}
	h.pass(2 * time.Hour)
	off := h.offboard(alice)
	h.work()
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 1 || got[access.Waiting] != 1 {
		t.Errorf("removals %v: the list still has the server", got)
	}
	if got := states(h.view(off.ID), access.PhaseInspect); got[access.Waiting] != 1 {
		t.Errorf("inspections %v: the list still has the server", got)
	}
	h.Target = h.account
	h.pass(30 * time.Minute)
	if left := h.account.ours(); len(left) != 0 || !h.view(off.ID).Settled() {
		t.Errorf("left %v when it was found again", left)
	}
}

// missing is an account that lists a server and does not find it.
type missing struct {
	*account
	server int64
}

func (m *missing) List(ctx context.Context, server int64) ([]access.Credential, error) {
	if server == m.server {
		return nil, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return m.account.List(ctx, server)
}

func (m *missing) Server(ctx context.Context, id int64) (access.Server, error) {
	if id == m.server {
		return access.Server{}, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return m.account.Server(ctx, id)
}

func (m *missing) Remove(ctx context.Context, server, id int64) error {
	if server == m.server {
		return &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return m.account.Remove(ctx, server, id)
}

func TestAccountThatIsNotFoundIsNoInspectedAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.Target = &unlisted{h.account}
	off := h.offboard(alice)
	h.work()
	if v := h.view(off.ID); v.Settled() {
		t.Errorf("settled without a server having been read: %+v", v.Results)
	}
	h.Target = h.account
	h.pass(20 * time.Minute)
	if v := h.view(off.ID); !v.Settled() || len(v.Results) != 3 {
		t.Errorf("results %+v, want both servers read", v.Results)
	}
}

// unlisted is an account whose list of servers answers «not found», as behind a wrong address.
type unlisted struct{ *account }

func (unlisted) Servers(context.Context) ([]access.Server, error) {
	return nil, &access.Error{Code: access.NotFound, Message: "Not found."}
}

func TestKeyConfirmedForAnotherSystemUserIsTakenBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.Target = &picky{account: h.account, add: func(server int64, c access.Credential) (access.Credential, error) {
		c.SystemUser = "root"
		return h.account.Add(h.ctx(), server, c)
	}}
	r := h.grant(alice, 2*time.Hour, "")
	h.work()
	if left := h.account.ours(); len(left) != 0 {
		t.Fatalf("a key for root stays: %v", left)
	}
	v := h.view(r.ID)
	if got := states(v, access.PhaseAdd); got[access.Failed] != 1 || !strings.Contains(v.Results[0].Detail, "root") {
		t.Errorf("results %+v", v.Results)
	}
	h.Target = h.account
	if n, err := h.RetryFailed(h.ctx(), r.ID, alice); n != 1 || err != nil {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.work()
	if got := h.account.ours(); len(got) != 1 || !strings.HasPrefix(got[0], "1 runcloud ") {
		t.Errorf("after the retry %v", got)
	}
}

func TestOnlyThoseConcernedRetry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return refuse
		}
		return noFault
	}
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: 2 * time.Hour})
	h.must(err)
	h.approve(r.ID)
	h.work()
	h.unchanged(t, func() {
		_, err := h.RetryFailed(h.ctx(), r.ID, "U0EVE")
		refuses(t, err, access.Forbidden, "Only an approver, or the people")
	})
	for _, actor := range []access.UserID{alice, carol, dave} { // receiver, asker, approver
		h.clock.Advance(10 * time.Minute)
		if n, err := h.RetryFailed(h.ctx(), r.ID, actor); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", actor, n, err)
		}
		h.work() // refused again
	}
	h.account.next = nil
	_, err = h.RetryFailed(h.ctx(), r.ID, bob)
	refuses(t, err, access.Conflict, "tried again just now")
	h.clock.Advance(10 * time.Minute)
	_, err = h.RetryFailed(h.ctx(), r.ID, bob)
	h.must(err)
	h.work()
	_, err = h.RetryFailed(h.ctx(), r.ID, bob)
	refuses(t, err, access.Conflict, "Nothing has failed")
}

func TestRefusedInspectionIsShownAndRetried(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	closed := &forbidding{account: h.account, closed: true}
	h.Target = closed
	off := h.offboard(alice)
	h.work()
	if got := states(h.view(off.ID), access.PhaseInspect); got[access.Failed] != 1 {
		t.Fatalf("inspections %v", got)
	}
	closed.closed = false
	h.pass(10 * time.Minute)
	if h.view(off.ID).Settled() {
		t.Errorf("what was refused for good waits for a person")
	}
	if n, err := h.RetryFailed(h.ctx(), off.ID, dave); n != 1 || err != nil {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.work()
	if v := h.view(off.ID); !v.Settled() {
		t.Errorf("results %+v", v.Results)
	}
}

// forbidding is an account that shows no keys while it is closed.
type forbidding struct {
	*account
	closed bool
}

func (f *forbidding) List(ctx context.Context, server int64) ([]access.Credential, error) {
	if f.closed {
		return nil, &access.Error{Code: access.Forbidden, Message: "This action is unauthorized."}
	}
	return f.account.List(ctx, server)
}

func TestGiveBackOneOrAll(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	first := h.grant(alice, 2*time.Hour, "web-01")
	h.grant(alice, 2*time.Hour, "web-02")
	h.grant(alice, 2*time.Hour, "web-03")
	others := h.grant(carol, 2*time.Hour, "web-01")
	h.work()
	given, err := h.GiveBack(h.ctx(), alice, first.GrantID, h.nextSource())
	if err != nil || len(given) != 1 || given[0].ID != first.GrantID {
		t.Fatalf("gave back %+v, %v", given, err)
	}
	h.work()
	if got := len(h.account.ours()); got != 3 {
		t.Errorf("%d keys, want three", got)
	}
	_, err = h.GiveBack(h.ctx(), alice, others.GrantID, h.nextSource())
	refuses(t, err, access.NotFound, "no access that could be given back")
	if given, err = h.GiveBack(h.ctx(), alice, 0, h.nextSource()); err != nil || len(given) != 2 {
		t.Errorf("gave back %+v, %v", given, err)
	}
	_, err = h.GiveBack(h.ctx(), alice, 0, h.nextSource())
	refuses(t, err, access.NotFound, "no access that could be given back")
	h.work()
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("left %v, want carol's alone", got)
	}
}
