package scalingosim

import (
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

// bench is a started account and a caller of it, who has a JSON web token.
type bench struct {
	*Account
	t      *testing.T
	clock  *clock
	base   string
	client *http.Client
	jwt    string
}

func newBench(t *testing.T, rules Rules) *bench {
	t.Helper()
	c := &clock{t: time.Date(2026, 7, 23, 5, 4, 20, 123_456_789, time.FixedZone("", 2*3600))}
	b := &bench{t: t, clock: c, Account: New(Options{Now: c.now, Rules: rules}), client: &http.Client{Transport: &http.Transport{}}}
	base, err := b.Start()
	if err != nil {
		t.Fatal(err)
	}
	b.base = base
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b.jwt = b.exchange(DefaultToken)
	return b
}

// exchange returns the JSON web token for an API token, and "" if it is refused.
func (b *bench) exchange(token string) string {
	b.t.Helper()
	var out struct{ Token string }
	b.reads(b.send("POST", "/v1/tokens/exchange", "", func(r *http.Request) { r.SetBasicAuth("", token) }), &out)
	return out.Token
}

// reply is an answer; the zero one is none.
type reply struct {
	status int
	header http.Header
	body   string
}

// call makes a call with the bench's JSON web token.
func (b *bench) call(method, path, body string) reply {
	b.t.Helper()
	return b.send(method, path, body, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+b.jwt) })
}

func (b *bench) send(method, path, body string, change func(*http.Request)) reply {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	change(req)
	resp, err := b.client.Do(req)
	if err != nil {
		return reply{}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}
	}
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

func (b *bench) reads(r reply, out any) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(r.body), out); err != nil {
		b.t.Errorf("%d %q: %v", r.status, r.body, err)
	}
}

// add adds a key, and expects an answer with that status.
func (b *bench) add(name, content string, status int) reply {
	b.t.Helper()
	body, _ := json.Marshal(map[string]any{"key": map[string]string{"name": name, "content": content}})
	r := b.call("POST", "/v1/keys", string(body))
	if r.status != status {
		b.t.Errorf("%q %.30q: %d %s, want %d", name, content, r.status, r.body, status)
	}
	return r
}

// publicKey returns a key that is made of a word.
func publicKey(t *testing.T, word string) string {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, word)
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(seed).Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}
