package access_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the summary, whatever the machine has

	"sshkeybot/internal/access"
)

func (h *harness) sweepAfter(d time.Duration) {
	h.t.Helper()
	h.clock.Advance(d)
	h.must(h.Sweep(h.ctx()))
}

func TestPersonIsRemindedOnceBeforeTheEnd(t *testing.T) {
	t.Parallel()
	tests := []struct{ grant, quiet time.Duration }{
		{12 * time.Hour, 12*time.Hour - 15*time.Minute},
		{30 * time.Minute, 15 * time.Minute},
		{10 * time.Minute, 5 * time.Minute}, // half-way through a short one
	}
	for _, tt := range tests {
		t.Run(tt.grant.String(), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.register(alice, "alice laptop")
			r := h.grant(alice, tt.grant, "")
			h.sweepAfter(tt.quiet - time.Second)
			if told := h.notices(access.NoticeEnding); len(told) != 0 {
				t.Fatalf("told a second too early: %+v", told)
			}
			h.sweepAfter(time.Second)
			h.sweepAfter(time.Second)
			told := h.notices(access.NoticeEnding)
			if len(told) != 1 || told[0].To != alice || told[0].GrantID != r.GrantID {
				t.Errorf("told %+v, want one reminder", told)
			}
		})
	}
}

func TestExtendedGrantIsRemindedOfAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.sweepAfter(50 * time.Minute)
	r, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
	h.must(err)
	h.approve(r.ID)
	h.sweepAfter(time.Minute)
	if told := h.notices(access.NoticeEnding); len(told) != 1 {
		t.Fatalf("told %d times, want once", len(told))
	}
	h.sweepAfter(55 * time.Minute)
	if told := h.notices(access.NoticeEnding); len(told) != 2 {
		t.Errorf("told %d times, want again before the new end", len(told))
	}
}

func TestShortGrantsDoNotHoldUpAnothersReminder(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	for i := range 25 { // all of them end within a quarter of an hour, none is half over
		h.grant(alice, 14*time.Minute+time.Duration(i)*time.Second, "")
	}
	h.grant(carol, 10*time.Minute, "")
	h.sweepAfter(5 * time.Minute)
	if told := h.notices(access.NoticeEnding); len(told) != 1 || told[0].To != carol {
		t.Errorf("told %+v, want carol alone", told)
	}
}

func TestEndedGrantIsNotRemindedOf(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	_, err := h.GiveBack(h.ctx(), alice, 0, h.nextSource())
	h.must(err)
	h.sweepAfter(50 * time.Minute)
	if told := h.notices(access.NoticeEnding); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func TestApproversAreRemindedOnceAfterAThirdOfTheWait(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	answered := h.ask(alice, 2*time.Hour, "")
	h.approve(answered.ID)
	h.sweepAfter(2*time.Hour + 39*time.Minute)
	if told := h.notices(access.NoticeReminder); len(told) != 0 {
		t.Fatalf("reminded too early: %+v", told)
	}
	h.sweepAfter(2 * time.Minute)
	h.sweepAfter(2 * time.Hour)
	if told := h.notices(access.NoticeReminder); len(told) != 1 || told[0].RequestID != r.ID {
		t.Errorf("reminded %+v, want once of request %d", told, r.ID)
	}
}

func TestShortWaitIsNotRemindedOfAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	_, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
	h.must(err)
	h.sweepAfter(time.Second)
	if told := h.notices(access.NoticeReminder); len(told) != 0 {
		t.Errorf("reminded of what they have just been asked: %+v", told)
	}
}

func TestWaitForAKeyIsNotTheApproversDelay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.ask(alice, time.Hour, "")
	h.sweepAfter(7 * time.Hour)
	h.register(alice, "alice laptop") // only now do the approvers see it
	h.sweepAfter(time.Minute)
	if told := h.notices(access.NoticeReminder); len(told) != 0 {
		t.Errorf("reminded of what they have just been asked: %+v", told)
	}
	h.sweepAfter(2*time.Hour + 40*time.Minute)
	if told := h.notices(access.NoticeReminder); len(told) != 1 {
		t.Errorf("reminded %d times, want once", len(told))
	}
}

func TestRenewalThatComesTooLateIsToldOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 48*time.Hour, "")
	h.work()
	h.pass(10*time.Hour + 50*time.Minute)
	h.Target = &picky{account: h.account, add: func(int64, access.Credential) (access.Credential, error) { // removals still work
		return access.Credential{}, &access.Error{Code: access.Unavailable, Message: "Server Error"}
	}}
	h.pass(3 * time.Hour)
	told := h.notices(access.NoticeLapsed)
	if len(told) != 1 || told[0].To != alice || told[0].Detail == "" {
		t.Fatalf("told %+v, want one message for both servers", told)
	}
	h.Target = h.account
	h.pass(10 * time.Minute)
	if got := h.account.ours(); len(got) != 2 {
		t.Errorf("placed %v after it was mended", got)
	}
	h.pass(3 * time.Hour)
	if told := h.notices(access.NoticeLapsed); len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
}

// inBerlin has the domain's clock show local time there.
func (h *harness) inBerlin(t *testing.T, at string) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h.Now = func() time.Time { return h.clock.Now().In(zone) }
	to, err := time.ParseInLocation("2006-01-02 15:04", at, zone)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(to.Sub(h.clock.Now()))
}

func TestSummaryOnceADayAtItsLocalHour(t *testing.T) {
	t.Parallel()
	const nine = 9 * time.Hour
	h := newHarness(t, 1)
	h.Settings.AllowForever = true
	h.register(alice, "alice laptop")
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "s", Asker: alice, Person: alice, Forever: true})
	h.must(err)
	h.approve(r.ID)
	steps := []struct {
		at   string
		want int // summaries queued by then
	}{
		{"2026-03-27 10:00", 0}, // the day it was installed
		{"2026-03-28 08:59", 0},
		{"2026-03-28 09:00", 1},
		{"2026-03-28 23:59", 1},
		{"2026-03-29 08:59", 1}, // the clocks have gone forward in the night
		{"2026-03-29 09:00", 2},
		{"2026-03-31 00:10", 2}, // a day was missed, and it is not yet nine
		{"2026-03-31 20:00", 3}, // the bot was down at nine
		{"2026-10-25 08:59", 3}, // the clocks have gone back
		{"2026-10-25 09:00", 4},
	}
	for _, step := range steps {
		h.inBerlin(t, step.at)
		h.must(h.Summarise(h.ctx(), nine))
		h.must(h.Summarise(h.ctx(), nine))
		if got := len(h.notices(access.NoticeSummary)); got != step.want {
			t.Errorf("at %s: %d summaries, want %d", step.at, got, step.want)
		}
	}
}

func TestFirstSummaryComesOnTheDayTheBotWasStartedBeforeItsHour(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.inBerlin(t, "2026-03-27 08:00")
	h.must(h.Summarise(h.ctx(), 9*time.Hour))
	h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	for want, at := range []string{"2026-03-27 08:59", "2026-03-27 09:01"} {
		h.inBerlin(t, at)
		h.must(h.Summarise(h.ctx(), 9*time.Hour))
		if got := len(h.notices(access.NoticeSummary)); got != want {
			t.Errorf("at %s: %d summaries, want %d", at, got, want)
		}
	}
}

func TestNothingToSayIsNotSaid(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for range 3 {
		h.clock.Advance(24 * time.Hour)
		h.must(h.Summarise(h.ctx(), 9*time.Hour))
	}
	if told := h.notices(access.NoticeSummary); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func TestDebtAloneIsWorthASummary(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.must(h.Summarise(h.ctx(), 0))
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	h.account.next = func(int64, bool) fault { return forbid }
	h.sweepAfter(24 * time.Hour)
	h.work()
	h.must(h.Summarise(h.ctx(), 9*time.Hour))
	if told := h.notices(access.NoticeSummary); len(told) != 1 {
		t.Errorf("told %d times of the debt", len(told))
	}
}
