package octopussim

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// FaultKind is a way to go wrong.
type FaultKind int

// The kinds.
const (
	FaultStatus    FaultKind = iota // JSON with Status (500 when zero), Message and the inside of the server
	FaultHTML                       // a maintenance page with Status (503 when zero)
	FaultEmpty                      // Status (200 when zero) and no body
	FaultTooMany                    // 429, with Retry-After if RetryAfter is set
	FaultHang                       // no answer until the client gives up or the rule is removed, which lets the call go on
	FaultDrop                       // the connection ends without an answer
	FaultTruncated                  // the connection ends in the middle of the answer; only with After
	FaultEcho                       // 400 with what was sent in its message
)

// FaultRule is which calls go wrong, and how.
type FaultRule struct {
	Op         Op  // OpAny = all
	Times      int // how many calls; 0 = for ever
	Kind       FaultKind
	After      bool // the call is applied first, so only its answer goes wrong
	Status     int
	Message    string // a usual one when empty
	RetryAfter time.Duration
}

type fault struct {
	FaultRule
	used     int
	released chan struct{}
}

// Fault makes calls go wrong from now on; of rules that match the same call the oldest holds. The returned function
// removes the rule and lets the calls go on that hang on it. Go's HTTP client quietly repeats a GET whose kept
// connection drops, so a single FaultDrop may not show on reads.
func (s *Server) Fault(rule FaultRule) (remove func()) {
	rule.After = rule.After || rule.Kind == FaultTruncated
	f := &fault{FaultRule: rule, released: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(x *fault) bool { return x == f })
		close(f.released)
	})
}

// faultFor returns the fault that a call meets, or nil.
func (s *Server) faultFor(r request) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if (f.Op == OpAny || f.Op == r.op) && (f.Times == 0 || f.used < f.Times) {
			f.used++
			return f
		}
	}
	return nil
}

// stops reports whether the fault ends the call: all do, but for a hang whose rule is removed before the client gives
// up.
func (f *fault) stops(ctx context.Context) bool {
	if f.Kind != FaultHang {
		return true
	}
	select {
	case <-f.released:
		return false
	case <-ctx.Done():
		return true
	}
}

// answer returns the faulty answer in place of the right one.
func (f *fault) answer(r request, right answer) answer {
	switch f.Kind {
	case FaultHTML:
		return html(orStatus(f.Status, http.StatusServiceUnavailable))
	case FaultEmpty:
		return answer{status: orStatus(f.Status, http.StatusOK)}
	case FaultTooMany:
		return tooMany(f.RetryAfter)
	case FaultDrop, FaultHang:
		return answer{drop: true}
	case FaultTruncated:
		right.broken = true
		return right
	case FaultEcho:
		return crashed(orStatus(f.Status, http.StatusBadRequest), "Cannot read: "+string(r.body))
	}
	status := orStatus(f.Status, http.StatusInternalServerError)
	return crashed(status, orDefault(f.Message, http.StatusText(status)))
}

func orStatus(status, def int) int {
	if status == 0 {
		return def
	}
	return status
}
