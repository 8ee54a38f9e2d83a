package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// held is an account whose calls are held up, or answered as the test says.
type held struct {
	*account
	add    func(server int64, c access.Credential) (access.Credential, error) // nil is the account's
	listed func()                                                             // between the reading of a list and its answer
	ill    bool                                                               // removals fail
	blind  bool                                                               // lists answer «not found»
}

func (a *held) Add(ctx context.Context, server int64, c access.Credential) (access.Credential, error) {
	if a.add != nil {
		return a.add(server, c)
	}
	return a.account.Add(ctx, server, c)
}

func (a *held) List(ctx context.Context, server int64) ([]access.Credential, error) {
	if a.blind {
		return nil, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	list, err := a.account.List(ctx, server)
	if a.listed != nil {
		a.listed()
	}
	return list, err
}

func (a *held) Remove(ctx context.Context, server, id int64) error {
	if a.ill {
		return &access.Error{Code: access.Unavailable, Message: "Server Error"}
	}
	return a.account.Remove(ctx, server, id)
}

func (h *harness) sync(kind access.WorkKind) {
	h.t.Helper()
	_, err := h.Sync(h.ctx(), kind, 1, func(access.Tx) error { return nil })
	h.must(err)
}

// postUnderWay grants alice a server, and holds the call that places her key until the
// answer is called. answer waits until what came of it is recorded.
func (h *harness) postUnderWay() (a *held, answer func()) {
	h.t.Helper()
	h.register(alice, "alice laptop")
	called, goOn, recorded := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	a = &held{account: h.account}
	a.add = func(server int64, c access.Credential) (access.Credential, error) {
		close(called)
		<-goOn
		return h.account.Add(context.Background(), server, c)
	}
	h.Target = a
	h.grant(alice, 5*time.Hour, "")
	go func() {
		_, err := h.Sync(h.ctx(), access.WorkAdd, 1, func(access.Tx) error { return nil })
		recorded <- err
	}()
	<-called
	a.add = nil
	return a, func() {
		h.t.Helper()
		close(goOn)
		h.must(<-recorded)
	}
}

func (h *harness) settled(t *testing.T, id int64, want bool, when string) {
	t.Helper()
	if v := h.view(id); v.Settled() != want {
		t.Errorf("%s: settled is %v, want %v: %+v", when, v.Settled(), want, v.Results)
	}
}

func (h *harness) removal(t *testing.T, id int64, want access.ResultState, when string) {
	t.Helper()
	if got := states(h.view(id), access.PhaseRemove); got[want] != 1 || len(got) != 1 {
		t.Errorf("%s: removals %v, want one %s", when, got, want)
	}
}

func TestOffboardingWaitsForACallThatIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, answer := h.postUnderWay()
	off := h.offboard(alice)
	h.work()
	h.removal(t, off.ID, access.Unsure, "while the call is under way")
	h.settled(t, off.ID, false, "while the call is under way")
	a.ill = true
	answer()
	h.work()
	h.removal(t, off.ID, access.Waiting, "placed, and its removal fails")
	h.settled(t, off.ID, false, "placed, and its removal fails")
	shell, err := h.OffboardFromShell(h.ctx(), alice, "op", "", "again")
	h.must(err)
	h.settled(t, shell.ID, false, "asked again from the shell")
	a.ill = false
	h.clock.Advance(time.Minute)
	h.work()
	h.removal(t, off.ID, access.Done, "removed")
	h.settled(t, off.ID, true, "removed")
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRefusedCallEndsTheDoubtAboutIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	_, answer := h.postUnderWay()
	off := h.offboard(alice)
	h.work()
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return trouble
		}
		return noFault
	}
	answer()
	h.work()
	h.settled(t, off.ID, true, "the call surely had no effect")
}

func TestAnswerThatComesWhileTheListIsRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, answer := h.postUnderWay()
	off := h.offboard(alice)
	a.listed = func() {
		a.listed = nil
		answer()
	}
	h.sync(access.WorkRemove)
	h.work()
	h.settled(t, off.ID, true, "in the end")
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestKeyThatLandsAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	a := &held{account: h.account}
	h.Target = a
	h.account.lateBy = 100 * time.Second
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return late
		}
		return noFault
	}
	h.grant(alice, 5*time.Hour, "")
	h.sync(access.WorkAdd)
	h.account.next = nil
	off := h.offboard(alice)
	h.work()
	h.settled(t, off.ID, false, "before it lands")
	h.clock.Advance(101 * time.Second)
	a.ill = true
	h.must(h.Inspect(h.ctx(), 1, func(access.Tx) error { return nil }))
	h.work()
	h.settled(t, off.ID, false, "landed, and its removal fails")
	if o, err := h.Overview(h.ctx(), ""); err != nil || len(o.Debt) != 1 {
		t.Errorf("debt %+v, %v", o.Debt, err)
	}
	a.ill = false
	h.pass(10 * time.Minute)
	h.settled(t, off.ID, true, "removed")
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestLostAnswerIsNotForgottenBehindARefusal(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]error{
		"haste":     &access.Error{Code: access.RateLimited, Message: "Too Many Attempts.", RetryAfter: time.Minute},
		"forbidden": &access.Error{Code: access.Forbidden, Message: "This action is unauthorized."},
		"invalid":   &access.Error{Code: access.Invalid, Message: "The selected username is invalid."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.EngineSettings.LongGrants = access.Permanent
			h.register(alice, "alice laptop")
			var first access.Credential
			h.Target = &held{account: h.account, add: func(_ int64, c access.Credential) (access.Credential, error) {
				if first.Label == "" {
					first = c
					return access.Credential{}, &access.Error{Code: access.UnknownOutcome, Message: "Gateway Timeout"}
				}
				return access.Credential{}, second
			}}
			h.grant(alice, 7*24*time.Hour, "")
			h.work()
			h.clock.Advance(5 * time.Second)
			h.work()
			off := h.offboard(alice)
			h.work()
			h.settled(t, off.ID, false, "before it lands")
			_, err := h.account.Add(h.ctx(), 1, first)
			h.must(err)
			h.pass(10 * time.Minute)
			h.settled(t, off.ID, true, "in the end")
			if left := h.account.ours(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestRefusalForGoodIsShownThoughAnEarlierAnswerIsLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	faults := []fault{lostUndone, refuse}
	h.account.next = func(_ int64, write bool) fault {
		if !write || len(faults) == 0 {
			return noFault
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
	r := h.grant(alice, 5*time.Hour, "")
	h.work()
	h.clock.Advance(5 * time.Second)
	h.work()
	for range 2 { // with the doubt, and when it is over
		if got := states(h.view(r.ID), access.PhaseAdd); got[access.Failed] != 1 || h.account.writes != 2 {
			t.Errorf("additions %v after %d calls, want one that waits for a person", got, h.account.writes)
		}
		h.pass(10 * time.Minute)
	}
	if n, err := h.RetryFailed(h.ctx(), r.ID, alice); n != 1 || err != nil {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.work()
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("placed %v", got)
	}
}

func TestCallOfAReplicaThatWokeUpMuchLater(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"answered": noFault, "answer lost": lost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			a, answer := h.postUnderWay()
			off := h.offboard(alice)
			h.work()
			h.pass(10 * time.Minute)
			h.settled(t, off.ID, true, "when no call can be under way any more")
			a.ill = true
			h.account.next = func(_ int64, write bool) fault {
				if write {
					return f
				}
				return noFault
			}
			answer()
			h.settled(t, off.ID, false, "once it is known that one was")
			h.work()
			h.settled(t, off.ID, false, "while its removal fails")
			h.account.next, a.ill = nil, false
			h.pass(10 * time.Minute)
			h.removal(t, off.ID, access.Done, "in the end")
			h.settled(t, off.ID, true, "in the end")
			if left := h.account.ours(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestReplicaThatIsTakenForDeadWhileItsCallIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, answer := h.postUnderWay()
	a.add = func(server int64, c access.Credential) (access.Credential, error) {
		a.add = nil
		answer() // the first lands, and is recorded, right before the second
		return h.account.Add(h.ctx(), server, c)
	}
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error { return tx.ReleaseHeld(h.ctx(), "test") }))
	h.sync(access.WorkAdd)
	h.pass(time.Hour)
	placed := h.placements(access.PlacementQuery{States: []access.PlacementState{access.PlacementPlaced}})
	if keys := h.account.keys[1]; len(keys) != 1 || len(placed) != 1 || placed[0].CredentialID != keys[0].ID {
		t.Errorf("the ledger holds %+v, the server %+v", placed, keys)
	}
}

func TestNotFoundEndsNoDoubt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return lost
		}
		return noFault
	}
	h.grant(alice, 5*time.Hour, "")
	h.sync(access.WorkAdd)
	h.account.next = nil
	h.clock.Advance(10 * time.Second)
	h.sync(access.WorkAdd) // found by reading
	double := h.account.keys[1][0]
	h.account.strange(1, double.Label, double.SystemUser, double.PublicKey) // RunCloud carried it out twice
	h.Target = &held{account: h.account, blind: true}
	h.pass(10 * time.Minute)
	h.Target = h.account
	h.pass(10 * time.Minute)
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("%d copies, want one", len(got))
	}
}

func TestKeyThatRunCloudAnswersThoughItIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, complete := range []bool{false, true} {
		h := newHarness(t, 1)
		h.account.complete = complete
		key := h.register(alice, "alice laptop")
		id := h.account.strange(1, "alice by hand", "runcloud", key.Authorized())
		posts := 0
		h.Target = &held{account: h.account, add: func(int64, access.Credential) (access.Credential, error) {
			posts++
			return h.account.keys[1][0], nil
		}}
		r := h.grant(alice, time.Hour, "")
		h.work()
		want := map[bool]access.ResultState{false: access.Failed, true: access.AlreadyThere}[complete]
		if v := h.view(r.ID); states(v, access.PhaseAdd)[want] != 1 || !strings.Contains(v.Results[0].Detail, "alice by hand") {
			t.Errorf("results %+v, want %s", v.Results, want)
		}
		h.pass(2 * time.Hour)
		if keys := h.account.keys[1]; len(keys) != 1 || keys[0].ID != id || posts != 1 {
			t.Errorf("after %d calls %+v is left, want the key placed by hand", posts, keys)
		}
	}
}
