package check

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	callTimeout = 15 * time.Second // of one call
	allTimeout  = 10 * time.Minute // of a call with what a service asks to wait; an observer ends it before
	mostTries   = 3                // of a call that is answered by 429
	usualPause  = time.Minute      // where a service does not say how long to wait
	mostBody    = 9 << 20          // bytes of an answer; the clients refuse fewer
)

// observer is an http.RoundTripper for all calls to one service. It keeps what the answers say
// besides what was asked for: the service's time, its rate limit, and the form of its lists. A
// refusal that asks to wait no longer than Patience is waited out.
type observer struct {
	whose    string // the service's name
	base     http.RoundTripper
	now      func() time.Time
	patience time.Duration     // 0: nothing is waited out
	waiting  func(text string) // is told before each wait

	mu     sync.Mutex // guards the rest
	date   string     // of the last answer
	at     time.Time  // our time half-way between the call and that answer
	limits map[string]string
	lists  map[string]*listing // by the last word of their path
}

// observe returns an observer for the calls to a service.
func (c Checker) observe(whose string) *observer {
	return &observer{
		whose: whose, base: http.DefaultTransport, now: c.Now, patience: c.Patience, waiting: c.Waiting,
		limits: map[string]string{}, lists: map[string]*listing{},
	}
}

// RoundTrip implements http.RoundTripper. The body of the answer is in memory.
func (o *observer) RoundTrip(request *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := o.once(request)
		if err != nil || answer.StatusCode != http.StatusTooManyRequests || try == mostTries {
			return answer, err
		}
		pause := cmp.Or(o.pause(answer), usualPause)
		if pause > o.patience {
			return answer, nil
		}
		o.waiting(fmt.Sprintf("%s asks to wait %s; it is asked again after that. Ctrl-C ends the check.", o.whose, pause))
		if request, err = again(request, pause); err != nil {
			return nil, err
		}
	}
}

// again returns the same request after a pause.
func again(request *http.Request, pause time.Duration) (*http.Request, error) {
	select {
	case <-request.Context().Done():
		return nil, request.Context().Err()
	case <-time.After(pause):
	}
	request = request.Clone(request.Context())
	if request.GetBody == nil {
		return request, nil
	}
	body, err := request.GetBody()
	request.Body = body
	return request, err
}

// once makes the call, and reads the whole answer.
func (o *observer) once(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), callTimeout)
	defer cancel()
	began := o.now()
	answer, err := o.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	half := began.Add(o.now().Sub(began) / 2)
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostBody))
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.date, o.at = answer.Header.Get("Date"), half
	for name, values := range answer.Header {
		if strings.HasPrefix(strings.TrimPrefix(name, "X-"), "Ratelimit") || name == "Retry-After" {
			o.limits[strings.Replace(name, "Ratelimit", "RateLimit", 1)] = values[0]
		}
	}
	if answer.StatusCode == http.StatusOK {
		o.list(request.URL, body)
	}
	return answer, nil
}

// pause returns how long an answer asks to wait; 0 if it does not say.
func (o *observer) pause(answer *http.Response) time.Duration {
	text := strings.TrimSpace(answer.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		theirs = o.now()
	}
	return max(0, until.Sub(theirs))
}

// plainValue is what is shown of a header: a number, or a time.
var plainValue = regexp.MustCompile(`^[0-9A-Za-z ,:;=."+-]{1,40}$`)

// limit is what the answers said of the rate limit.
func (o *observer) limit(name string) Finding {
	o.mu.Lock()
	defer o.mu.Unlock()
	var said []string
	for _, header := range slices.Sorted(maps.Keys(o.limits)) {
		value := o.limits[header]
		if !plainValue.MatchString(value) {
			value = fmt.Sprintf("(%d bytes)", len(value))
		}
		said = append(said, header+": "+value)
	}
	if len(said) == 0 {
		return note(name, o.whose+"'s answers carry no X-RateLimit-* header and no Retry-After: its limit shows only when it refuses.")
	}
	return note(name, "The last that "+o.whose+"'s answers said: "+strings.Join(said, ", ")+".")
}

// skewAllowed is how much the clocks may differ: grants end by ours, temporary keys by
// RunCloud's.
const skewAllowed = 30 * time.Second

const mendClock = "Have the machine keep its clock by NTP, for example: timedatectl set-ntp true."

// clock compares the clock of this machine with the service's.
func (o *observer) clock(name string) Finding {
	o.mu.Lock()
	defer o.mu.Unlock()
	theirs, err := http.ParseTime(o.date)
	if err != nil {
		return note(name, o.whose+" did not tell its time, so the clock could not be compared.")
	}
	skew := o.at.Sub(theirs).Round(time.Second)
	switch {
	case skew > skewAllowed:
		return problem(name, "The clock of this machine is "+skew.String()+" ahead of "+o.whose+"'s.", mendClock)
	case skew < -skewAllowed:
		return problem(name, "The clock of this machine is "+(-skew).String()+" behind "+o.whose+"'s.", mendClock)
	}
	return ok(name, "The clock agrees with "+o.whose+"'s.")
}
