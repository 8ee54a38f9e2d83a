package runcloudsim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 7, 23, 5, 4, 20, 0, time.FixedZone("", 2*3600))

// patience is how long a test waits for what must come; only a failing one waits it out.
const patience = time.Minute

// clock is a hand-driven Options.Now.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// bench is a started account and a caller of it.
type bench struct {
	*Account
	t      *testing.T
	clock  *clock
	base   string
	client *http.Client
}

func newBench(t *testing.T, rules Rules) *bench {
	t.Helper()
	c := &clock{t: start}
	b := &bench{t: t, clock: c, Account: New(Options{Now: c.now, Rules: rules, Seed: 7})}
	base, err := b.Start()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	b.base = base
	b.client = &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// reply is an answer with its body.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (b *bench) request(ctx context.Context, method, path string, body any) *http.Request {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, method, b.base+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+DefaultToken)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (b *bench) send(r *http.Request) reply {
	resp, err := b.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body), err}
}

func (b *bench) call(method, path string, body any) reply {
	b.t.Helper()
	return b.send(b.request(b.t.Context(), method, path, body))
}

func (b *bench) get(path string) reply { b.t.Helper(); return b.call("GET", path, nil) }

// want is like call, for an answer that must have a status and contain a text.
func (b *bench) want(method, path string, body any, status int, part string) reply {
	b.t.Helper()
	r := b.call(method, path, body)
	if r.err != nil || r.status != status || !strings.Contains(r.body, part) {
		b.t.Errorf("%s %s: got %d %v %s, want %d with %q", method, path, r.status, r.err, r.body, status, part)
	}
	return r
}

// until polls for what happens on the other side of a socket.
func (b *bench) until(what string, done func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("never: %s", what)
		}
	}
}

func decode[T any](t *testing.T, r reply) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("decode %d %q: %v", r.status, r.body, err)
	}
	return v
}

// publicKey returns the n-th key of its kind, with a comment.
func publicKey(t *testing.T, n byte) string {
	t.Helper()
	seed := bytes.Repeat([]byte{n}, ed25519.SeedSize)
	k, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(seed).Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) + " jo@example.org"
}

type form map[string]any

func keyForm(t *testing.T, n byte, label string) form {
	t.Helper()
	return form{"label": label, "username": "runcloud", "publicKey": publicKey(t, n), "temporary": false}
}
