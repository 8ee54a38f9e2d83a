package workflow_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the summary, whatever the machine has

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func sweepAfter(h *harness, d time.Duration) {
	h.T.Helper()
	h.Clock.Advance(d)
	h.Must(h.Sweep(h.Ctx()))
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
			h.MustRegister(alice, "alice laptop")
			r := h.Grant(alice, tt.grant, "")
			sweepAfter(h, tt.quiet-time.Second)
			if told := h.Notices(access.NoticeEnding); len(told) != 0 {
				t.Fatalf("told a second too early: %+v", told)
			}
			sweepAfter(h, time.Second)
			sweepAfter(h, time.Second)
			told := h.Notices(access.NoticeEnding)
			if len(told) != 1 || told[0].To != alice || told[0].GrantID != r.GrantID {
				t.Errorf("told %+v, want one reminder", told)
			}
		})
	}
}

func TestExtendedGrantIsRemindedOfAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	sweepAfter(h, 50*time.Minute)
	r, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
	h.Must(err)
	h.Approve(r.ID)
	sweepAfter(h, time.Minute)
	if told := h.Notices(access.NoticeEnding); len(told) != 1 {
		t.Fatalf("told %d times, want once", len(told))
	}
	sweepAfter(h, 55*time.Minute)
	if told := h.Notices(access.NoticeEnding); len(told) != 2 {
		t.Errorf("told %d times, want again before the new end", len(told))
	}
}

func TestShortGrantsDoNotHoldUpAnothersReminder(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	for i := range 25 { // all of them end within a quarter of an hour, none is half over
		h.Grant(alice, 14*time.Minute+time.Duration(i)*time.Second, "")
	}
	h.Grant(carol, 10*time.Minute, "")
	sweepAfter(h, 5*time.Minute)
	if told := h.Notices(access.NoticeEnding); len(told) != 1 || told[0].To != carol {
		t.Errorf("told %+v, want carol alone", told)
	}
}

func TestEndedGrantIsNotRemindedOf(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	_, err := h.GiveBack(h.Ctx(), alice, 0, h.NextSource())
	h.Must(err)
	sweepAfter(h, 50*time.Minute)
	if told := h.Notices(access.NoticeEnding); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func TestApproversAreRemindedOnceAfterAThirdOfTheWait(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	answered := h.Ask(alice, 2*time.Hour, "")
	h.Approve(answered.ID)
	sweepAfter(h, 2*time.Hour+39*time.Minute)
	if told := h.Notices(access.NoticeReminder); len(told) != 0 {
		t.Fatalf("reminded too early: %+v", told)
	}
	sweepAfter(h, 2*time.Minute)
	sweepAfter(h, 2*time.Hour)
	if told := h.Notices(access.NoticeReminder); len(told) != 1 || told[0].RequestID != r.ID {
		t.Errorf("reminded %+v, want once of request %d", told, r.ID)
	}
}

func TestShortWaitIsNotRemindedOfAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	_, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
	h.Must(err)
	sweepAfter(h, time.Second)
	if told := h.Notices(access.NoticeReminder); len(told) != 0 {
		t.Errorf("reminded of what they have just been asked: %+v", told)
	}
}

func TestWaitForAKeyIsNotTheApproversDelay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Ask(alice, time.Hour, "")
	sweepAfter(h, 7*time.Hour)
	h.MustRegister(alice, "alice laptop") // only now do the approvers see it
	sweepAfter(h, time.Minute)
	if told := h.Notices(access.NoticeReminder); len(told) != 0 {
		t.Errorf("reminded of what they have just been asked: %+v", told)
	}
	sweepAfter(h, 2*time.Hour+40*time.Minute)
	if told := h.Notices(access.NoticeReminder); len(told) != 1 {
		t.Errorf("reminded %d times, want once", len(told))
	}
}

func TestRenewalThatComesTooLateIsToldOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 48*time.Hour, "")
	h.Work()
	h.Pass(10*time.Hour + 50*time.Minute)
	h.SetTarget(&workflowtest.Picky{Account: h.Account, OnAdd: func(string, access.Credential) (access.Credential, error) { // removals still work
		return access.Credential{}, &access.Error{Code: access.Unavailable, Message: "Server Error"}
	}})
	h.Pass(3 * time.Hour)
	told := h.Notices(access.NoticeLapsed)
	if len(told) != 1 || told[0].To != alice || told[0].Detail == "" {
		t.Fatalf("told %+v, want one message for both servers", told)
	}
	h.SetTarget(h.Account)
	h.Pass(10 * time.Minute)
	if got := h.Account.Ours(); len(got) != 2 {
		t.Errorf("placed %v after it was mended", got)
	}
	h.Pass(3 * time.Hour)
	if told := h.Notices(access.NoticeLapsed); len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
}

// inBerlin has the domain's clock show local time there.
func inBerlin(h *harness, t *testing.T, at string) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h.Now = func() time.Time { return h.Clock.Now().In(zone) }
	to, err := time.ParseInLocation("2006-01-02 15:04", at, zone)
	if err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(to.Sub(h.Clock.Now()))
}

func TestSummaryOnceADayAtItsLocalHour(t *testing.T) {
	t.Parallel()
	const nine = 9 * time.Hour
	h := newHarness(t, 1)
	h.Settings.AllowForever = true
	h.MustRegister(alice, "alice laptop")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: alice, Person: alice, Forever: true})
	h.Must(err)
	h.Approve(r.ID)
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
		inBerlin(h, t, step.at)
		h.Must(h.Summarise(h.Ctx(), nine))
		h.Must(h.Summarise(h.Ctx(), nine))
		if got := len(h.Notices(access.NoticeSummary)); got != step.want {
			t.Errorf("at %s: %d summaries, want %d", step.at, got, step.want)
		}
	}
}

func TestFirstSummaryComesOnTheDayTheBotWasStartedBeforeItsHour(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	inBerlin(h, t, "2026-03-27 08:00")
	h.Must(h.Summarise(h.Ctx(), 9*time.Hour))
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	for want, at := range []string{"2026-03-27 08:59", "2026-03-27 09:01"} {
		inBerlin(h, t, at)
		h.Must(h.Summarise(h.Ctx(), 9*time.Hour))
		if got := len(h.Notices(access.NoticeSummary)); got != want {
			t.Errorf("at %s: %d summaries, want %d", at, got, want)
		}
	}
}

func TestNothingToSayIsNotSaid(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for range 3 {
		h.Clock.Advance(24 * time.Hour)
		h.Must(h.Summarise(h.Ctx(), 9*time.Hour))
	}
	if told := h.Notices(access.NoticeSummary); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func TestDebtAloneIsWorthASummary(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Must(h.Summarise(h.Ctx(), 0))
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Forbid }
	sweepAfter(h, 24*time.Hour)
	h.Work()
	h.Must(h.Summarise(h.Ctx(), 9*time.Hour))
	if told := h.Notices(access.NoticeSummary); len(told) != 1 {
		t.Errorf("told %d times of the debt", len(told))
	}
}
