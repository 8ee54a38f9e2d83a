package access

import "time"

// Phase is what a result is about: placing a key, removing it, or reading a server.
type Phase string

// The phases of a request's work.
const (
	PhaseAdd     Phase = "add"
	PhaseRemove  Phase = "remove"
	PhaseInspect Phase = "inspect" // reading a server for keys the bot did not place; the result has no key and no system user
	PhaseAudit   Phase = "audit"   // reading a server for an audit; the result has no key and no system user
	PhaseList    Phase = "list"    // reading a target's list of servers, to inspect each; the result has no server
)

// ResultState is the state of a result.
type ResultState string

// The states of a result. Waiting, Failed and Unsure may still change by themselves or by a
// retry. The others are final, with two exceptions: a removal is reopened if its key turns
// up on the server after all, and an addition if its key could not be renewed in time.
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

// Final reports whether a result changes neither by itself nor by a retry.
func (s ResultState) Final() bool {
	return s == Done || s == AlreadyThere || s == Kept || s == OutOfReach || s == Dropped
}

// Result is what a request has come to for one key on one server.
type Result struct {
	RequestID   int64
	Phase       Phase
	ServerID    int64
	ServerName  string
	Target      string // for PhaseList alone, which has no server
	SystemUser  string
	Fingerprint string
	Picked      string // as in Placement
	State       ResultState
	Sessions    []Session // PhaseInspect: those that were open; nil if they were not read
	UpdatedAt   time.Time
	Told        ResultState // the state that the request's thread showed last; empty for none
	TargetTitle string      // what people call its target; not stored
	Account     bool        // its place is the account of a Lender, and no server; not stored
	Setback
}

// On returns the key that the result is about, and where.
func (r Result) On() KeyOn {
	return KeyOn{ServerID: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint, Picked: r.Picked}
}

// Reads reports whether the result is of reading a server, or a list of servers, for keys
// that the bot did not place.
func (r Result) Reads() bool { return r.Phase == PhaseInspect || r.Phase == PhaseList }

// Moving reports whether a result is expected to change in a moment. One that waits for a
// server to come back online, or for the target to recover, is not: that may take days.
func (r Result) Moving() bool {
	return r.State == Unsure || r.State == Waiting && (r.Problem == NoProblem || r.Problem == ProblemLimited)
}

// NewResult returns a waiting result about a key, with that time as its UpdatedAt.
func NewResult(since time.Time, request int64, phase Phase, on KeyOn, name string) Result {
	return Result{
		RequestID: request, Phase: phase, ServerID: on.ServerID, ServerName: name, SystemUser: on.SystemUser,
		Fingerprint: on.Fingerprint, Picked: on.Picked, State: Waiting, UpdatedAt: since,
	}
}

// NewInspection returns a waiting inspection of a server, with that time as its UpdatedAt.
func NewInspection(since time.Time, request int64, server ServerRef) Result {
	return Result{RequestID: request, Phase: PhaseInspect, ServerID: server.ID, ServerName: server.Name, State: Waiting, UpdatedAt: since}
}

// KeyOn identifies a key for a system user on a server: by its Fingerprint or, for a
// candidate that a person picked, by its credential ID in Picked.
type KeyOn struct {
	ServerID    int64
	SystemUser  string
	Fingerprint string
	Picked      string
}
