package octopussim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 7, 23, 5, 4, 20, 0, time.FixedZone("", 2*3600))

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

// bench is a served server and a caller of it.
type bench struct {
	*Server
	t      *testing.T
	clock  *clock
	base   string
	client *http.Client
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{t: start}}
	o.Now = b.clock.now
	b.Server = New(o)
	srv := httptest.NewServer(b.Server)
	t.Cleanup(srv.Close)
	b.base, b.client = srv.URL+o.Path, srv.Client()
	return b
}

// reply is an answer with its body.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (b *bench) send(ctx context.Context, method, path string, body any) reply {
	b.t.Helper()
	raw, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		raw = string(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, b.base+path, bytes.NewReader([]byte(raw)))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("X-Octopus-ApiKey", DefaultKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(answer), err}
}

func (b *bench) call(method, path string, body any) reply {
	b.t.Helper()
	return b.send(b.t.Context(), method, path, body)
}

// want makes a call whose answer must have a status and contain a text.
func (b *bench) want(method, path string, body any, status int, part string) reply {
	b.t.Helper()
	r := b.call(method, path, body)
	if r.err != nil || r.status != status || !strings.Contains(r.body, part) {
		b.t.Errorf("%s %s: got %d %v %s, want %d with %q", method, path, r.status, r.err, r.body, status, part)
	}
	return r
}

func (b *bench) get(path string) map[string]any {
	b.t.Helper()
	return decode(b.t, b.want("GET", path, nil, 200, ""))
}

func decode(t *testing.T, r reply) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("decode %d %q: %v", r.status, r.body, err)
	}
	return v
}

// keyFile returns a fresh Ed25519 key file, and its public half as the server shows it.
func keyFile(t *testing.T) (file []byte, public string) {
	t.Helper()
	half, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	wire, err := ssh.NewPublicKey(half)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(wire)))
}

func encoded(file []byte) string { return base64.StdEncoding.EncodeToString(file) }

const inDefault = "/api/Spaces-1"

// machine adds an account with a fresh key and a machine that uses it.
func (b *bench) machine() (account, machine, public string) {
	b.t.Helper()
	file, public := keyFile(b.t)
	account = b.AddAccount(DefaultSpace, Account{Name: "deploy", Username: "runcloud", PrivateKey: encoded(file)})
	return account, b.AddMachine(DefaultSpace, Machine{Name: "web-01", AccountID: account, Host: "198.18.0.1"}), public
}

// check runs a health check of machines and returns the task when it is over.
func (b *bench) check(machines ...string) map[string]any {
	b.t.Helper()
	b.want("POST", inDefault+"/tasks", healthOf(machines...), 201, Queued)
	tasks := b.Tasks(DefaultSpace)
	return b.get(inDefault + "/tasks/" + tasks[len(tasks)-1].ID)
}

func healthOf(machines ...string) map[string]any {
	return map[string]any{"SpaceId": DefaultSpace, "Name": "Health", "Description": "check", "Arguments": map[string]any{
		"Timeout": "00:05:00", "MachineTimeout": "00:01:00", "MachineIds": machines,
	}}
}
