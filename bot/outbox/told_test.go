package outbox

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
)

// approved is a grant that was just approved, on servers whose results stand so.
func approved(t *testing.T, state access.ResultState) *rig {
	t.Helper()
	r := asked(t, slacksim.Options{})
	r.Domain.Grants = []access.Grant{{ID: 9, RequestID: 1, Person: "U2", State: access.Live, SystemUser: "runcloud", EndsAt: time.Now().Add(time.Hour)}}
	r.running(t, 2, state)
	r.Domain.Views[1].Grant = &r.Domain.Grants[0]
	return r
}

// ready lists who is to be told that the access can be used.
func (r *rig) ready() (to []access.UserID) {
	for _, n := range r.Domain.Notices {
		if n.Kind == access.NoticeReady {
			to = append(to, n.To)
		}
	}
	return to
}

// That access can be used is told once, when the work on it rests for the first time.
func TestReadyIsToldOnce(t *testing.T) {
	t.Parallel()
	r := approved(t, access.Waiting)
	r.announce(t, 1)
	if got := r.ready(); len(got) > 0 {
		t.Errorf("told too early: %v", got)
	}
	r.results(access.PhaseAdd, 2, access.Done)
	r.announce(t, 1)
	if got := r.ready(); len(got) != 2 { // who asked, and who receives
		t.Fatalf("told: %v", got)
	}
	for id, n := range r.Domain.Notices {
		if n.Kind != access.NoticeReady {
			continue
		}
		if err := r.announcer.SendNotice(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if dms := r.DMs("U2"); len(dms) != 1 || !strings.Contains(dms[0].Text, "Your SSH access") || !strings.Contains(dms[0].Text, "is ready") {
		t.Errorf("U2 is told %v", dms)
	}
	if dms := r.DMs("U1"); len(dms) != 1 || !strings.Contains(dms[0].Text, "The SSH access of <@U2>") {
		t.Errorf("U1 is told %v", dms)
	}
	clear(r.Domain.Notices) // they are not kept for ever
	for _, state := range []access.ResultState{access.Waiting, access.Done} {
		r.results(access.PhaseAdd, 2, state)
		r.announce(t, 1)
	}
	if got := r.ready(); len(got) > 0 {
		t.Errorf("told again: %v", got)
	}
}

// An older version said it in a message about the decision.
func TestReadyIsNotToldAgainAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	r := approved(t, access.Done)
	r.Domain.Views[1].Messages = append(r.Domain.Views[1].Messages, delivery.Message{RequestID: 1, Role: roleNotice + string(access.NoticeDecided), Channel: "D2", TS: "1.2"})
	r.announce(t, 1)
	if got := r.ready(); len(got) > 0 {
		t.Errorf("told again: %v", got)
	}
}

// Of an approval is told only while the keys are still being placed.
func TestApprovalIsToldWhileTheKeysArePlaced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		state access.ResultState
		end   access.GrantState
		want  int
	}{
		"being placed":    {access.Waiting, access.Live, 1},
		"placed":          {access.Done, access.Live, 0},
		"over, meanwhile": {access.Waiting, access.Ended, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := approved(t, tt.state)
			r.Domain.Grants[0].State = tt.end
			r.Queue(1, access.Notice{Kind: access.NoticeDecided, To: "U2", RequestID: 1, GrantID: 9})
			if err := r.announcer.SendNotice(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if dms := r.DMs("U2"); len(dms) != tt.want {
				t.Errorf("told %v", dms)
			}
			if r.Domain.Notices[1].SentAt.IsZero() {
				t.Error("it stays to be sent")
			}
		})
	}
}

// The reminder carries the buttons: in the thread, and where there is no channel with each approver. They go once it
// is decided.
func TestReminderCarriesTheButtons(t *testing.T) {
	t.Parallel()
	for name, channel := range map[string]string{"in a channel": "C1", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := scene(t, slacksim.Options{})
			r.Domain.Deciders = []access.UserID{"U3", "U4"}
			if _, err := r.Domain.Ask(access.Request{Kind: access.KindGrant, Source: "a", Asker: "U1", Person: "U1", Duration: time.Hour, SystemUser: "runcloud", Channel: channel}); err != nil {
				t.Fatal(err)
			}
			draw := func() {
				if err := r.announcer.Announce(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}
			draw()
			r.Queue(1, access.Notice{Key: "reminder", Kind: access.NoticeReminder, RequestID: 1})
			for _, id := range []int64{1, 1000, 1001} {
				if r.Domain.Notices[id] == nil {
					continue
				}
				if err := r.announcer.SendNotice(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			reminders := func() (all []slacksim.Message) {
				if channel != "" {
					return r.Thread("C1", r.Request(t).TS)[1:]
				}
				for _, user := range []string{"U3", "U4"} {
					all = append(all, r.DMs(user)[len(r.DMs(user))-1])
				}
				return all
			}
			if len(reminders()) == 0 {
				t.Fatal("nobody is reminded")
			}
			for _, m := range reminders() {
				if !strings.Contains(m.Text, "is still waiting") || len(m.Buttons()) < 2 || m.Buttons()[0].Label != "Approve" {
					t.Errorf("%s with %v", m.Text, m.Buttons())
				}
			}
			r.Approve(t)
			draw()
			for _, m := range reminders() {
				if !strings.Contains(m.Text, "Approved") || len(m.Buttons()) > 0 {
					t.Errorf("after the decision: %s with %v", m.Text, m.Buttons())
				}
			}
		})
	}
}
