package access_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
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

func (h *harness) wrongClock(ahead time.Duration) *wrongClock {
	w := &wrongClock{h: h, ahead: ahead, boot: "first", begun: h.clock.Now()}
	h.Now = func() time.Time { return w.read().Wall }
	w.restart()
	return w
}

func (w *wrongClock) read() access.ClockReading {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.h.clock.Now()
	return access.ClockReading{Wall: now.Add(w.ahead), Up: now.Sub(w.begun), Boot: w.boot}
}

// jump sets the wall clock, and has the bot notice.
func (w *wrongClock) jump(d time.Duration) {
	w.mu.Lock()
	w.ahead += d
	w.mu.Unlock()
	w.h.must(w.h.Sweep(w.h.ctx()))
}

// restart begins a new process.
func (w *wrongClock) restart() {
	w.h.Clock = &access.Clock{Read: w.read}
	w.h.must(w.h.Sweep(w.h.ctx()))
}

// reboot is a restart of the whole machine.
func (w *wrongClock) reboot(down, jump time.Duration) {
	w.h.clock.Advance(down)
	w.mu.Lock()
	w.ahead, w.boot, w.begun = w.ahead+jump, w.boot+" again", w.h.clock.Now()
	w.mu.Unlock()
	w.restart()
}

// answer has Slack tell the true time.
func (w *wrongClock) answer() {
	for range 3 {
		w.h.Clock.Answered(w.h.clock.Now())
	}
	w.h.must(w.h.Sweep(w.h.ctx()))
}

func (h *harness) clockNews() (text []string) {
	for _, n := range h.notices(access.NoticeClock) {
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
		"years ahead, mended while stopped": {years, func(h *harness, w *wrongClock) { h.clock.Advance(10 * time.Minute); w.ahead = 0; w.restart() }},
		"years ahead, mended while off":     {years, func(_ *harness, w *wrongClock) { w.answer(); w.reboot(20*time.Minute, -years); w.answer() }},
		"put back":                          {0, func(_ *harness, w *wrongClock) { w.jump(-6 * time.Hour) }},
		"put back, again and again": {0, func(_ *harness, w *wrongClock) {
			for range 60 {
				w.jump(-50 * time.Second)
			}
		}},
		"put back, and Slack agrees": {6 * time.Hour, func(_ *harness, w *wrongClock) { w.jump(-6 * time.Hour); w.answer() }},
		"put back while off":         {0, func(_ *harness, w *wrongClock) { w.answer(); w.reboot(20*time.Minute, -6*time.Hour); w.answer() }},
		"back, and forth":            {0, func(_ *harness, w *wrongClock) { w.jump(-6 * time.Hour); w.jump(6 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.EngineSettings.LongGrants, h.EngineSettings.TemporaryLifetime = access.Permanent, 30*time.Minute
			w := h.wrongClock(test.ahead)
			h.register(alice, "alice laptop")
			r := h.grant(alice, time.Hour, "")
			h.work()
			begin := h.clock.Now()
			h.pass(10 * time.Minute)
			test.live(h, w)
			h.pass(begin.Add(59 * time.Minute).Sub(h.clock.Now()))
			if left := h.account.ours(); len(left) != 2 {
				t.Errorf("%d keys a minute before the end, want both", len(left))
			}
			h.pass(2 * time.Minute)
			h.pass(time.Minute)
			if left := h.account.ours(); len(left) != 0 {
				t.Errorf("the access goes on: %v", left)
			}
			if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 2 {
				t.Errorf("removals %v, want both", got)
			}
			h.verifyAudit()
		})
	}
}

func TestEndThatAWrongClockPutOffIsCorrected(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	w := h.wrongClock(3 * time.Hour)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	right := h.clock.Now().Add(2 * time.Hour)
	w.jump(-3 * time.Hour)
	if news := h.clockNews(); len(news) != 1 || !strings.Contains(news[0], "put back by 3h") {
		t.Fatalf("told %q, want the jump", news)
	}
	w.answer()
	w.answer()
	news := h.clockNews()
	if len(news) != 2 || !strings.Contains(news[1], "is right now") || !strings.Contains(news[1], "one grant") {
		t.Errorf("told %q, want that it is settled", news)
	}
	told := h.notices(access.NoticeCorrected)
	if len(told) != 1 || told[0].To != alice {
		t.Errorf("told %+v, want Alice of her new end", told)
	}
	var g access.Grant
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) (err error) {
		g, err = tx.Grant(h.ctx(), 1)
		return err
	}))
	if g.EndsAt.Sub(right).Abs() > time.Second {
		t.Errorf("it ends %s, want %s", g.EndsAt, right)
	}
}

func TestNothingIsGrantedWhileTheClockIsInDoubt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	w := h.wrongClock(0)
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	grant := h.ask(carol, time.Hour, "")
	more, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "more", Asker: alice, Person: alice, Duration: time.Hour})
	h.must(err)
	w.jump(-time.Hour)
	for _, id := range []int64{grant.ID, more.ID} {
		_, err := h.Decide(h.ctx(), access.Decision{RequestID: id, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Conflict, "My clock is in doubt: it was put back by 1h")
	}
	_, err = h.GiveBack(h.ctx(), alice, 0, "done")
	h.must(err)
	h.work()
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("removals wait: %v", left)
	}
	w.jump(time.Hour)
	h.approve(grant.ID)
	h.work()
	if left := h.account.ours(); len(left) != 1 {
		t.Errorf("%d keys once the clock is mended, want Carol's", len(left))
	}
	if news := h.clockNews(); len(news) != 2 {
		t.Errorf("told %q, want the doubt and its end", news)
	}
}

func TestAdditionsWaitWhileTheClockIsInDoubt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	w := h.wrongClock(0)
	h.register(alice, "alice laptop")
	r := h.grant(alice, 2*time.Hour, "")
	w.jump(-time.Hour)
	h.one(access.Work{Kind: access.WorkAdd, ID: 1})
	if left := h.account.ours(); len(left) != 0 {
		t.Fatalf("placed: %v", left)
	}
	if results := h.view(r.ID).Results; !strings.Contains(results[0].Detail, "My clock is in doubt") {
		t.Errorf("nobody is told why it waits: %+v", results)
	}
	w.jump(time.Hour)
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 1 {
		t.Errorf("%d keys once the clock is mended, want one", len(left))
	}
}

func TestReplicasWithClocksSecondsApartRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	one := h.wrongClock(0)
	other := &harness{Service: &access.Service{Store: h.Store, Target: h.Target, Directory: h.Directory, Settings: h.Settings}, t: h.t, ledger: h.ledger, account: h.account, people: h.people, clock: h.clock}
	two := other.wrongClock(20 * time.Second)
	two.boot = "another machine"
	two.restart()
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	for range 58 {
		h.clock.Advance(time.Minute)
		one.answer()
		two.answer()
	}
	if left := h.account.ours(); len(left) != 1 {
		t.Errorf("the access is over before its time: %v", left)
	}
	h.clock.Advance(2 * time.Minute)
	one.answer()
	h.work()
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("the access goes on: %v", left)
	}
	if news := h.clockNews(); len(news) != 0 {
		t.Errorf("told %q", news)
	}
}
