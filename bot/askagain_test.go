package bot

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// Who asked before asks again in a form that is filled in; nobody else learns from it what they asked for.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	r, _ := pending(t)
	at, err := r.bot.cfg.API.Post(t.Context(), "U1", "", render.Notice(access.Notice{Kind: access.NoticeDecided, To: "U1", RequestID: 1}, r.expired(t), nil, render.Post{}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Click(t.Context(), "U1", at.Channel, at.TS, slacksim.Pick{Label: "Ask again"}); err != nil || !got.Acked {
		t.Fatalf("%+v, %v", got, err)
	}
	r.Until(t, "a form", func() bool { return len(r.Modals("U1")) == 1 })
	sent, err := r.Submit(t.Context(), "U1", r.Modals("U1")[0].ID, nil)
	if err != nil || len(sent.Errors) > 0 {
		t.Fatalf("%+v, %v", sent, err)
	}
	r.Until(t, "a request", func() bool { return r.Domain.Requests() == 2 })
	before, _ := r.Domain.View(t.Context(), 1)
	again, _ := r.Domain.View(t.Context(), 2)
	if b, a := before.Request, again.Request; a.Person != b.Person || a.Duration != b.Duration || a.Pattern != b.Pattern || a.SystemUser != b.SystemUser || a.Channel != b.Channel {
		t.Errorf("asked for %+v, want %+v", a, b)
	}
	other := interaction{Kind: kindClick, Person: "U5", Action: render.ActionAskAgain, Value: "1"}
	if _, err := r.bot.openGrant(t.Context(), other); access.CodeOf(err) != access.Forbidden {
		t.Errorf("somebody else is answered %v", err)
	}
}

// expired returns request 1 as it is once nobody has decided it in time.
func (r *rig) expired(t *testing.T) *workflow.RequestView {
	t.Helper()
	v, err := r.Domain.View(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	v.Request.State, v.Request.DecidedAt = access.Expired, time.Now()
	return &v
}

// Approvers decide in their list, which shows what came of it and what is left; one that is old says so.
func TestListIsDecidedInPlace(t *testing.T) {
	t.Parallel()
	r, _ := pending(t)
	r.types(t, "U1", "grant @bob 2h")
	r.types(t, "U2", "pending")
	r.types(t, "U3", "pending")
	press := func(user string) {
		t.Helper()
		list := r.lastEphemeral(user)
		if got, err := r.ClickEphemeral(t.Context(), user, list.TS, slacksim.Pick{Label: "Approve"}); err != nil || !got.Acked {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	shows := func(user string, words ...string) {
		t.Helper()
		r.Until(t, user+" sees "+strings.Join(words, ", "), func() bool {
			all := r.Ephemeral(user)
			for _, w := range words {
				if !strings.Contains(all[len(all)-1].Text, w) {
					return false
				}
			}
			return len(all) == 1
		})
	}
	press("U2")
	shows("U2", "You approved request 1", "1 request*", "*Request 2")
	press("U3")
	shows("U3", "decided already", "<@U2>", "1 request*", "*Request 2")
	press("U3")
	shows("U3", "You approved request 2", "No request is waiting")
}
