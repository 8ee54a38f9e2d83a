package octopussim

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestFaultyAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule   FaultRule
		status int
		body   string
		header string // name: value
	}{
		"status":        {FaultRule{}, 500, `"FullException":"`, "Content-Type: application/json"},
		"own status":    {FaultRule{Status: 409, Message: "Busy"}, 409, `"ErrorMessage":"Busy"`, ""},
		"maintenance":   {FaultRule{Kind: FaultHTML}, 503, "<html>", "Content-Type: text/html"},
		"gateway":       {FaultRule{Kind: FaultHTML, Status: 502}, 502, "<html>", ""},
		"empty":         {FaultRule{Kind: FaultEmpty}, 200, "", "Content-Length: 0"},
		"too many":      {FaultRule{Kind: FaultTooMany}, 429, "Too many", "Retry-After: "},
		"too many wait": {FaultRule{Kind: FaultTooMany, RetryAfter: 2500 * time.Millisecond}, 429, "Too many", "Retry-After: 3"},
		"echo":          {FaultRule{Kind: FaultEcho}, 400, `\"Username\":\"runcloud\"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, after := range []bool{false, true} {
				b := newBench(t, Options{})
				tt.rule.Op, tt.rule.Times, tt.rule.After = OpCreateAccount, 1, after
				b.Fault(tt.rule)
				r := b.want("POST", inDefault+"/accounts", newDocument(t), tt.status, tt.body)
				if key, value, ok := strings.Cut(tt.header, ": "); ok && r.header.Get(key) != value {
					t.Errorf("%s is %q", key, r.header.Get(key))
				}
				if got := len(b.Accounts(DefaultSpace)) == 1; got != after || b.Calls()[0].Applied != after {
					t.Errorf("after %v: applied %v", after, got)
				}
				if b.want("GET", inDefault+"/accounts", nil, 200, ""); b.Count(OpAny) != 2 || b.Count(OpCreateAccount) != 1 {
					t.Errorf("calls %+v", b.Calls())
				}
			}
		})
	}
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, rule := range []FaultRule{{Kind: FaultDrop}, {Kind: FaultDrop, After: true}, {Kind: FaultTruncated}} {
		b := newBench(t, Options{})
		rule.Op, rule.Times = OpCreateAccount, 1
		b.Fault(rule)
		r := b.call("POST", inDefault+"/accounts", newDocument(t))
		if !errors.Is(r.err, io.EOF) && !errors.Is(r.err, io.ErrUnexpectedEOF) {
			t.Errorf("%+v: got %d %v", rule, r.status, r.err)
		}
		if got, want := len(b.Accounts(DefaultSpace)) == 1, rule != (FaultRule{Kind: FaultDrop, Op: OpCreateAccount, Times: 1}); got != want {
			t.Errorf("%+v: applied %v", rule, got)
		}
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	remove := b.Fault(FaultRule{Op: OpMe, Kind: FaultHang})
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan reply)
	go func() { answers <- b.send(ctx, "GET", "/api/users/me", nil) }()
	cancel()
	if r := <-answers; !errors.Is(r.err, context.Canceled) {
		t.Errorf("got %d %v", r.status, r.err)
	}
	go func() { answers <- b.send(t.Context(), "GET", "/api/users/me", nil) }()
	remove()
	remove()
	if r := <-answers; r.status != 200 {
		t.Errorf("got %d %v", r.status, r.err)
	}
}
