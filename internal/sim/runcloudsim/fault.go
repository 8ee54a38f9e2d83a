package runcloudsim

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// FaultKind is a way to go wrong.
type FaultKind int

// The kinds. FaultShift adds up with others of its kind and with one of the rest.
const (
	FaultStatus    FaultKind = iota // JSON with Status (500 when zero) and Message
	FaultErrors                     // the same with errors in the form of Errors; Status 422 when zero
	FaultHTML                       // a web page with Status (200 when zero); 3xx lead to another one
	FaultEmpty                      // Status (200 when zero) and no body
	FaultTooMany                    // 429, with Retry-After if RetryAfter is set
	FaultHang                       // no answer; ends when the rule is removed, the client gives up, or Close
	FaultDrop                       // the connection ends without an answer
	FaultTruncated                  // applied, but the connection ends in the middle of the answer
	FaultShift                      // Shift items go (or come, if negative) once the first page is read
	faultKinds                      // how many there are
)

// FaultKinds returns every kind.
func FaultKinds() []FaultKind { return upTo(faultKinds) }

// upTo returns the values below n.
func upTo[T ~int](n T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = T(i)
	}
	return all
}

// ErrorsShape is a form of the errors field of a refusal; clients report several.
type ErrorsShape int

// The shapes.
const (
	ErrorsLists   ErrorsShape = iota // {"label":["…"]}
	ErrorsStrings                    // {"label":"…"}
	ErrorsArray                      // ["…"]
	ErrorsEmpty                      // []
	ErrorsObjects                    // [{"field":"label","message":"…"}]
	ErrorsNested                     // {"label":{"taken":"…"}}
	ErrorsString                     // "…"
	ErrorsNumber                     // 7
	errorsShapes                     // how many there are
)

// ErrorsShapes returns every shape.
func ErrorsShapes() []ErrorsShape { return upTo(errorsShapes) }

var errorShapes = map[ErrorsShape]any{
	ErrorsLists:   map[string][]string{"label": {labelTaken}},
	ErrorsStrings: map[string]string{"label": labelTaken},
	ErrorsArray:   []string{labelTaken},
	ErrorsEmpty:   []string{},
	ErrorsObjects: []map[string]string{{"field": "label", "message": labelTaken}},
	ErrorsNested:  map[string]map[string]string{"label": {"taken": labelTaken}},
	ErrorsString:  labelTaken,
	ErrorsNumber:  7,
}

// FaultRule is which calls go wrong, and how.
type FaultRule struct {
	Server      int64   // 0 = any, and calls about no server
	Op          Op      // OpAny = all, OpChange = those that add or remove a key
	Times       int     // how many calls; 0 = for ever
	Probability float64 // of each call, by the account's seeded random numbers; 0 = certain
	Kind        FaultKind
	After       bool // the call is applied first, so only its answer goes wrong
	Status      int
	Message     string // a usual one when empty
	RetryAfter  time.Duration
	Errors      ErrorsShape
	Shift       int
}

type fault struct {
	FaultRule
	used     int
	released chan struct{}
	release  func()
}

// Fault makes calls go wrong from now on; of rules that match the same call the oldest holds. The
// returned function removes the rule and lets the calls go on that hang on it. Go's HTTP client
// quietly repeats a GET whose kept connection drops, so a single FaultDrop may not show on reads.
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

// Faults returns the rules that calls can still go wrong by, oldest first.
func (a *Account) Faults() []FaultRule {
	a.mu.Lock()
	defer a.mu.Unlock()
	var armed []FaultRule
	for _, f := range a.faults {
		if !f.spent() {
			armed = append(armed, f.FaultRule)
		}
	}
	return armed
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

// Hanging returns how many calls hang on a rule now.
func (a *Account) Hanging() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hanging
}

func (a *Account) countHanging(by int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hanging += by
}

// plan is what will go wrong with one call.
type plan struct {
	delay time.Duration
	shift int
	fault *fault // nil: nothing but the delay and the shift
}

func (a *Account) plan(r request) plan {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := plan{delay: a.latency}
	for _, f := range a.faults {
		shifts := f.Kind == FaultShift
		if !f.matches(r) || !shifts && p.fault != nil || f.Probability > 0 && a.random.Float64() >= f.Probability {
			continue
		}
		f.used++
		if shifts {
			p.shift += f.Shift
		} else {
			p.fault = f
		}
	}
	// A used-up hang stays, so that ClearFaults can still release what hangs on it.
	a.faults = slices.DeleteFunc(a.faults, func(f *fault) bool { return f.spent() && f.Kind != FaultHang })
	return p
}

func (f *fault) matches(r request) bool {
	return !f.spent() && (f.Server == 0 || f.Server == r.server) && f.Op.covers(r.op)
}

func (f *fault) spent() bool { return f.Times > 0 && f.used >= f.Times }

// early reports whether the fault keeps the call from being applied.
func (p plan) early() bool {
	return p.fault != nil && !p.fault.After && p.fault.Kind != FaultTruncated
}

// late reports whether the fault spoils the answer to a call that was applied.
func (p plan) late() bool { return p.fault != nil && !p.early() }

// answer returns the faulty answer in place of the right one. A hang that nobody released has none.
func (f *fault) answer(right answer) answer {
	switch f.Kind {
	case FaultErrors:
		return jsonAnswer(orDefault(f.Status, http.StatusUnprocessableEntity), errorJSON{f.text("The given data was invalid."), errorShapes[f.Errors]})
	case FaultHTML:
		return html(orDefault(f.Status, http.StatusOK))
	case FaultEmpty:
		return answer{status: orDefault(f.Status, http.StatusOK)}
	case FaultTooMany:
		return tooMany(f.RetryAfter)
	case FaultDrop, FaultHang:
		return answer{drop: true}
	case FaultTruncated:
		right.broken = true
		return right
	}
	status := orDefault(f.Status, http.StatusInternalServerError)
	return message(status, f.text(usualMessage(status)))
}

func (f *fault) text(usual string) string {
	if f.Message != "" {
		return f.Message
	}
	return usual
}

func usualMessage(status int) string {
	switch status {
	case http.StatusInternalServerError:
		return "Server Error"
	case http.StatusNotFound:
		return "Resources not found."
	case http.StatusUnauthorized:
		return "Unauthenticated."
	}
	return http.StatusText(status)
}
