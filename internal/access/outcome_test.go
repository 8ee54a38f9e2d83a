package access

import (
	"testing"
	"time"
)

func TestAdditionOutcome(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	before, after := start.Add(-time.Minute), start.Add(time.Minute)
	tests := []struct {
		name       string
		placements []Placement
		dropped    bool
		want       ResultState
		problem    Problem
	}{
		{"nothing yet", nil, false, Waiting, NoProblem},
		{"the access ended first", []Placement{{State: PlacementWanted}}, true, Dropped, NoProblem},
		{"ended, though it is placed", []Placement{{State: PlacementPlaced, PlacedAt: after}}, true, Dropped, NoProblem},
		{"placed for this grant", []Placement{{State: PlacementPlaced, PlacedAt: after}}, false, Done, NoProblem},
		{"placed at the very start", []Placement{{State: PlacementPlaced, PlacedAt: start}}, false, Done, NoProblem},
		{"placed before", []Placement{{State: PlacementPlaced, PlacedAt: before}}, false, AlreadyThere, NoProblem},
		{"placed before, to be looked for", []Placement{{State: PlacementPlaced, PlacedAt: before, VerifyAt: start}}, false, Waiting, NoProblem},
		{"placed before, and RunCloud does not let us look", []Placement{{State: PlacementPlaced, PlacedAt: before, VerifyAt: start, Stuck: true, Problem: ProblemRefused}}, false, Failed, ProblemRefused},
		{"wanted", []Placement{{State: PlacementWanted}}, false, Waiting, NoProblem},
		{"wanted, the server is offline", []Placement{{State: PlacementWanted, Problem: ProblemOffline}}, false, Waiting, ProblemOffline},
		{"refused for good", []Placement{{State: PlacementWanted, Stuck: true, Problem: ProblemRefused}}, false, Failed, ProblemRefused},
		{"somebody else's", []Placement{{State: PlacementWanted, Stuck: true, Problem: ProblemForeign}}, false, AlreadyThere, ProblemForeign},
		{"the first call is under way", []Placement{{State: PlacementUnknown, Attempts: 1}}, false, Waiting, NoProblem},
		{"refused for good, while an earlier answer is lost", []Placement{{State: PlacementUnknown, Attempts: 2, Stuck: true, Problem: ProblemRefused}}, false, Failed, ProblemRefused},
		{"an answer was lost", []Placement{{State: PlacementUnknown, Attempts: 2, Problem: ProblemTrouble}}, false, Unsure, ProblemTrouble},
		{"an old copy is leaving", []Placement{{State: PlacementLeaving}}, false, Waiting, NoProblem},
		{"a double is leaving", []Placement{{State: PlacementLeaving}, {State: PlacementPlaced, PlacedAt: after}}, false, Done, NoProblem},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, problem, _ := additionOutcome(tt.placements, start, !tt.dropped)
			if state != tt.want || problem != tt.problem {
				t.Errorf("%s %s, want %s %s", state, problem, tt.want, tt.problem)
			}
		})
	}
}

func TestRemovalOutcome(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		placements []Placement
		covered    bool
		want       ResultState
		problem    Problem
	}{
		{"gone", nil, false, Done, NoProblem},
		{"gone, though another grant will want it", nil, true, Done, NoProblem},
		{"another grant keeps it", []Placement{{State: PlacementPlaced, CredentialID: 7}}, true, Kept, NoProblem},
		{"it is being renewed for another grant", []Placement{{State: PlacementLeaving, Urgent: true, CredentialID: 7}}, true, Kept, NoProblem},
		{"it leaves before it comes back", []Placement{{State: PlacementLeaving, CredentialID: 7}}, true, Waiting, NoProblem},
		{"leaving", []Placement{{State: PlacementLeaving, CredentialID: 7}}, false, Waiting, NoProblem},
		{"the server is offline", []Placement{{State: PlacementLeaving, CredentialID: 7, Problem: ProblemOffline}}, false, Waiting, ProblemOffline},
		{"refused", []Placement{{State: PlacementLeaving, CredentialID: 7, Problem: ProblemRefused}}, false, Failed, ProblemRefused},
		{"its server left the account", []Placement{{State: PlacementGone, CredentialID: 7, Problem: ProblemServerLeft}}, false, OutOfReach, ProblemServerLeft},
		{"it may be there or not", []Placement{{State: PlacementLeaving}}, false, Unsure, NoProblem},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, problem, _ := removalOutcome(tt.placements, tt.covered)
			if state != tt.want || problem != tt.problem {
				t.Errorf("%s %s, want %s %s", state, problem, tt.want, tt.problem)
			}
		})
	}
}

func TestSettled(t *testing.T) {
	t.Parallel()
	results := []Result{
		{Phase: PhaseAdd, ServerID: 1, State: Waiting}, // not owed: nothing has to leave
		{Phase: PhaseRemove, ServerID: 1, State: Done},
		{Phase: PhaseRemove, ServerID: 2, State: Kept},
		{Phase: PhaseRemove, ServerID: 3, State: OutOfReach},
		{Phase: PhaseInspect, ServerID: 1, State: Done},
	}
	if v := (RequestView{Results: results}); !v.Settled() {
		t.Errorf("nothing is owed: %+v", results)
	}
	if v := (RequestView{Results: results, Owed: 1}); v.Settled() {
		t.Errorf("a key may be on a server, whatever the results say")
	}
	for _, state := range []ResultState{Waiting, Failed, Unsure} {
		for _, phase := range []Phase{PhaseRemove, PhaseInspect} {
			open := append(results[:5:5], Result{Phase: phase, ServerID: 3, State: state})
			if v := (RequestView{Results: open}); v.Settled() {
				t.Errorf("%s %s must be owed", phase, state)
			}
		}
	}
}

func TestBackoffGrowsAndHasAnEnd(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]time.Duration{0: 2 * time.Second, 1: 2 * time.Second, 2: 4 * time.Second, 7: 128 * time.Second, 8: 5 * time.Minute, 1 << 40: 5 * time.Minute} {
		if got := backoff(attempts); got < want*4/5 || got > want*6/5 {
			t.Errorf("after %d attempts %v, want about %v", attempts, got, want)
		}
	}
}
