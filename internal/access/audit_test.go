package access_test

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// chain returns three sealed events.
func chain() []access.Event {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	var events []access.Event
	var prev access.Event
	for _, action := range []access.Action{"request.ask", "request.approved", "grant.start"} {
		prev = access.Event{At: at, Actor: workflowtest.Alice, Action: action, Noun: access.NounRequest, NounID: "7", From: "a", To: "b", Detail: "d", About: "#7 U2"}.Seal(prev)
		events = append(events, prev)
	}
	return events
}

// broken returns the number of the first event that does not follow, or 0.
func broken(events []access.Event) int64 {
	var prev access.Event
	for _, e := range events {
		if e.VerifyNext(prev) != nil {
			return e.Seq
		}
		prev = e
	}
	return 0
}

func TestSealedChainVerifies(t *testing.T) {
	t.Parallel()
	events := chain()
	if at := broken(events); at != 0 {
		t.Errorf("an untouched chain is broken at %d", at)
	}
	if events[2].Seq != 3 || events[0].At.Location() != time.UTC || events[0].At.Nanosecond()%1_000_000 != 0 {
		t.Errorf("sealed as %+v", events[0])
	}
	for i := range events { // as it comes back from a database
		events[i].At = events[i].At.In(time.FixedZone("", -7200))
	}
	if at := broken(events); at != 0 {
		t.Errorf("the zone it is read in breaks it at %d", at)
	}
}

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	edits := map[string]func(e *access.Event){
		"time":    func(e *access.Event) { e.At = e.At.Add(time.Millisecond) },
		"actor":   func(e *access.Event) { e.Actor = workflowtest.Bob },
		"action":  func(e *access.Event) { e.Action = "request.denied" },
		"noun":    func(e *access.Event) { e.Noun = access.NounGrant },
		"noun id": func(e *access.Event) { e.NounID = "8" },
		"from":    func(e *access.Event) { e.From = "x" },
		"to":      func(e *access.Event) { e.To = "x" },
		"detail":  func(e *access.Event) { e.Detail = "" },
		"about":   func(e *access.Event) { e.About = "" },
		"fields":  func(e *access.Event) { e.From, e.To = e.From+e.To, "" },
		"prev":    func(e *access.Event) { e.Prev = "" },
		"hash":    func(e *access.Event) { e.Hash = "" },
	}
	for name, edit := range edits {
		events := chain()
		edit(&events[1])
		if at := broken(events); at != 2 {
			t.Errorf("%s edited: broken at %d, want 2", name, at)
		}
	}
}

func TestGapsSwapsAndForgeriesAreFound(t *testing.T) {
	t.Parallel()
	events := chain()
	if at := broken([]access.Event{events[0], events[2]}); at != 3 {
		t.Errorf("a gap: broken at %d", at)
	}
	if at := broken(events[1:]); at != 2 {
		t.Errorf("a lost beginning: broken at %d", at)
	}
	if at := broken([]access.Event{events[0], events[2], events[1]}); at != 3 {
		t.Errorf("swapped: broken at %d", at)
	}
	forged := slices.Clone(events)
	forged[1].Detail = "forged"
	forged[1] = forged[1].Seal(forged[0]) // the forger knows how to seal
	if at := broken(forged); at != 3 {
		t.Errorf("forged and sealed anew: broken at %d, want the event after it", at)
	}
}
