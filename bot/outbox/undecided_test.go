package outbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// decides has an approver leave all but so many of the keys that are to be decided about.
func (r *rig) decides(left int) {
	r.Domain.Lock()
	defer r.Domain.Unlock()
	v := r.Domain.Views[1]
	for i := range v.Candidates[left:] {
		c := &v.Candidates[left+i]
		c.PickedBy, c.PickedAt, c.Spared = "U2", time.Now(), true
	}
	v.Drawing.Version++
}

// The approvers are mentioned once: what comes after is an edit, which notifies nobody.
func TestDecidersAreMentionedOnce(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Offboarding(t, 0, 0)
	r.announcer.AnnounceChannel = "C1"
	r.announce(t, 1)
	if n := len(r.thread(t)); n != 0 {
		t.Fatalf("%d messages in the thread before there is anything to decide", n)
	}
	r.Domain.Lock()
	r.Domain.Views[1].Candidates = []access.Candidate{
		{RequestID: 1, ServerID: 1, ServerName: "web-01", Why: access.WhyLabel, Credential: access.Credential{ID: "5", Label: "alice"}},
		{RequestID: 1, ServerID: 2, ServerName: "web-02", Why: access.WhyType, Credential: access.Credential{ID: "6", Label: "deploy"}},
	}
	r.Domain.Views[1].Drawing.Version++
	r.Domain.Unlock()
	said := func(words ...string) slacksim.Message {
		t.Helper()
		r.announce(t, 1)
		all := r.thread(t)
		if len(all) != 1 {
			t.Fatalf("%d messages in the thread", len(all))
		}
		for _, word := range words {
			if !strings.Contains(all[0].Text, word) {
				t.Errorf("%q is missing in %s", word, all[0].Text)
			}
		}
		return all[0]
	}
	if m := said("request 1 (offboard <@U1>)", "*1 key* to decide about", "*1 key* on 1 server merely begins like one of <@U1>'s"); !slices.Contains(m.Mentions(), "<@U2>") || len(m.Buttons()) != 1 {
		t.Errorf("mentions %v, buttons %v", m.Mentions(), m.Buttons())
	}
	r.decides(1)
	said("*1 key* to decide about")
	r.decides(0)
	if m := said("An approver has decided about 2 keys."); len(m.Mentions())+len(m.Buttons()) != 0 {
		t.Errorf("mentions %v, buttons %v", m.Mentions(), m.Buttons())
	}
}

// Without any channel, each approver is told under their own copy.
func TestEveryApproverIsToldOfCandidatesWithoutAChannel(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Deciders = []access.UserID{"U2", "U4"}
	r.Offboarding(t, 1, 0)
	r.Domain.Views[1].Request.Channel = ""
	for range 2 {
		if err := r.announcer.Announce(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{"U2", "U4"} {
		told := slices.DeleteFunc(r.DMs(user), func(m slacksim.Message) bool { return !strings.Contains(m.Text, "*1 key* to decide about.") })
		if len(told) != 1 || told[0].ThreadTS == "" {
			t.Errorf("%s is told: %+v", user, told)
		}
	}
}

// Where there is no channel, each approver gets the daily summary.
func TestSummaryWithoutAChannel(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Deciders = []access.UserID{"U2", "U4"}
	r.Domain.Grants = []access.Grant{{ID: 1, RequestID: 1, Person: "U1", State: access.Live}}
	r.Queue(1, access.Notice{Key: "summary", Kind: access.NoticeSummary})
	for _, id := range []int64{1, 1000, 1001} {
		if err := r.announcer.SendNotice(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{"U2", "U4"} {
		if dms := r.DMs(user); len(dms) != 1 || !strings.Contains(dms[0].Text, "SSH access today") {
			t.Errorf("%s is told: %+v", user, dms)
		}
	}
}
