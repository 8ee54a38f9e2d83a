package runcloudsim

import (
	"context"
	"net/http"
	"time"
)

// ServeHTTP answers one call. Dropped connections are panics with http.ErrAbortHandler, which net/http
// understands.
func (a *Account) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := readRequest(hr)
	c := a.begin(r)
	defer a.end()
	headers, refusal := a.admit(r)
	var ans answer
	if refusal != nil {
		ans = *refusal
	} else {
		ans = a.carryOut(hr.Context(), r, c)
	}
	a.finish(c, ans)
	ans.write(w, headers)
}

// carryOut applies an admitted call with everything that is to go wrong on the way.
func (a *Account) carryOut(ctx context.Context, r request, c *Call) answer {
	p := a.plan(r)
	a.pause(p.delay)
	if p.early() && !a.survives(ctx, p.fault) {
		return p.fault.answer(answer{})
	}
	a.reach(c, Before, outcome{})
	out := a.applyWhenReachable(ctx, r, p.shift)
	a.reach(c, After, out)
	a.pause(p.delayAfter)
	if p.late() && !a.survives(ctx, p.fault) {
		return p.fault.answer(out.answer)
	}
	return out.answer
}

// survives is true for a hang that was released; every other fault is the end of the call.
func (a *Account) survives(ctx context.Context, f *fault) bool {
	if f.Kind != FaultHang {
		return false
	}
	a.hangs(1)
	defer a.hangs(-1)
	return a.waitFor(ctx, f.released)
}

func (a *Account) applyWhenReachable(ctx context.Context, r request, shift int) outcome {
	for {
		out := a.apply(r, shift)
		if out.wait == nil {
			return out
		}
		if !a.waitFor(ctx, out.wait) {
			return say(answer{drop: true})
		}
	}
}

// waitFor waits for ready; false when the client gave up or the account was closed first.
func (a *Account) waitFor(ctx context.Context, ready <-chan struct{}) bool {
	select {
	case <-ready:
		return true
	case <-ctx.Done():
	case <-a.closed():
	}
	return false
}

// pause waits for d of real time, whether or not the client does: PHP does not notice either.
func (a *Account) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-a.closed():
	}
}

func (a *Account) closed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closing
}
