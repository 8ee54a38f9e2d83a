package reconcile

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestAdditionOutcome(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	before, after := start.Add(-time.Minute), start.Add(time.Minute)
	tests := []struct {
		name       string
		placements []access.Placement
		dropped    bool
		want       access.ResultState
		problem    access.Problem
	}{
		{"nothing yet", nil, false, access.Waiting, access.NoProblem},
		{"the access ended first", []access.Placement{{State: access.PlacementWanted}}, true, access.Dropped, access.NoProblem},
		{"ended, though it is placed", []access.Placement{{State: access.PlacementPlaced, PlacedAt: after}}, true, access.Dropped, access.NoProblem},
		{"placed for this grant", []access.Placement{{State: access.PlacementPlaced, PlacedAt: after}}, false, access.Done, access.NoProblem},
		{"placed at the very start", []access.Placement{{State: access.PlacementPlaced, PlacedAt: start}}, false, access.Done, access.NoProblem},
		{"placed before", []access.Placement{{State: access.PlacementPlaced, PlacedAt: before}}, false, access.AlreadyThere, access.NoProblem},
		{"placed before, to be looked for", []access.Placement{{State: access.PlacementPlaced, PlacedAt: before, VerifyAt: start}}, false, access.Waiting, access.NoProblem},
		{"placed before, and RunCloud does not let us look", []access.Placement{{State: access.PlacementPlaced, PlacedAt: before, VerifyAt: start, Stuck: true, Setback: access.Setback{Problem: access.ProblemRefused}}}, false, access.Failed, access.ProblemRefused},
		{"wanted", []access.Placement{{State: access.PlacementWanted}}, false, access.Waiting, access.NoProblem},
		{"wanted, the server is offline", []access.Placement{{State: access.PlacementWanted, Setback: access.Setback{Problem: access.ProblemOffline}}}, false, access.Waiting, access.ProblemOffline},
		{"refused for good", []access.Placement{{State: access.PlacementWanted, Stuck: true, Setback: access.Setback{Problem: access.ProblemRefused}}}, false, access.Failed, access.ProblemRefused},
		{"somebody else's", []access.Placement{{State: access.PlacementWanted, Stuck: true, Setback: access.Setback{Problem: access.ProblemForeign}}}, false, access.AlreadyThere, access.ProblemForeign},
		{"the first call is under way", []access.Placement{{State: access.PlacementUnknown, Attempts: 1}}, false, access.Waiting, access.NoProblem},
		{"refused for good, while an earlier answer is lost", []access.Placement{{State: access.PlacementUnknown, Attempts: 2, Stuck: true, Setback: access.Setback{Problem: access.ProblemRefused}}}, false, access.Failed, access.ProblemRefused},
		{"an answer was lost", []access.Placement{{State: access.PlacementUnknown, Attempts: 2, Setback: access.Setback{Problem: access.ProblemTrouble}}}, false, access.Unsure, access.ProblemTrouble},
		{"an old copy is leaving", []access.Placement{{State: access.PlacementLeaving}}, false, access.Waiting, access.NoProblem},
		{"a double is leaving", []access.Placement{{State: access.PlacementLeaving}, {State: access.PlacementPlaced, PlacedAt: after}}, false, access.Done, access.NoProblem},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, setback := additionOutcome(tt.placements, start, !tt.dropped)
			if state != tt.want || setback.Problem != tt.problem {
				t.Errorf("%s %s, want %s %s", state, setback.Problem, tt.want, tt.problem)
			}
		})
	}
}

func TestRemovalOutcome(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		placements []access.Placement
		covered    bool
		want       access.ResultState
		problem    access.Problem
	}{
		{"gone", nil, false, access.Done, access.NoProblem},
		{"gone, though another grant will want it", nil, true, access.Done, access.NoProblem},
		{"another grant keeps it", []access.Placement{{State: access.PlacementPlaced, CredentialID: "7"}}, true, access.Kept, access.NoProblem},
		{"it is being renewed for another grant", []access.Placement{{State: access.PlacementLeaving, Urgent: true, CredentialID: "7"}}, true, access.Kept, access.NoProblem},
		{"it leaves before it comes back", []access.Placement{{State: access.PlacementLeaving, CredentialID: "7"}}, true, access.Waiting, access.NoProblem},
		{"leaving", []access.Placement{{State: access.PlacementLeaving, CredentialID: "7"}}, false, access.Waiting, access.NoProblem},
		{"the server is offline", []access.Placement{{State: access.PlacementLeaving, CredentialID: "7", Setback: access.Setback{Problem: access.ProblemOffline}}}, false, access.Waiting, access.ProblemOffline},
		{"refused", []access.Placement{{State: access.PlacementLeaving, CredentialID: "7", Setback: access.Setback{Problem: access.ProblemRefused}}}, false, access.Failed, access.ProblemRefused},
		{"its server left the account", []access.Placement{{State: access.PlacementGone, CredentialID: "7", Setback: access.Setback{Problem: access.ProblemServerLeft}}}, false, access.OutOfReach, access.ProblemServerLeft},
		{"it may be there or not", []access.Placement{{State: access.PlacementLeaving}}, false, access.Unsure, access.NoProblem},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, setback := removalOutcome(tt.placements, tt.covered)
			if state != tt.want || setback.Problem != tt.problem {
				t.Errorf("%s %s, want %s %s", state, setback.Problem, tt.want, tt.problem)
			}
		})
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
