package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// lookalikes is an offboarding that found so many keys which may be anybody's, and no others.
func (w world) lookalikes(n int) workflow.RequestView {
	v := w.offboarding(allDone, n)
	for i, c := range v.Candidates {
		c.Why, c.PickedBy, c.PickedAt, c.Spared = access.WhyType, "", time.Time{}, false
		v.Candidates[i] = c
	}
	return v
}

func (w world) undecidedViews() (all []workflow.UndecidedView) {
	offboarding, orphans := w.request(access.KindOffboard, access.Approved).Request, w.request(access.KindOrphan, access.Approved).Request
	lost := w.request(access.KindRevoke, access.Approved).Request
	lost.PublicKey, lost.Person = "ecdsa-sha2-nistp256 AAAA", ""
	for i := range w.n {
		offboarding.ID, orphans.ID, lost.ID = int64(12+i), int64(1012+i), int64(2012+i)
		all = append(all,
			workflow.UndecidedView{Request: offboarding, Undecided: access.Undecided{RequestID: 12, Keys: 2, Tokens: 1, Lookalikes: 300, Servers: 40}},
			workflow.UndecidedView{Request: orphans, Undecided: access.Undecided{RequestID: 13, Keys: 1}},
			workflow.UndecidedView{Request: lost, Undecided: access.Undecided{RequestID: 14, Lookalikes: 1, Servers: 1}})
	}
	return all
}

func (w world) undecidedCases() map[string]any {
	mixed, alike, over := w.offboarding(allDone, max(40, w.n)), w.lookalikes(max(40, w.n)), w.lookalikes(w.n)
	for i := range over.Candidates {
		over.Candidates[i].PickedBy, over.Candidates[i].PickedAt, over.Candidates[i].Spared = carol, noon(), true
	}
	tokens := w.offboarding(allDone, 0)
	tokens.Candidates = []access.Candidate{w.token(false), w.token(true)}
	all := w.undecidedViews()
	deciders := []string{"U0CAROL", "S0OPS", "<!channel>"}
	list := workflow.Overview{Complete: true, Undecided: all}
	daily, _ := Daily(workflow.Overview{Undecided: all, Deciders: deciders})
	return map[string]any{
		"offboard-lookalikes":        Request(alike, noon()),
		"offboard-lookalikes-left":   Request(over, noon()),
		"summary-lookalikes":         Summary(alike, access.PhaseInspect),
		"home-undecided":             Home(HomeData{Me: bob, Approver: true, Team: list}),
		"undecided":                  Undecided(mixed),
		"undecided-lookalikes":       Undecided(alike),
		"undecided-over":             Undecided(over),
		"list-undecided":             List(paged(list), "", bob),
		"pending-undecided":          Pending(workflow.PendingPage{Undecided: all[:min(8, len(all))], Page: placeOf(8, 0, len(all))}, nil, ""),
		"notice-daily-undecided":     daily,
		"modal-candidates":           CandidatesModal(mixed, CandidatesPage{Request: 12}, "It stays. The message of the request shows it."),
		"modal-candidates-end":       CandidatesModal(mixed, CandidatesPage{Request: 12, At: 99}, ""),
		"modal-candidates-alike":     CandidatesModal(mixed, CandidatesPage{Request: 12, Lookalikes: true}, ""),
		"modal-candidates-tokens":    CandidatesModal(tokens, CandidatesPage{Request: 12}, ""),
		"modal-candidates-none-left": CandidatesModal(over, CandidatesPage{Request: 12}, ""),
	}
}

func TestCandidatesPageIsReadBack(t *testing.T) {
	t.Parallel()
	for _, at := range []CandidatesPage{{}, {Request: 12}, {Request: 12, Lookalikes: true, At: 7}} {
		if got, ok := ReadCandidates(at.value()); got != at || !ok {
			t.Errorf("%+v is read as %+v, %v", at, got, ok)
		}
	}
	for _, value := range []string{"", "12", "12:true", "x:true:0", "12:perhaps:0", "12:true:x", "12:true:0:0"} {
		if _, ok := ReadCandidates(value); ok {
			t.Errorf("%q was read", value)
		}
	}
}

// However many keys merely begin alike, the announcement has one line and one button for them, and
// the modal has each with its buttons, apart from the others.
func TestLookalikesAreCountedAndOpenedOnDemand(t *testing.T) {
	t.Parallel()
	v := big().lookalikes(400)
	if m := Request(v, noon()); strings.Count(m.Text, "web-") > 600 || !strings.Contains(m.Text, "*400 keys* on 400 servers merely begin like one of <@U0BOB>'s") {
		t.Error(m.Text)
	}
	seen := map[string]bool{}
	for at := range 20 {
		for _, text := range texts(t, CandidatesModal(v, CandidatesPage{Request: 12, Lookalikes: true, At: at}, "")) {
			if name, _, ok := strings.Cut(text, ": label"); ok {
				seen[name] = true
			}
		}
	}
	for i := range 400 {
		if !seen[fmt.Sprintf("`web-%03d`", i+1)] {
			t.Errorf("server %d is on no page", i+1)
		}
	}
}
