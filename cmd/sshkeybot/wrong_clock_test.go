package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/workflow"
)

// oddDate is a clock that shows another time at every call.
type oddDate struct{ jumpClock }

func (o *oddDate) now() time.Time {
	o.jump(17 * time.Minute)
	return o.jumpClock.now()
}

// told waits until the channel of announcements contains a text.
func (r *rig) told(part string) {
	r.t.Helper()
	r.until("the channel reads: "+part, func() bool {
		for _, m := range r.slack.Messages(news) {
			if strings.Contains(m.Text, part) {
				return true
			}
		}
		return false
	})
}

func TestNothingIsGrantedByAWrongClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := rightClocks(time.Now)
		c.jump(3 * time.Hour)
		r := start(t, plan{clocks: c})
		r.told("It is in doubt: it is 3h ahead of Slack's")
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Press(bob, id, "Approve"), "My clock is in doubt: it is 3h ahead of Slack's", "Nothing is granted until that is settled")
		r.isOn(key, 0)
		c.jump(-3 * time.Hour)
		r.told("It was set: it was put back by 3h, and is right now")
		r.Press(bob, id, "Approve")
		if v := r.Settled(id); v.Grant == nil || time.Until(v.Grant.EndsAt) > time.Hour {
			t.Errorf("approved once the clock was right: %+v", v.Grant)
		}
		r.isOn(key, len(r.servers))
	})
}

// Slack's Date is of no use, so nobody knows at the approval that the clock is ahead.
func TestGrantByAWrongClockEndsWhenItWasApprovedTo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		t.Helper()
		var truth jumpClock
		c := rightClocks(truth.now)
		c.jump(3 * time.Hour)
		p := plan{database: database, now: truth.now, clocks: c}
		p.slack.Date = new(oddDate).now
		r := start(t, p)
		key := r.Register(alice)
		approved := truth.now()
		id := r.Granted(alice, "grant @alice 1h")
		c.jump(-3 * time.Hour)
		r.told("It is in doubt: it was put back by 3h")
		truth.reach(approved.Add(50 * time.Minute))
		r.isOn(key, len(r.servers))
		truth.jump(11 * time.Minute)
		r.When(id, "the access has ended", ended)
		r.isOn(key, 0)
	})
}

func TestClockThatIsPutBackInMidGrant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var truth jumpClock
		c := rightClocks(truth.now)
		r := start(t, plan{now: truth.now, clocks: c})
		key := r.Register(alice)
		id := r.Granted(alice, "grant @alice 1h")
		r.until("Slack's time is known", r.app.Service.Engine.Clock.Known)
		c.jump(-6 * time.Hour)
		r.told("It is in doubt: it is 6h behind Slack's")
		truth.jump(61 * time.Minute)
		r.When(id, "the access has ended", ended)
		r.isOn(key, 0)
	})
}

// After a wrong clock was set right, everything that shows when access ends shows the right
// time.
func TestShownEndIsCorrected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var truth jumpClock
		c := rightClocks(truth.now)
		c.jump(3 * time.Hour)
		p := plan{now: truth.now, clocks: c}
		var odd oddDate
		var mended atomic.Bool
		p.slack.Date = func() time.Time {
			if mended.Load() {
				return truth.now()
			}
			return odd.now()
		}
		r := start(t, p)
		r.Register(alice)
		id := r.Granted(alice, "grant @alice 2h")
		right := truth.now().Add(2 * time.Hour)
		c.jump(-3 * time.Hour)
		r.told("It is in doubt: it was put back by 3h")
		mended.Store(true)
		r.told("The end of one grant was corrected")
		v := r.When(id, "its end is corrected", func(v workflow.RequestView) bool { return v.Grant.EndsAt.Sub(right).Abs() < time.Minute })
		r.until("Alice is told", func() bool { return strings.Contains(r.DMs(alice), "the end that I had shown was too late") })
		r.until("the request shows it", func() bool {
			return strings.Contains(r.Message(id), v.Grant.EndsAt.UTC().Format("2006-01-02 15:04"))
		})
	})
}

func TestMachineThatSleptIsInNoDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var truth jumpClock
		r := start(t, plan{now: truth.now})
		r.Register(alice)
		r.until("Slack's time is known", r.app.Service.Engine.Clock.Known)
		truth.jump(5 * time.Hour)
		r.Settled(r.Granted(alice, "grant @alice 1h"))
		for _, m := range r.slack.Messages(news) {
			r.saysNot(m.Text, "My clock")
		}
	})
}
