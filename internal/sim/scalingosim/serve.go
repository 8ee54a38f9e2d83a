package scalingosim

import (
	"context"
	"net/http"
	"time"
)

// ServeHTTP handles one call. Dropped connections are panics with http.ErrAbortHandler, which net/http
// understands.
func (a *Account) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := readRequest(hr)
	n := a.begin(r)
	defer a.end()
	ans := a.carryOut(hr.Context(), r, n)
	a.setStatus(n, ans.status)
	a.write(w, ans)
}

// carryOut applies call number n with everything that is to go wrong on the way.
func (a *Account) carryOut(ctx context.Context, r request, n int) answer {
	if a.limited() {
		return tooMany()
	}
	f, delay := a.plan(r)
	a.pause(delay)
	if f == nil {
		return a.apply(r, n)
	}
	if f.Kind == FaultLate {
		a.applyLater(r, n, f.Delay)
	}
	if f.early() && !a.released(ctx, f) {
		return f.answer(answer{})
	}
	right := a.apply(r, n)
	if f.early() || a.released(ctx, f) {
		return right
	}
	return f.answer(right)
}

// released waits at a hang and reports whether the call may go on, because the rule was removed before the client
// gave up and the account was closed. Every other fault is the end of the call.
func (a *Account) released(ctx context.Context, f *fault) bool {
	if f.Kind != FaultHang {
		return false
	}
	select {
	case <-f.released:
		return true
	case <-ctx.Done():
	case <-a.closing:
	}
	return false
}

// pause waits for d of real time, whether or not the client does: Rails does not notice either.
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

// applyLater applies a call when nobody waits for it any more.
func (a *Account) applyLater(r request, n int, d time.Duration) {
	a.mu.Lock()
	a.inFlight++
	a.mu.Unlock()
	go func() {
		defer a.end()
		a.pause(d)
		a.apply(r, n)
	}()
}

// apply carries a call out, all of it or nothing.
func (a *Account) apply(r request, n int) answer {
	a.reach(n, Before, false)
	out := a.outcome(r)
	a.reach(n, After, out.applied)
	return out.answer
}

func (a *Account) outcome(r request) outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case r.op == OpExchange:
		return a.exchange(r)
	case !a.authenticated(r):
		return unchanged(refusal(http.StatusUnauthorized, "unauthorized - invalid authentication token"))
	}
	switch r.op {
	case OpSelf:
		return unchanged(jsonAnswer(http.StatusOK, map[string]any{"user": self()}))
	case OpListKeys:
		return a.listKeys()
	case OpGetKey:
		return a.getKey(r.id)
	case OpAddKey:
		return a.createKey(r.body)
	case OpDeleteKey:
		return a.deleteKey(r.id)
	case OpListTokens:
		return a.listTokens()
	case OpDeleteToken:
		return a.deleteToken(r.id)
	}
	return unchanged(html(http.StatusNotFound))
}
