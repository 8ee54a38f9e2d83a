package workflow_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// wrongClock has the wall clock of a harness show something else than true time, which
// the harness's own clock then is.
type wrongClock struct {
	h     *harness
	mu    sync.Mutex
	ahead time.Duration
	boot  string
	begun time.Time
}

func startWrongClock(h *harness, ahead time.Duration) *wrongClock {
	w := &wrongClock{h: h, ahead: ahead, boot: "first", begun: h.Clock.Now()}
	h.SetNow(func() time.Time { return w.read().Wall })
	w.restart()
	return w
}

func (w *wrongClock) read() clock.Reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.h.Clock.Now()
	return clock.Reading{Wall: now.Add(w.ahead), Up: now.Sub(w.begun), Boot: w.boot}
}

// jump sets the wall clock, and has the bot notice.
func (w *wrongClock) jump(d time.Duration) {
	w.mu.Lock()
	w.ahead += d
	w.mu.Unlock()
	w.h.Must(w.h.Sweep(w.h.Ctx()))
}

// restart begins a new process.
func (w *wrongClock) restart() {
	w.h.Engine.Clock = &clock.Clock{Read: w.read, Service: "Slack"}
	w.h.Must(w.h.Sweep(w.h.Ctx()))
}

// reboot is a restart of the whole machine.
func (w *wrongClock) reboot(down, jump time.Duration) {
	w.h.Clock.Advance(down)
	w.mu.Lock()
	w.ahead, w.boot, w.begun = w.ahead+jump, w.boot+" again", w.h.Clock.Now()
	w.mu.Unlock()
	w.restart()
}

// answer has Slack tell the true time.
func (w *wrongClock) answer() {
	for range 3 {
		w.h.Engine.Clock.Answered(w.h.Clock.Now())
	}
	w.h.Must(w.h.Sweep(w.h.Ctx()))
}

func clockNews(h *harness) (text []string) {
	for _, n := range h.Notices(access.NoticeClock) {
		text = append(text, n.Detail)
	}
	return text
}

func TestNoClockMakesAccessLonger(t *testing.T) {
	t.Parallel()
	const years = 10 * 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		ahead time.Duration                   // when the grant of an hour begins
		live  func(h *harness, w *wrongClock) // what happens within its first half
	}{
		"ahead at the approval, and mended": {3 * time.Hour, func(_ *harness, w *wrongClock) { w.jump(-3 * time.Hour); w.answer() }},
		"the same, without Slack":           {3 * time.Hour, func(_ *harness, w *wrongClock) { w.jump(-3 * time.Hour) }},
		"years ahead":                       {years, func(_ *harness, w *wrongClock) { w.jump(-years) }},
		"years ahead, mended while stopped": {years, func(h *harness, w *wrongClock) {
			h.Clock.Advance(10 * time.Minute)
			w.ahead = 0
			w.restart()
		}},
		"years ahead, mended while off": {years, func(_ *harness, w *wrongClock) { w.answer(); w.reboot(20*time.Minute, -years); w.answer() }},
		"put back":                      {0, func(_ *harness, w *wrongClock) { w.jump(-6 * time.Hour) }},
		"put back, again and again": {0, func(_ *harness, w *wrongClock) {
			for range 60 {
				w.jump(-50 * time.Second)
			}
		}},
		"put back, and Slack agrees": {6 * time.Hour, func(_ *harness, w *wrongClock) { w.jump(-6 * time.Hour); w.answer() }},
		"put back while off": {0, func(_ *harness, w *wrongClock) {
			w.answer()
			w.reboot(20*time.Minute, -6*time.Hour)
			w.answer()
		}},
		"back, and forth": {0, func(_ *harness, w *wrongClock) { w.jump(-6 * time.Hour); w.jump(6 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.Engine.Settings.LongGrants, h.Account.Lifetime = reconcile.Permanent, 30*time.Minute
			w := startWrongClock(h, test.ahead)
			h.MustRegister(alice, "alice laptop")
			r := h.Grant(alice, time.Hour, "")
			h.Work()
			begin := h.Clock.Now()
			h.Pass(10 * time.Minute)
			test.live(h, w)
			h.Pass(begin.Add(59 * time.Minute).Sub(h.Clock.Now()))
			if left := h.Account.Ours(); len(left) != 2 {
				t.Errorf("%d keys a minute before the end, want both", len(left))
			}
			h.Pass(2 * time.Minute)
			h.Pass(time.Minute)
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("the access goes on: %v", left)
			}
			if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 2 {
				t.Errorf("removals %v, want both", got)
			}
			h.VerifyAudit()
		})
	}
}

func TestEndThatAWrongClockPutOffIsCorrected(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	w := startWrongClock(h, 3*time.Hour)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	right := h.Clock.Now().Add(2 * time.Hour)
	w.jump(-3 * time.Hour)
	if news := clockNews(h); len(news) != 1 || !strings.Contains(news[0], "put back by 3h") {
		t.Fatalf("told %q, want the jump", news)
	}
	w.answer()
	w.answer()
	news := clockNews(h)
	if len(news) != 2 || !strings.Contains(news[1], "is right now") || !strings.Contains(news[1], "one grant") {
		t.Errorf("told %q, want that it is settled", news)
	}
	told := h.Notices(access.NoticeCorrected)
	if len(told) != 1 || told[0].To != alice {
		t.Errorf("told %+v, want Alice of her new end", told)
	}
	var g access.Grant
	h.Must(h.Store.Read(h.Ctx(), func(tx access.Tx) (err error) {
		g, err = tx.Grant(h.Ctx(), 1)
		return err
	}))
	if g.EndsAt.Sub(right).Abs() > time.Second {
		t.Errorf("it ends %s, want %s", g.EndsAt, right)
	}
}

func TestNothingIsGrantedWhileTheClockIsInDoubt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	w := startWrongClock(h, 0)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	grant := h.Ask(carol, time.Hour, "")
	more, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "more", Asker: alice, Person: alice, Duration: time.Hour})
	h.Must(err)
	w.jump(-time.Hour)
	for _, id := range []int64{grant.ID, more.ID} {
		_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: id, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Conflict, "My clock is in doubt: it was put back by 1h")
	}
	_, err = h.GiveBack(h.Ctx(), alice, 0, "done")
	h.Must(err)
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("removals wait: %v", left)
	}
	w.jump(time.Hour)
	h.Approve(grant.ID)
	h.Work()
	if left := h.Account.Ours(); len(left) != 1 {
		t.Errorf("%d keys once the clock is mended, want Carol's", len(left))
	}
	if news := clockNews(h); len(news) != 2 {
		t.Errorf("told %q, want the doubt and its end", news)
	}
}

func TestAdditionsWaitWhileTheClockIsInDoubt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	w := startWrongClock(h, 0)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 2*time.Hour, "")
	w.jump(-time.Hour)
	h.One(access.Work{Kind: access.WorkAdd, ID: 1})
	if left := h.Account.Ours(); len(left) != 0 {
		t.Fatalf("placed: %v", left)
	}
	if results := h.MustView(r.ID).Results; !strings.Contains(results[0].Detail, "My clock is in doubt") {
		t.Errorf("nobody is told why it waits: %+v", results)
	}
	w.jump(time.Hour)
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 1 {
		t.Errorf("%d keys once the clock is mended, want one", len(left))
	}
}

func TestReplicasWithClocksSecondsApartRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	one := startWrongClock(h, 0)
	engine := &reconcile.Engine{Store: h.Store, Targets: h.Engine.Targets, Directory: h.Directory, Settings: h.Engine.Settings}
	other := &harness{Service: &workflow.Service{Engine: engine, Store: h.Store, Directory: h.Directory, Settings: h.Settings}, T: h.T, Ledger: h.Ledger, Account: h.Account, People: h.People, Clock: h.Clock}
	two := startWrongClock(other, 20*time.Second)
	two.boot = "another machine"
	two.restart()
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	for range 58 {
		h.Clock.Advance(time.Minute)
		one.answer()
		two.answer()
	}
	if left := h.Account.Ours(); len(left) != 1 {
		t.Errorf("the access is over before its time: %v", left)
	}
	h.Clock.Advance(2 * time.Minute)
	one.answer()
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("the access goes on: %v", left)
	}
	if news := clockNews(h); len(news) != 0 {
		t.Errorf("told %q", news)
	}
}
