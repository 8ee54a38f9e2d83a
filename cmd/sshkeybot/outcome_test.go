package main

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// While nobody has decided about a key that may be the leaver's, an offboarding is not done,
// in the shell as in Slack.
func TestOffboardingWaitsForADecisionAboutEveryKey(t *testing.T) {
	t.Parallel()
	v := workflow.RequestView{
		Request: access.Request{ID: 3, Person: "U0ALICE"},
		Results: []access.Result{{Phase: access.PhaseInspect, ServerID: 1, ServerName: "web-01", State: access.Done}},
		Candidates: []access.Candidate{
			{ServerID: 1, ServerName: "web-01", Credential: access.Credential{ID: "7", Label: "alice at home"}, Why: access.WhyLabel},
			{ServerID: 1, ServerName: "web-01", Credential: access.Credential{ID: "8", Label: "of anybody"}, Why: access.WhyType},
		},
	}
	shown := func() (offboarding, string) {
		var out strings.Builder
		o := outcomeOf(v, "", time.Time{})
		if err := o.print(&out); err != nil {
			t.Fatal(err)
		}
		return o, out.String()
	}
	if o, text := shown(); o.Done || o.State != "undecided" || !strings.HasPrefix(text, "Not finished") || !strings.Contains(text, "alice at home") {
		t.Errorf("%+v\n%s", o, text)
	}
	for i := range v.Candidates {
		if o, text := shown(); o.Done || strings.Contains(text, "of anybody") || !strings.Contains(text, "merely begin like one of theirs, as every key of that type does, for an approver to remove or leave in Slack: 1") {
			t.Errorf("%+v\n%s", o, text)
		}
		v.Candidates[i].PickedBy, v.Candidates[i].PickedAt, v.Candidates[i].Spared = "U0BOB", time.Now(), true
	}
	if o, text := shown(); !o.Done || o.State != "offboarded" || !o.Candidates[0].Left || o.Candidates[0].Picked || strings.Contains(text, "alice at home") {
		t.Errorf("%+v\n%s", o, text)
	}
}

// Of an account there are no system users, and a token is no key.
func TestOffboardingFromAnAccount(t *testing.T) {
	t.Parallel()
	candidate := func(why access.Why, c access.Credential) access.Candidate {
		return access.Candidate{ServerID: 1, ServerName: "scalingo", Credential: c, Why: why}
	}
	v := workflow.RequestView{
		Request: access.Request{ID: 3, Person: "U0ALICE"},
		Results: []access.Result{
			{Phase: access.PhaseRemove, ServerID: 1, ServerName: "scalingo", Fingerprint: "SHA256:x", State: access.Waiting, Account: true},
			{Phase: access.PhaseRemove, ServerID: 1, ServerName: "scalingo", Fingerprint: "SHA256:y", State: access.OutOfReach, Account: true},
			{Phase: access.PhaseInspect, ServerID: 1, ServerName: "scalingo", State: access.Done, Account: true},
			{Phase: access.PhaseInspect, ServerID: 2, ServerName: "web-01", State: access.Done},
		},
		Candidates: []access.Candidate{
			candidate(access.WhyToken, access.Credential{ID: "token:1", Label: "laptop", Token: true}),
			candidate(access.WhyToken, access.Credential{ID: "token:2", Label: "sshkeybot", Token: true, Fixed: true}),
			candidate(access.WhyUnregistered, access.Credential{ID: "5", Label: "ci"}),
			candidate(access.WhyWhole, access.Credential{ID: "6", Label: "phone"}),
		},
	}
	var out strings.Builder
	if err := outcomeOf(v, "", time.Time{}).print(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"0 keys removed, 1 server and 1 account read,", "owed: scalingo, SHA256:x: not removed yet\n", "To do by hand: scalingo, SHA256:y: ",
		"API token that may be theirs, for an approver to remove or leave in Slack: scalingo, credential token:1 «laptop»\n",
		"API token that may be my own, which I never remove: scalingo, credential token:2",
		"may be theirs (nobody has registered it), for an approver", "(they had registered it, and not proved",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("it lacks %q:\n%s", line, &out)
		}
	}
	if strings.Contains(out.String(), " as ") {
		t.Errorf("an account has no system users:\n%s", &out)
	}
}

// What an earlier command has removed does not count as removed by this one.
func TestOffboardingCountsWhatItDid(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	removed := func(server int64, at time.Time) access.Result {
		return access.Result{Phase: access.PhaseRemove, ServerID: server, ServerName: "web", State: access.Done, UpdatedAt: at}
	}
	v := workflow.RequestView{Request: access.Request{ID: 3, Person: "U0ALICE"}, Results: []access.Result{
		removed(1, began.Add(-time.Hour)), removed(2, began.Add(time.Second)), removed(3, began.Add(time.Minute)),
		{Phase: access.PhaseList, State: access.Done}, {Phase: access.PhaseInspect, ServerID: 1, State: access.Done},
		{Phase: access.PhaseInspect, ServerID: 2, State: access.OutOfReach},
	}}
	if did := outcomeOf(v, "", began).did(); did != "2 keys removed (1 more before this command), 1 server read" {
		t.Error(did)
	}
}
