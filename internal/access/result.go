package access

import "time"

// Phase tells what a result is about: placing a key, removing it, or reading a server.
type Phase string

// The phases of a request's work.
const (
	PhaseAdd     Phase = "add"
	PhaseRemove  Phase = "remove"
	PhaseInspect Phase = "inspect" // reading a server for keys the bot did not place; no key, no system user
	PhaseList    Phase = "list"    // reading the list of a target's servers, to inspect each; no server
)

// ResultState is what a request came to for one key on one server.
type ResultState string

// The states of a result. Waiting, Failed and Unsure may still change by themselves
// or by a retry; the others are final, but that a removal is opened again when a key
// turns up that was held to be gone, and an addition when its key could not be renewed
// in time.
const (
	Waiting      ResultState = "waiting"
	Done         ResultState = "done" // placed, or removed, and confirmed
	AlreadyThere ResultState = "already_there"
	Failed       ResultState = "failed"
	Unsure       ResultState = "unknown"      // an answer was lost and is being settled
	Kept         ResultState = "kept"         // not removed: another live grant covers it
	OutOfReach   ResultState = "out_of_reach" // not removed: the server is gone for good, and the key may still be on it
	Dropped      ResultState = "dropped"      // not placed: the access ended first
)

// Final tells whether a result cannot change any more.
func (s ResultState) Final() bool {
	return s == Done || s == AlreadyThere || s == Kept || s == OutOfReach || s == Dropped
}

// Result is what a request came to for one key on one server.
type Result struct {
	RequestID   int64
	Phase       Phase
	ServerID    int64
	ServerName  string
	Target      string // of PhaseList alone, which has no server
	SystemUser  string
	Fingerprint string
	Picked      string // as in Placement
	State       ResultState
	Problem     Problem
	Detail      string
	Sessions    []Session // PhaseInspect: those that were open; nil when they were not read
	UpdatedAt   time.Time
	Told        ResultState // the state that the thread has shown last; empty for none
}

// On returns which key the result is of, and where.
func (r Result) On() KeyOn {
	return KeyOn{ServerID: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint, Picked: r.Picked}
}

// Reads reports whether the result is of reading a server, or a list of servers, for keys
// that the bot did not place.
func (r Result) Reads() bool { return r.Phase == PhaseInspect || r.Phase == PhaseList }

// Moving tells of a result that is expected to change in a moment. What waits for a
// server to come back, or for RunCloud to recover, may take days.
func (r Result) Moving() bool {
	return r.State == Unsure || r.State == Waiting && (r.Problem == NoProblem || r.Problem == ProblemLimited)
}

// NewResult returns a result about a key that waits since then.
func NewResult(since time.Time, request int64, phase Phase, on KeyOn, name string) Result {
	return Result{
		RequestID: request, Phase: phase, ServerID: on.ServerID, ServerName: name, SystemUser: on.SystemUser,
		Fingerprint: on.Fingerprint, Picked: on.Picked, State: Waiting, UpdatedAt: since,
	}
}

// NewInspection returns an inspection of a server that waits since then.
func NewInspection(since time.Time, request int64, server ServerRef) Result {
	return Result{RequestID: request, Phase: PhaseInspect, ServerID: server.ID, ServerName: server.Name, State: Waiting, UpdatedAt: since}
}
