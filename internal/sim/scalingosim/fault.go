package scalingosim

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// FaultKind is a way to go wrong.
type FaultKind int

// The kinds.
const (
	FaultStatus  FaultKind = iota // JSON with Status (500 when zero) and Message
	FaultHTML                     // a web page with Status (200 when zero)
	FaultTooMany                  // 429, as beyond the limit
	FaultDrop                     // the connection ends without an answer
	FaultHang                     // no answer; ends when the rule is removed, the client gives up, or Close
	FaultLate                     // the connection ends without an answer, and the call is applied after Delay
	FaultCut                      // applied, but the connection ends in the middle of the answer
	FaultHalf                     // applied, but the answer is half of the right one
	FaultPages                    // lists say that they have pages
	FaultNull                     // lists have null in place of rows
	faultKinds                    // how many there are
)

// FaultKinds returns every kind.
func FaultKinds() []FaultKind {
	all := make([]FaultKind, faultKinds)
	for i := range all {
		all[i] = FaultKind(i)
	}
	return all
}

// FaultRule is which calls go wrong, and how.
type FaultRule struct {
	Op      Op  // OpAny = all
	Times   int // how many calls; 0 = for ever
	Kind    FaultKind
	After   bool // the call is applied first, so only its answer goes wrong
	Status  int
	Message string // a usual one when empty
	Delay   time.Duration
}

type fault struct {
	FaultRule
	used     int
	released chan struct{}
	release  func()
}

// Fault makes calls go wrong from now on; of rules that match the same call the oldest holds. The returned
// function removes the rule and lets the calls go on that hang on it. Go's HTTP client quietly repeats a GET
// whose kept connection drops, so a single FaultDrop may not show on reads.
func (a *Account) Fault(rule FaultRule) (remove func()) {
	f := &fault{FaultRule: rule, released: make(chan struct{})}
	f.release = sync.OnceFunc(func() { close(f.released) })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, f)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.faults = slices.DeleteFunc(a.faults, func(x *fault) bool { return x == f })
		f.release()
	}
}

// ClearFaults removes every rule and lets the calls go on that hang on one.
func (a *Account) ClearFaults() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faults {
		f.release()
	}
	a.faults = nil
}

// plan returns what will go wrong with a call, or nil, and how long it takes. A rule that is used up stays, so
// that what hangs on it can be released.
func (a *Account) plan(r request) (*fault, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.offline {
		return &fault{FaultRule: FaultRule{Kind: FaultDrop}}, 0
	}
	for _, f := range a.faults {
		if f.matches(r) {
			f.used++
			return f, a.latency
		}
	}
	return nil, a.latency
}

func (f *fault) matches(r request) bool {
	list := r.op == OpListKeys || r.op == OpListTokens
	ofLists := f.Kind == FaultPages || f.Kind == FaultNull
	return f.Op.includes(r.op) && (list || !ofLists) && (f.Times == 0 || f.used < f.Times)
}

// early reports whether the fault keeps the call from being applied at once.
func (f *fault) early() bool {
	switch f.Kind {
	case FaultStatus, FaultHTML, FaultTooMany, FaultDrop, FaultHang:
		return !f.After
	case FaultLate:
		return true
	case FaultCut, FaultHalf, FaultPages, FaultNull:
	}
	return false
}

// answer returns the faulty answer in place of the right one. A hang that nobody released has none.
func (f *fault) answer(right answer) answer {
	switch f.Kind {
	case FaultHTML:
		return html(orStatus(f.Status, http.StatusOK))
	case FaultTooMany:
		return tooMany()
	case FaultDrop, FaultHang, FaultLate:
		return answer{drop: true}
	case FaultCut:
		right.cut, right.drop = true, len(right.body) == 0
		return right
	case FaultHalf:
		return right.half()
	case FaultPages:
		return right.withPages()
	case FaultNull:
		return right.withoutRows()
	case FaultStatus:
	}
	status := orStatus(f.Status, http.StatusInternalServerError)
	return refusal(status, or(f.Message, http.StatusText(status)))
}

func orStatus(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}
