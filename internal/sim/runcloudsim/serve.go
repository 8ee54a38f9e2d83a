package runcloudsim

import (
	"context"
	"net/http"
	"time"
)

// ServeHTTP handles one call. Dropped connections are panics with http.ErrAbortHandler, which net/http
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
	a.countLimited(ans)
	ans.write(w, headers)
}

// carryOut applies an admitted call with everything that is to go wrong on the way.
func (a *Account) carryOut(ctx context.Context, r request, c *Call) answer {
	p := a.plan(r)
	a.pause(p.delay)
	if p.early() && !a.released(ctx, p.fault) {
		return p.fault.answer(answer{})
	}
	a.reach(c, Before, false)
	out := a.apply(r, p.shift)
	a.reach(c, After, out.applied)
	if p.late() && !a.released(ctx, p.fault) {
		return p.fault.answer(out.answer)
	}
	return out.answer
}

// released waits at a hang and reports whether the call may go on, because the rule was removed before
// the client gave up and the account was closed. Every other fault is the end of the call.
func (a *Account) released(ctx context.Context, f *fault) bool {
	if f.Kind != FaultHang {
		return false
	}
	a.countHanging(1)
	defer a.countHanging(-1)
	select {
	case <-f.released:
		return true
	case <-ctx.Done():
	case <-a.closing:
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
	case <-a.closing:
	}
}
