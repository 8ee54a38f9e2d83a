package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow/workflowtest"
)

// held is an account whose calls are held up, or answered as the test says.
type held struct {
	*workflowtest.Account
	add    func(server string, c access.Credential) (access.Credential, error) // nil is the account's
	listed func()                                                              // between the reading of a list and its answer
	ill    bool                                                                // removals fail
	blind  bool                                                                // lists answer «not found»
}

func (a *held) Add(ctx context.Context, server string, c access.Credential) (access.Credential, error) {
	if a.add != nil {
		return a.add(server, c)
	}
	return a.Account.Add(ctx, server, c)
}

func (a *held) List(ctx context.Context, server string) ([]access.Credential, error) {
	if a.blind {
		return nil, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	list, err := a.Account.List(ctx, server)
	if a.listed != nil {
		a.listed()
	}
	return list, err
}

func (a *held) Remove(ctx context.Context, server, id string) error {
	if a.ill {
		return &access.Error{Code: access.Unavailable, Message: "Server Error"}
	}
	return a.Account.Remove(ctx, server, id)
}

// postUnderWay grants alice a server, and holds the call that places her key until the
// answer is called. answer waits until what came of it is recorded.
func postUnderWay(h *harness) (a *held, answer func()) {
	h.T.Helper()
	h.MustRegister(alice, "alice laptop")
	called, goOn, recorded := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	a = &held{Account: h.Account}
	a.add = func(server string, c access.Credential) (access.Credential, error) {
		close(called)
		<-goOn
		return h.Account.Add(context.Background(), server, c)
	}
	h.SetTarget(a)
	h.Grant(alice, 5*time.Hour, "")
	go func() {
		_, err := h.Engine.Sync(h.Ctx(), access.WorkAdd, 1, func(access.Tx) error { return nil })
		recorded <- err
	}()
	<-called
	a.add = nil
	return a, func() {
		h.T.Helper()
		close(goOn)
		h.Must(<-recorded)
	}
}

func checkRemoval(h *harness, t *testing.T, id int64, want access.ResultState, when string) {
	t.Helper()
	if got := workflowtest.States(h.MustView(id), access.PhaseRemove); got[want] != 1 || len(got) != 1 {
		t.Errorf("%s: removals %v, want one %s", when, got, want)
	}
}

func TestOffboardingWaitsForACallThatIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, answer := postUnderWay(h)
	off := h.MustOffboard(alice)
	h.Work()
	checkRemoval(h, t, off.ID, access.Unsure, "while the call is under way")
	h.Settled(t, off.ID, false, "while the call is under way")
	a.ill = true
	answer()
	h.Work()
	checkRemoval(h, t, off.ID, access.Waiting, "placed, and its removal fails")
	h.Settled(t, off.ID, false, "placed, and its removal fails")
	shell, err := h.OffboardFromShell(h.Ctx(), alice, "op", "", "again")
	h.Must(err)
	h.Settled(t, shell.ID, false, "asked again from the shell")
	a.ill = false
	h.Clock.Advance(time.Minute)
	h.Work()
	checkRemoval(h, t, off.ID, access.Done, "removed")
	h.Settled(t, off.ID, true, "removed")
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRefusedCallEndsTheDoubtAboutIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	_, answer := postUnderWay(h)
	off := h.MustOffboard(alice)
	h.Work()
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Trouble
		}
		return workflowtest.NoFault
	}
	answer()
	h.Work()
	h.Settled(t, off.ID, true, "the call surely had no effect")
}

func TestAnswerThatComesWhileTheListIsRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, answer := postUnderWay(h)
	off := h.MustOffboard(alice)
	a.listed = func() {
		a.listed = nil
		answer()
	}
	h.Sync(access.WorkRemove)
	h.Work()
	h.Settled(t, off.ID, true, "in the end")
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestKeyThatLandsAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	a := &held{Account: h.Account}
	h.SetTarget(a)
	h.Account.LateBy = 100 * time.Second
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Late
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 5*time.Hour, "")
	h.Sync(access.WorkAdd)
	h.Account.Next = nil
	off := h.MustOffboard(alice)
	h.Work()
	h.Settled(t, off.ID, false, "before it lands")
	h.Clock.Advance(101 * time.Second)
	a.ill = true
	h.Must(h.Engine.Inspect(h.Ctx(), 1, func(access.Tx) error { return nil }))
	h.Work()
	h.Settled(t, off.ID, false, "landed, and its removal fails")
	if o, err := h.Overview(h.Ctx(), ""); err != nil || len(o.Debt) != 1 {
		t.Errorf("debt %+v, %v", o.Debt, err)
	}
	a.ill = false
	h.Pass(10 * time.Minute)
	h.Settled(t, off.ID, true, "removed")
	if left := h.Account.Ours(); len(left) != 0 {
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
			h.Engine.Settings.LongGrants = reconcile.Permanent
			h.MustRegister(alice, "alice laptop")
			var first access.Credential
			h.SetTarget(&held{Account: h.Account, add: func(_ string, c access.Credential) (access.Credential, error) {
				if first.Label == "" {
					first = c
					return access.Credential{}, &access.Error{Code: access.UnknownOutcome, Message: "Gateway Timeout"}
				}
				return access.Credential{}, second
			}})
			h.Grant(alice, 7*24*time.Hour, "")
			h.Work()
			h.Clock.Advance(5 * time.Second)
			h.Work()
			off := h.MustOffboard(alice)
			h.Work()
			h.Settled(t, off.ID, false, "before it lands")
			_, err := h.Account.Add(h.Ctx(), "1", first)
			h.Must(err)
			h.Pass(10 * time.Minute)
			h.Settled(t, off.ID, true, "in the end")
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestRefusalForGoodIsShownThoughAnEarlierAnswerIsLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	faults := []workflowtest.Fault{workflowtest.LostUndone, workflowtest.Refuse}
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if !write || len(faults) == 0 {
			return workflowtest.NoFault
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
	r := h.Grant(alice, 5*time.Hour, "")
	h.Work()
	h.Clock.Advance(5 * time.Second)
	h.Work()
	for range 2 { // with the doubt, and when it is over
		if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Failed] != 1 || h.Account.Writes != 2 {
			t.Errorf("additions %v after %d calls, want one that waits for a person", got, h.Account.Writes)
		}
		h.Pass(10 * time.Minute)
	}
	if n, err := h.RetryFailed(h.Ctx(), r.ID, alice); n != 1 || err != nil {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.Work()
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("placed %v", got)
	}
}

func TestCallOfAReplicaThatWokeUpMuchLater(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]workflowtest.Fault{"answered": workflowtest.NoFault, "answer lost": workflowtest.Lost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			a, answer := postUnderWay(h)
			off := h.MustOffboard(alice)
			h.Work()
			h.Pass(10 * time.Minute)
			h.Settled(t, off.ID, true, "when no call can be under way any more")
			a.ill = true
			h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
				if write {
					return f
				}
				return workflowtest.NoFault
			}
			answer()
			h.Settled(t, off.ID, false, "once it is known that one was")
			h.Work()
			h.Settled(t, off.ID, false, "while its removal fails")
			h.Account.Next, a.ill = nil, false
			h.Pass(10 * time.Minute)
			checkRemoval(h, t, off.ID, access.Done, "in the end")
			h.Settled(t, off.ID, true, "in the end")
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestReplicaThatIsTakenForDeadWhileItsCallIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, answer := postUnderWay(h)
	a.add = func(server string, c access.Credential) (access.Credential, error) {
		a.add = nil
		answer() // the first lands, and is recorded, right before the second
		return h.Account.Add(h.Ctx(), server, c)
	}
	h.Must(h.Ledger.ReleaseAll(h.Ctx()))
	h.Sync(access.WorkAdd)
	h.Pass(time.Hour)
	placed := h.Placements(access.PlacementQuery{States: []access.PlacementState{access.PlacementPlaced}})
	if keys := h.Account.Keys[1]; len(keys) != 1 || len(placed) != 1 || placed[0].CredentialID != keys[0].ID {
		t.Errorf("the ledger holds %+v, the server %+v", placed, keys)
	}
}

func TestNotFoundEndsNoDoubt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Lost
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 5*time.Hour, "")
	h.Sync(access.WorkAdd)
	h.Account.Next = nil
	h.Clock.Advance(10 * time.Second)
	h.Sync(access.WorkAdd) // found by reading
	double := h.Account.Keys[1][0]
	h.Account.AddKey(1, double.Label, double.SystemUser, double.PublicKey) // RunCloud carried it out twice
	h.SetTarget(&held{Account: h.Account, blind: true})
	h.Pass(10 * time.Minute)
	h.SetTarget(h.Account)
	h.Pass(10 * time.Minute)
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("%d copies, want one", len(got))
	}
}

func TestKeyThatRunCloudAnswersThoughItIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, complete := range []bool{false, true} {
		h := newHarness(t, 1)
		h.Account.Complete = complete
		key := h.MustRegister(alice, "alice laptop")
		id := h.Account.AddKey(1, "alice by hand", "runcloud", key.Authorized())
		posts := 0
		h.SetTarget(&held{Account: h.Account, add: func(string, access.Credential) (access.Credential, error) {
			posts++
			return h.Account.Keys[1][0], nil
		}})
		r := h.Grant(alice, time.Hour, "")
		h.Work()
		want := map[bool]access.ResultState{false: access.Failed, true: access.AlreadyThere}[complete]
		if v := h.MustView(r.ID); workflowtest.States(v, access.PhaseAdd)[want] != 1 || !strings.Contains(v.Results[0].Detail, "alice by hand") {
			t.Errorf("results %+v, want %s", v.Results, want)
		}
		h.Pass(2 * time.Hour)
		if keys := h.Account.Keys[1]; len(keys) != 1 || keys[0].ID != id || posts != 1 {
			t.Errorf("after %d calls %+v is left, want the key placed by hand", posts, keys)
		}
	}
}
