package runcloudsim

import "time"

// keptCalls bounds the log of an account that runs for days.
const keptCalls = 200_000

// Phase is how far a call has come.
type Phase int

// The phases.
const (
	Arrived  Phase = iota // read, not yet acted on; a hanging call stays here
	Before                // about to be applied
	After                 // applied or refused by a rule, not yet answered
	Answered              // an answer was written, or the connection dropped
)

// Call is one HTTP call that the account received.
type Call struct {
	Time         time.Time // of arrival, by Options.Now
	Method, Path string
	Op           Op
	Server       int64
	Credential   int64 // also the new one of a POST that was applied
	Phase        Phase
	Applied      bool // a credential was really added or removed
	Status       int  // 0 while there is no answer, and for a dropped connection
}

type journal struct {
	calls                     []*Call
	counts                    map[Op]int
	limited                   int
	inFlight, highestInFlight int
}

func newJournal() journal { return journal{counts: map[Op]int{}} }

func (a *Account) begin(r request) *Call {
	c := &Call{Time: a.now(), Method: r.method, Path: r.path, Op: r.op, Server: r.server, Credential: r.credential}
	a.mu.Lock()
	defer a.mu.Unlock()
	j := &a.journal
	if len(j.calls) >= keptCalls {
		j.calls = append([]*Call(nil), j.calls[keptCalls/2:]...)
	}
	j.calls = append(j.calls, c)
	j.counts[c.Op]++
	j.inFlight++
	j.highestInFlight = max(j.highestInFlight, j.inFlight)
	return c
}

// reach notes that c has come to a phase and tells the hook of it. The hook runs without the lock, so it
// may look at the account, or block.
func (a *Account) reach(c *Call, p Phase, out outcome) {
	a.mu.Lock()
	c.Phase = p
	if out.applied {
		c.Applied, c.Credential = true, out.credential
	}
	hook, seen := a.hook, *c
	a.mu.Unlock()
	if hook != nil {
		hook(seen)
	}
}

func (a *Account) finish(c *Call, ans answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.Phase = Answered
	if !ans.drop {
		c.Status = ans.status
	}
	if c.Status == 429 {
		a.journal.limited++
	}
}

func (a *Account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal.inFlight--
	if a.journal.inFlight == 0 {
		a.idle.Broadcast()
	}
}

// OnCall sets a hook that is called for every call just before it is applied (Before) and just after,
// while the client still waits (After). A call that a fault stops earlier does not reach it. The hook
// runs on the call's goroutine; nil takes it away.
func (a *Account) OnCall(hook func(Call)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook = hook
}

// Calls returns the calls since the last ResetCalls in order of arrival, those in flight included. Of
// very many only the latest are kept.
func (a *Account) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Call, 0, len(a.journal.calls))
	for _, c := range a.journal.calls {
		out = append(out, *c)
	}
	return out
}

// Count tells how many calls of an operation have arrived; OpAny counts all.
func (a *Account) Count(op Op) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if op != OpAny {
		return a.journal.counts[op]
	}
	n := 0
	for _, c := range a.journal.counts {
		n += c
	}
	return n
}

// Count429 tells how many calls were answered with 429, for whatever reason.
func (a *Account) Count429() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.journal.limited
}

// MaxInFlight tells how many calls were open at the same time at most.
func (a *Account) MaxInFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.journal.highestInFlight
}

// ResetCalls empties the log and the counters.
func (a *Account) ResetCalls() {
	a.mu.Lock()
	defer a.mu.Unlock()
	open := a.journal.inFlight
	a.journal = newJournal()
	a.journal.inFlight, a.journal.highestInFlight = open, open
}
