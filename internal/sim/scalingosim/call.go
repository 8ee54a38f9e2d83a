package scalingosim

import "time"

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
	Op      Op
	Phase   Phase
	Status  int  // of the answer; 0 while there is none
	Applied bool // a key or token was really added or removed
}

// begin records a call and returns its number.
func (a *Account) begin(r request) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, Call{Time: a.now(), Op: r.op})
	a.inFlight++
	return len(a.calls) - 1
}

// OnCall sets a hook that is called for every call just before it is applied and just after, while the client
// still waits. A call that a fault stops earlier does not reach it. The hook runs on the call's goroutine, without
// the lock; nil removes it.
func (a *Account) OnCall(hook func(Call)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook = hook
}

// reach notes that call number n has come to a phase, and calls the hook.
func (a *Account) reach(n int, p Phase, applied bool) {
	a.mu.Lock()
	a.calls[n].Phase, a.calls[n].Applied = p, applied
	hook, seen := a.hook, a.calls[n]
	a.mu.Unlock()
	if hook != nil {
		hook(seen)
	}
}

func (a *Account) setStatus(n, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[n].Status = status
}

func (a *Account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight--
	if a.inFlight == 0 {
		a.idle.Broadcast()
	}
}

// Calls returns all calls in the order of their arrival, those in flight included.
func (a *Account) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Call{}, a.calls...)
}

// Count returns how many calls of an operation have arrived; OpAny counts all.
func (a *Account) Count(op Op) int {
	n := 0
	for _, c := range a.Calls() {
		if op.includes(c.Op) {
			n++
		}
	}
	return n
}

// includes reports whether an operation is one of those that op stands for.
func (op Op) includes(other Op) bool {
	return op == OpAny || op == other || op == OpAuthorized && other != OpExchange
}
