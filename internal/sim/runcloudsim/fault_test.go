package runcloudsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFaultyAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule   FaultRule
		status int
		body   string
		header string // name: value
	}{
		"status":        {FaultRule{}, 500, `{"message":"Server Error"}`, "Content-Type: application/json"},
		"own status":    {FaultRule{Status: 503, Message: "Down"}, 503, `{"message":"Down"}`, ""},
		"forbidden":     {FaultRule{Status: 403}, 403, `{"message":"Forbidden"}`, ""},
		"missing":       {FaultRule{Status: 404}, 404, `{"message":"Resources not found."}`, ""},
		"token":         {FaultRule{Status: 401}, 401, `{"message":"Unauthenticated."}`, ""},
		"lists":         {FaultRule{Kind: FaultErrors}, 422, `"errors":{"label":["The label`, ""},
		"strings":       {FaultRule{Kind: FaultErrors, Errors: ErrorsStrings}, 422, `"errors":{"label":"The label`, ""},
		"array":         {FaultRule{Kind: FaultErrors, Errors: ErrorsArray}, 422, `"errors":["The label`, ""},
		"empty array":   {FaultRule{Kind: FaultErrors, Errors: ErrorsEmpty, Status: 400}, 400, `"errors":[]`, ""},
		"objects":       {FaultRule{Kind: FaultErrors, Errors: ErrorsObjects}, 422, `"errors":[{"field":"label"`, ""},
		"nested":        {FaultRule{Kind: FaultErrors, Errors: ErrorsNested}, 422, `"errors":{"label":{"taken":`, ""},
		"string":        {FaultRule{Kind: FaultErrors, Errors: ErrorsString}, 422, `"errors":"The label`, ""},
		"number":        {FaultRule{Kind: FaultErrors, Errors: ErrorsNumber}, 422, `"errors":7`, ""},
		"no errors":     {FaultRule{Status: 422, Message: "Bad"}, 422, `{"message":"Bad"}`, ""},
		"page":          {FaultRule{Kind: FaultHTML}, 200, "<html>", "Content-Type: text/html; charset=UTF-8"},
		"redirect":      {FaultRule{Kind: FaultHTML, Status: 302}, 302, "<html>", "Location: /login"},
		"refused page":  {FaultRule{Kind: FaultHTML, Status: 403}, 403, "<html>", ""},
		"gateway":       {FaultRule{Kind: FaultHTML, Status: 502}, 502, "Bad Gateway", ""},
		"empty":         {FaultRule{Kind: FaultEmpty}, 200, "", "Content-Length: 0"},
		"empty 500":     {FaultRule{Kind: FaultEmpty, Status: 500}, 500, "", ""},
		"too many":      {FaultRule{Kind: FaultTooMany}, 429, "Too Many Attempts.", "Retry-After: "},
		"too many wait": {FaultRule{Kind: FaultTooMany, RetryAfter: 2500 * time.Millisecond}, 429, "Too Many Attempts.", "Retry-After: 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, after := range []bool{false, true} {
				b := newBench(t, Rules{})
				id := b.AddServer(Server{})
				c.rule.Op, c.rule.Times, c.rule.After = OpCreate, 1, after
				b.Fault(c.rule)
				r := b.post(id, keyForm(t, 1, "a"))
				if r.err != nil || r.status != c.status || !strings.Contains(r.body, c.body) || (c.body == "" && r.body != "") {
					t.Errorf("got %d %q %v", r.status, r.body, r.err)
				}
				if key, value, ok := strings.Cut(c.header, ": "); ok && r.header.Get(key) != value {
					t.Errorf("%s is %q", key, r.header.Get(key))
				}
				if got := len(b.Keys(id)) == 1; got != after {
					t.Errorf("after %v: applied %v", after, got)
				}
				if call := b.Calls()[0]; call.Applied != after {
					t.Errorf("logged %+v", call)
				}
			}
		})
	}
}

func TestDroppedConnections(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		b := newBench(t, Rules{})
		id := b.AddServer(Server{})
		b.Fault(FaultRule{Op: OpCreate, Kind: FaultDrop, After: after, Times: 1})
		if r := b.post(id, keyForm(t, 1, "a")); !errors.Is(r.err, io.EOF) {
			t.Errorf("after %v: got %d %v", after, r.status, r.err)
		}
		if got := len(b.Keys(id)) == 1; got != after {
			t.Errorf("after %v: applied %v", after, got)
		}
		if call := b.Calls()[0]; call.Applied != after {
			t.Errorf("after %v: logged %+v", after, call)
		}
		// What a client finds that posts again, blindly.
		want := 200
		if after {
			want = 422
		}
		if r := b.post(id, keyForm(t, 1, "a")); r.status != want {
			t.Errorf("after %v: again: %d %s", after, r.status, r.body)
		}
	}
}

func TestDropAfterDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	k := b.AddKey(id, Credential{Label: "a", User: "root", PublicKey: publicKey(t, 1)})
	// For ever, since Go's client repeats a DELETE by itself when a kept connection drops.
	remove := b.Fault(FaultRule{Op: OpDelete, Kind: FaultDrop, After: true})
	path := fmt.Sprintf("/servers/%d/ssh/credentials/%d", id, k)
	if r := b.call("DELETE", path, nil); r.err == nil {
		t.Errorf("answered %d", r.status)
	}
	if len(b.Keys(id)) != 0 {
		t.Error("not applied")
	}
	remove()
	b.want("DELETE", path, nil, 404, "Resources not found.")
}

func TestTruncatedAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	b.Fault(FaultRule{Op: OpCreate, Kind: FaultTruncated})
	r := b.post(id, keyForm(t, 1, "a"))
	if r.status != 200 || !errors.Is(r.err, io.ErrUnexpectedEOF) || !strings.HasPrefix(r.body, `{"id":`) {
		t.Errorf("got %d %q %v", r.status, r.body, r.err)
	}
	if len(b.Keys(id)) != 1 {
		t.Error("not applied")
	}
}

func TestHangs(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		b := newBench(t, Rules{})
		id := b.AddServer(Server{})
		rule := FaultRule{Op: OpCreate, Kind: FaultHang, After: after, Times: 1}
		hang := func(ctx context.Context, n byte) <-chan reply {
			done, r := make(chan reply, 1), b.request(ctx, "POST", fmt.Sprintf("/servers/%d/ssh/credentials", id), keyForm(t, n, fmt.Sprint(n)))
			go func() { done <- b.send(r) }()
			b.until("hangs", func() bool { return b.Hanging() == 1 })
			if got := len(b.Keys(id)) == 1; got != after {
				t.Errorf("after %v: applied %v while it hangs", after, got)
			}
			return done
		}
		remove := b.Fault(rule)
		ctx, giveUp := context.WithCancel(t.Context())
		done := hang(ctx, 1)
		giveUp()
		if r := <-done; !errors.Is(r.err, context.Canceled) {
			t.Errorf("after %v: got %d %v", after, r.status, r.err)
		}
		b.until("the call ends", func() bool { return b.inFlight() == 0 })
		if got := len(b.Keys(id)) == 1; got != after {
			t.Errorf("after %v: applied %v", after, got)
		}
		remove()
		if after {
			b.want("DELETE", fmt.Sprintf("/servers/%d/ssh/credentials/%d", id, b.Keys(id)[0].ID), nil, 200, "")
		}
		remove = b.Fault(rule)
		done = hang(t.Context(), 2)
		remove()
		if r := <-done; r.status != 200 || len(b.Keys(id)) != 1 {
			t.Errorf("after %v: released: %d %v", after, r.status, r.err)
		}
	}
}

func (b *bench) inFlight() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.inFlight
}

func TestCloseAndClearEndHangs(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	hang := func() <-chan reply {
		b.Fault(FaultRule{Kind: FaultHang, Times: 1})
		done, r := make(chan reply, 1), b.request(t.Context(), "POST", "/servers", nil)
		go func() { done <- b.send(r) }()
		b.until("hangs", func() bool { return b.Hanging() == 1 })
		return done
	}
	done := hang()
	b.ClearFaults()
	if r := <-done; r.status != 404 {
		t.Errorf("released: %d %v", r.status, r.err)
	}
	b.until("ends", func() bool { return b.inFlight() == 0 })
	done = hang()
	if err := b.Close(); err != nil || b.inFlight() != 0 {
		t.Errorf("closed with %d in flight: %v", b.inFlight(), err)
	}
	if r := <-done; r.err == nil {
		t.Errorf("answered %d", r.status)
	}
}

func TestWhichCallsFail(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	ids := b.AddServers(2)
	keys := func(i int) string { return fmt.Sprintf("/servers/%d/ssh/credentials", ids[i]) }
	remove := b.Fault(FaultRule{Server: ids[0], Op: OpListCredentials})
	b.Fault(FaultRule{Server: ids[0], Status: 503, Times: 2})
	b.want("GET", keys(0), nil, 500, "")
	b.want("GET", keys(1), nil, 200, "")
	b.want("GET", keys(0), nil, 500, "")
	remove()
	remove()
	b.want("GET", keys(0), nil, 503, "")
	b.want("GET", fmt.Sprintf("/servers/%d", ids[0]), nil, 503, "")
	b.want("GET", keys(0), nil, 200, "")
	b.Fault(FaultRule{})
	b.want("GET", "/ping", nil, 500, "")
	b.ClearFaults()
	b.want("GET", "/ping", nil, 200, "")
}

func TestRandomFaultsFollowTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (pattern string) {
		a := New(Options{Seed: seed})
		a.Fault(FaultRule{Probability: 0.3})
		for range 200 {
			if a.plan(request{}).fault != nil {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	if once, again := run(1), run(1); once != again || once == run(2) {
		t.Error("the seed should decide")
	}
	if n := strings.Count(run(1), "x"); n < 40 || n > 80 {
		t.Errorf("%d of 200 struck", n)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.SetLatency(20 * time.Millisecond)
	began := time.Now()
	b.get("/ping")
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

func TestGivingUpDoesNotUndo(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	b.SetLatency(50 * time.Millisecond) // and where that is over first, the hook waits
	gaveUp := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(gaveUp) })
	t.Cleanup(letGo)
	b.OnCall(func(Call) { <-gaveUp })
	ctx, giveUp := context.WithCancel(t.Context())
	r := b.request(ctx, "POST", fmt.Sprintf("/servers/%d/ssh/credentials", id), keyForm(t, 1, "a"))
	done := make(chan reply, 1)
	go func() { done <- b.send(r) }()
	b.until("arrived", func() bool { return b.Count(OpCreate) == 1 })
	giveUp()
	if r := <-done; !errors.Is(r.err, context.Canceled) {
		t.Errorf("got %d %v", r.status, r.err)
	}
	letGo()
	b.until("applied all the same", func() bool { return len(b.Keys(id)) == 1 })
}
