package slacksim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// bench is a workspace with a raw client.
type bench struct {
	t   *testing.T
	w   *Workspace
	api string
	ctx context.Context
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	o.AckLimit = cmp.Or(o.AckLimit, time.Minute)
	if o.Now == nil { // no test of time, which may then take any
		o.TriggerLife = time.Minute
	}
	w := New(o)
	api, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w.AddUser(User{ID: "UA", Name: "alice", RealName: "Alice Example"})
	w.AddUser(User{ID: "UB", Name: "bob"})
	w.AddChannel(Channel{ID: "C1", Name: "ops", Members: []string{"UA", "UB"}, Bot: true})
	w.AddChannel(Channel{ID: "C2", Name: "open", Members: []string{"UA"}})
	w.AddChannel(Channel{ID: "G1", Name: "secret", Members: []string{"UA"}, Private: true})
	w.AddChannel(Channel{ID: "C9", Name: "old", Bot: true, Archived: true})
	return &bench{t: t, w: w, api: api, ctx: ctx}
}

// ackLimit changes how long Slack waits.
func (b *bench) ackLimit(d time.Duration) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.w.opt.AckLimit = d
}

// form calls a method with the bot token in the form.
func (b *bench) form(method string, pairs ...string) map[string]any {
	b.t.Helper()
	v := url.Values{"token": {b.w.BotToken()}}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	_, body := b.send(method, "", "application/x-www-form-urlencoded", v.Encode())
	return body
}

// upload sends a file in a form, as Slack's clients do.
func (b *bench) upload(target, content string) int {
	b.t.Helper()
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	part, err := mw.CreateFormFile("file", "run.txt")
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = mw.Close()
	resp, _ := b.send(target, "", mw.FormDataContentType(), form.String())
	return resp.StatusCode
}

// json calls a method with a bearer token and a JSON body.
func (b *bench) json(method, token string, body any) map[string]any {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	_, answer := b.send(method, token, "application/json; charset=utf-8", string(raw))
	return answer
}

// get calls a method with a bearer token and its arguments in the address.
func (b *bench) get(method string) map[string]any {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.api+method, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	_, answer := b.make(req, b.w.BotToken())
	return answer
}

func (b *bench) send(method, bearer, kind, body string) (*http.Response, map[string]any) {
	b.t.Helper()
	target := method
	if !strings.HasPrefix(target, "http") {
		target = b.api + method
	}
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	return b.make(req, bearer)
}

// make makes a call, and returns nothing when the connection was cut.
func (b *bench) make(req *http.Request, bearer string) (*http.Response, map[string]any) {
	b.t.Helper()
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	answer := map[string]any{}
	_ = json.Unmarshal(raw, &answer) // plain-text answers stay empty
	return resp, answer
}

// post posts blocks and text and returns the ts.
func (b *bench) post(pairs ...string) string {
	b.t.Helper()
	answer := b.form("chat.postMessage", pairs...)
	if answer["ok"] != true {
		b.t.Fatalf("chat.postMessage: %v", answer)
	}
	return answer["ts"].(string)
}

func (b *bench) wantError(answer map[string]any, code string) {
	b.t.Helper()
	if answer["error"] != code {
		b.t.Errorf("error = %v, want %s", answer["error"], code)
	}
}

// frame is anything that comes over the socket.
type frame struct {
	Type       string         `json:"type"`
	Reason     string         `json:"reason"`
	EnvelopeID string         `json:"envelope_id"`
	Accepts    bool           `json:"accepts_response_payload"`
	Retry      int            `json:"retry_attempt"`
	Payload    map[string]any `json:"payload"`
	Num        int            `json:"num_connections"`
	Debug      struct {
		Life int `json:"approximate_connection_time"`
	} `json:"debug_info"`
}

// peer is a raw Socket Mode client.
type peer struct {
	conn *websocket.Conn

	mu     sync.Mutex
	frames []frame
	pings  int
	err    error
	done   chan struct{}
}

// dial opens a socket without reading from it.
func (b *bench) dial() *websocket.Conn {
	b.t.Helper()
	answer := b.json("apps.connections.open", b.w.AppToken(), map[string]any{})
	link, _ := answer["url"].(string)
	conn, _, err := websocket.DefaultDialer.DialContext(b.ctx, link, nil)
	if err != nil {
		b.t.Fatalf("dial %v: %v", answer, err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

// connect opens a socket and acknowledges its envelopes: answer returns the payload
// to acknowledge with, or no to stay silent. It returns after the first frame.
func (b *bench) connect(answer func(frame) (payload any, yes bool)) *peer {
	b.t.Helper()
	p := &peer{conn: b.dial(), done: make(chan struct{})}
	p.conn.SetPingHandler(func(data string) error {
		p.mu.Lock()
		p.pings++
		p.mu.Unlock()
		return p.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	first := make(chan struct{})
	go p.loop(first, answer)
	select {
	case <-first:
	case <-b.ctx.Done():
		b.t.Fatal("no hello")
	}
	return p
}

func (p *peer) loop(first chan struct{}, answer func(frame) (any, bool)) {
	defer close(p.done)
	once := sync.OnceFunc(func() { close(first) })
	defer once()
	for {
		var f frame
		if err := p.conn.ReadJSON(&f); err != nil {
			p.err = err
			return
		}
		p.mu.Lock()
		p.frames = append(p.frames, f)
		p.mu.Unlock()
		once()
		if f.EnvelopeID == "" || answer == nil {
			continue
		}
		if payload, yes := answer(f); yes {
			p.ack(f.EnvelopeID, payload)
		}
	}
}

func (p *peer) ack(id string, payload any) {
	m := map[string]any{"envelope_id": id}
	if payload != nil {
		m["payload"] = payload
	}
	_ = p.conn.WriteJSON(m) // a closed socket shows in the test's own check
}

func (p *peer) seen() []frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]frame(nil), p.frames...)
}

func always(payload any) func(frame) (any, bool) {
	return func(frame) (any, bool) { return payload, true }
}

func never(frame) (any, bool) { return nil, false }

// until polls across real sockets.
func (b *bench) until(what string, cond func() bool) {
	b.t.Helper()
	for !cond() {
		select {
		case <-b.ctx.Done():
			b.t.Fatalf("never: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// clock is a clock that tests turn.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_800_000_000, 0)} }

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
