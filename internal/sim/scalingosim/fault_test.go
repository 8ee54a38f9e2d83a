package scalingosim

import (
	"strings"
	"testing"
	"time"
)

const deadline = time.Minute

// until waits for what must come.
func (b *bench) until(what string, holds func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(deadline); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s never comes", what)
		}
	}
}

// What each kind of fault does to an addition and to a list.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule    FaultRule
		add     int // status; 0 for no answer
		list    int
		body    string // a part of what the list is answered with
		applied bool
	}{
		"500":               {FaultRule{}, 500, 500, `{"error":"Internal Server Error"}`, false},
		"500, applied":      {FaultRule{After: true}, 500, 500, `{"error":`, true},
		"403":               {FaultRule{Status: 403, Message: "no"}, 403, 403, `{"error":"no"}`, false},
		"a web page":        {FaultRule{Kind: FaultHTML}, 200, 200, "<html>", false},
		"503 as a web page": {FaultRule{Kind: FaultHTML, Status: 503, After: true}, 503, 503, "<html>", true},
		"too many":          {FaultRule{Kind: FaultTooMany}, 429, 429, "Retry later", false},
		"dropped":           {FaultRule{Kind: FaultDrop}, 0, 0, "", false},
		"dropped, applied":  {FaultRule{Kind: FaultDrop, After: true}, 0, 0, "", true},
		"cut":               {FaultRule{Kind: FaultCut}, 0, 0, "", true},
		"half":              {FaultRule{Kind: FaultHalf}, 201, 200, `{"ke`, true},
		"pages":             {FaultRule{Kind: FaultPages}, 201, 200, `"meta":{"pagination":{`, true},
		"null":              {FaultRule{Kind: FaultNull}, 201, 200, `{"keys":null}`, true},
		"for another call":  {FaultRule{Op: OpExchange}, 201, 200, `{"keys":[{`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Rules{})
			remove := b.Fault(tt.rule)
			b.add("a", publicKey(t, "a"), tt.add)
			if keys := len(b.Keys()); (keys == 1) != tt.applied {
				t.Errorf("there are %d keys", keys)
			}
			if r := b.call("GET", "/v1/keys", ""); r.status != tt.list || !strings.Contains(r.body, tt.body) {
				t.Errorf("%d %s", r.status, r.body)
			}
			remove()
			b.add("b", publicKey(t, "b"), 201)
			calls := b.Calls()
			if made := calls[1]; made.Op != OpAddKey || made.Applied != tt.applied || tt.add != 0 && made.Status != tt.add {
				t.Errorf("recorded %+v", made)
			}
		})
	}
}

// A rule may end by itself, or with all others.
func TestFaultsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.Fault(FaultRule{Op: OpAuthorized, Times: 1, Status: 401})
	if b.exchange(DefaultToken) == "" {
		t.Error("the exchange is no authorized call")
	}
	for _, status := range []int{401, 200} {
		if r := b.call("GET", "/v1/tokens", ""); r.status != status {
			t.Errorf("%d, want %d", r.status, status)
		}
	}
	b.Fault(FaultRule{})
	b.ClearFaults()
	b.SetOffline(true)
	if r := b.call("GET", "/v1/tokens", ""); r.status != 0 {
		t.Errorf("offline: %d", r.status)
	}
	b.SetOffline(false)
	if r := b.call("GET", "/v1/tokens", ""); r.status != 200 {
		t.Errorf("in the end: %d", r.status)
	}
}

// A call hangs until its rule goes, before or after it is applied.
func TestHang(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		b := newBench(t, Rules{})
		b.Fault(FaultRule{Kind: FaultHang, After: after})
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.add("a", publicKey(t, "a"), 201)
		}()
		b.until("the call", func() bool { return b.Count(OpAddKey) == 1 })
		if after {
			b.until("the key", func() bool { return len(b.Keys()) == 1 })
		} else if len(b.Keys()) > 0 {
			t.Error("applied while it hangs")
		}
		b.ClearFaults()
		<-done
	}
}

// What is late is applied when its caller has long given up.
func TestLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.Fault(FaultRule{Kind: FaultLate, Times: 1, Delay: time.Hour})
	b.add("a", publicKey(t, "a"), 0)
	if len(b.Keys()) > 0 {
		t.Error("it is early")
	}
	if err := b.Close(); err != nil { // which waits for nothing
		t.Error(err)
	}
	if keys := b.Keys(); len(keys) != 1 {
		t.Errorf("in the end there are %+v", keys)
	}
}
