package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

// kept keeps the events that are recorded.
type kept struct {
	access.Tx
	events []string
}

func (k *kept) Audit(_ context.Context, e access.Event) error {
	k.events = append(k.events, string(e.Action)+" "+string(e.Noun)+" "+e.NounID+" "+e.From+" "+e.To+": "+e.Detail)
	return nil
}

// KeepMoves keeps them as if they were sealed at once.
func (k *kept) KeepMoves(ctx context.Context, at time.Time, moves []access.Move) error {
	all := make([]access.KeptMove, len(moves))
	for i, m := range moves {
		all[i] = access.KeptMove{Move: m, At: at}
	}
	for _, e := range access.MoveEvents(all) {
		if err := k.Audit(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func TestMovesOfAKeyAreOneEvent(t *testing.T) {
	t.Parallel()
	var moves []access.Move
	add := func(from access.PlacementState, p access.Placement, places ...int64) {
		for _, at := range places {
			p.ID, p.ServerID = 100+at, at
			moves = append(moves, access.Move{From: from, Placement: p})
		}
	}
	one := access.Placement{GrantID: 7, Fingerprint: "SHA256:a", SystemUser: "web", State: access.PlacementLeaving}
	add(access.PlacementPlaced, one, 9, 3, 1, 2, 5)
	add(access.PlacementUnknown, one, 4)
	other := one
	other.Fingerprint = "SHA256:b"
	add(access.PlacementPlaced, other, 1)
	add(access.PlacementLeaving, access.Placement{Picked: "4711", SystemUser: "root", State: access.PlacementGone, Setback: access.Setback{Problem: access.ProblemServerLeft}}, 8)
	add(access.PlacementPlaced, one, 6)
	moves[len(moves)-1].Action = access.DidPlacementMissing
	var k kept
	if err := access.RecordMoves(t.Context(), &k, time.Now(), moves); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"placement.gone placement 108 leaving gone: credential 4711 for root on places 8: the server has left the account",
		"placement.leaving grant 7 placed leaving: SHA256:a for web on places 1-3,5,9",
		"placement.leaving grant 7 unknown leaving: SHA256:a for web on places 4",
		"placement.leaving grant 7 placed leaving: SHA256:b for web on places 1",
		"placement.missing grant 7 placed leaving: SHA256:a for web on places 6",
	}
	if diff := cmp.Diff(want, k.events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoEventWithoutAnAction(t *testing.T) {
	t.Parallel()
	for _, state := range []access.RequestState{access.Draft, access.WaitingForKey, access.Pending, access.Approved, access.Denied, access.Cancelled, access.Expired} {
		action := access.DidClose(state)
		if want := access.Action("request." + string(state)); !state.Open() && action != want {
			t.Errorf("%s: %q, want %q", state, action, want)
		}
		var k kept
		err := access.Record(t.Context(), &k, time.Now(), "", action, access.NounRequest, 1, "", string(state), "")
		if (err != nil) != state.Open() || (len(k.events) == 0) != state.Open() {
			t.Errorf("%s: %v, recorded %q", state, err, k.events)
		}
	}
	odd := []access.Move{{Placement: access.Placement{State: "odd"}}}
	if err := access.RecordMoves(t.Context(), &kept{}, time.Now(), odd); err == nil {
		t.Error("a state that is not known is recorded")
	}
}
