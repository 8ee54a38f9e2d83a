package runcloudsim

import (
	"net/http"
	"strconv"
	"time"
)

// LimitOptions shape a rate limit.
type LimitOptions struct {
	Window      time.Duration // one minute when zero
	Sliding     bool          // each call counts for a window of its own, instead of one window for all
	Burst       int           // instead of windows, a bucket of so many calls that fills evenly
	NoHeaders   bool          // answers say nothing of the limit
	RetryAfter  bool          // a 429 carries Retry-After, in whole seconds rounded up
	ResetHeader bool          // a 429 carries X-RateLimit-Reset, in Unix seconds
}

// SetRateLimit allows n calls per window from now on and, unless told otherwise, makes every answer carry
// X-RateLimit-Limit and X-RateLimit-Remaining (RunCloud API intro page); 0 lifts the limit. Refused calls
// do not count.
func (a *Account) SetRateLimit(n int, o LimitOptions) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limit = nil
	if n > 0 {
		o.Window = orDefault(o.Window, time.Minute)
		a.limit = &limiter{LimitOptions: o, max: n}
	}
}

type limiter struct {
	LimitOptions
	max   int
	taken []time.Time // when each counted call stops counting, ascending
	full  time.Time   // when the bucket is
}

// take counts a call at now; when there is no room, wait is how long there will be none.
func (l *limiter) take(now time.Time) (remaining int, wait time.Duration) {
	if l.Burst > 0 {
		return l.pour(now)
	}
	for len(l.taken) > 0 && !now.Before(l.taken[0]) {
		l.taken = l.taken[1:]
	}
	if len(l.taken) >= l.max {
		return 0, l.taken[0].Sub(now)
	}
	end := now.Add(l.Window)
	if !l.Sliding && len(l.taken) > 0 {
		end = l.taken[0] // the window that the first call opened
	}
	l.taken = append(l.taken, end)
	return l.max - len(l.taken), 0
}

func (l *limiter) pour(now time.Time) (remaining int, wait time.Duration) {
	each := l.Window / time.Duration(l.max)
	missing := max(0, l.full.Sub(now))
	if wait = missing - each*time.Duration(l.Burst-1); wait > 0 {
		return 0, wait
	}
	missing += each
	l.full = now.Add(missing)
	return l.Burst - int((missing+each-1)/each), 0
}

// throttle counts a call; headers go into whatever the answer will be.
func (l *limiter) throttle(now time.Time) (headers map[string]string, refusal *answer) {
	remaining, wait := l.take(now)
	headers = map[string]string{}
	if !l.NoHeaders {
		headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"] = strconv.Itoa(l.max), strconv.Itoa(remaining)
	}
	if wait == 0 {
		return headers, nil
	}
	ans := tooMany(0)
	if l.RetryAfter {
		ans = tooMany(wait)
	}
	if l.ResetHeader {
		headers["X-RateLimit-Reset"] = strconv.FormatInt(now.Add(wait).Add(time.Second-1).Unix(), 10)
	}
	return headers, &ans
}

type quota struct{ left, status int }

// SetQuota leaves n calls of the monthly quota; afterwards every call is answered with status (429 when
// zero; RunCloud documents none). A negative n lifts the quota.
func (a *Account) SetQuota(n, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota = nil
	if n >= 0 {
		a.quota = &quota{n, orDefault(status, http.StatusTooManyRequests)}
	}
}

// admit decides whether a call may come in at all.
func (a *Account) admit(r request) (headers map[string]string, refusal *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ans := a.authenticate(r); ans != nil {
		return nil, ans
	}
	if a.limit != nil {
		headers, refusal = a.limit.throttle(time.Now())
	}
	if refusal == nil && a.quota != nil {
		if a.quota.left--; a.quota.left < 0 {
			ans := message(a.quota.status, "API usage limit exceeded.")
			refusal = &ans
		}
	}
	return headers, refusal
}

func (a *Account) authenticate(r request) *answer {
	var text string
	switch {
	case !isAPI(r.path):
		return nil // web pages are open to everybody
	case r.token == "":
		text = "Missing API Token."
	case r.token != a.token, a.allowed != nil && !a.allowed[r.caller]:
		text = "Unauthenticated."
	default:
		return nil
	}
	ans := message(http.StatusUnauthorized, text)
	return &ans
}
