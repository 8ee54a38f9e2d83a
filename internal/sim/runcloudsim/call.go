package runcloudsim

import (
	"net/http"
	"time"
)

// Phase is how far a call has come when the hook of OnCall sees it.
type Phase int

// The phases.
const (
	Before Phase = iota // about to be applied
	After               // applied or refused by a rule, not yet answered
)

// Call is one HTTP call that the account received.
type Call struct {
	Time    time.Time // of arrival, by Options.Now
	Method  string
	Op      Op
	Server  int64
	Phase   Phase
	Applied bool // a credential was really added or removed
}

type callLog struct {
	calls    []*Call
	counts   map[Op]int
	limited  int // answered with 429
	inFlight int
}

func newCallLog() callLog { return callLog{counts: map[Op]int{}} }

func (a *Account) begin(r request) *Call {
	c := &Call{Time: a.now(), Method: r.method, Op: r.op, Server: r.server}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.calls = append(a.log.calls, c)
	a.log.counts[c.Op]++
	a.log.inFlight++
	return c
}

// reach notes that c has come to a phase and calls the hook. The hook runs without the lock, so it
// may look at the account, or block.
func (a *Account) reach(c *Call, p Phase, applied bool) {
	a.mu.Lock()
	c.Phase, c.Applied = p, applied
	hook, seen := a.hook, *c
	a.mu.Unlock()
	if hook != nil {
		hook(seen)
	}
}

func (a *Account) countLimited(ans answer) {
	if ans.status == http.StatusTooManyRequests {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.log.limited++
	}
}

func (a *Account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.inFlight--
	if a.log.inFlight == 0 {
		a.idle.Broadcast()
	}
}

// OnCall sets a hook that is called for every call just before it is applied (Before) and just after,
// while the client still waits (After). A call that a fault stops earlier does not reach it. The hook
// runs on the call's goroutine; nil removes it.
func (a *Account) OnCall(hook func(Call)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook = hook
}

// Calls returns the calls since the last ResetCalls in order of arrival, those in flight included.
func (a *Account) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Call, 0, len(a.log.calls))
	for _, c := range a.log.calls {
		out = append(out, *c)
	}
	return out
}

// Count returns how many calls of an operation have arrived since the last ResetCalls; OpAny counts all.
func (a *Account) Count(op Op) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if op == OpAny {
		return len(a.log.calls)
	}
	return a.log.counts[op]
}

// Count429 returns how many calls were answered with 429 since the last ResetCalls, for whatever reason.
func (a *Account) Count429() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.limited
}

// ResetCalls empties the log and the counters.
func (a *Account) ResetCalls() {
	a.mu.Lock()
	defer a.mu.Unlock()
	inFlight := a.log.inFlight
	a.log = newCallLog()
	a.log.inFlight = inFlight
}
