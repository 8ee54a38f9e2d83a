package socket

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/slacksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; only a failing one waits it out.
const patience = time.Minute

// rig is a played workspace with a client of ours.
type rig struct {
	*slacksim.Workspace
	client *Client
	ran    chan struct{} // closed when Run has ended
	stop   context.CancelFunc
}

type option func(*Config, *Client)

func handledBy(h Handler) option { return func(_ *Config, c *Client) { c.handler = h } }

func timed(change func(*timing)) option {
	return func(_ *Config, c *Client) {
		change(&c.timing)
		c.opens.SetLimit(c.timing.opens)
		c.opens.SetBurst(c.timing.burst)
	}
}

func loggedTo(w io.Writer) option {
	return func(_ *Config, c *Client) {
		c.log = slog.New(slog.NewTextHandler(w, nil))
		c.deaf.Log, c.barred.Log = c.log, c.log
	}
}

func start(t *testing.T, o slacksim.Options, options ...option) *rig {
	t.Helper()
	return startOver(t, nil, o, options...)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// startInMemory starts over a network in memory, where the address of a workspace that stops
// listening is not given to another test.
func startInMemory(t *testing.T, options ...option) *rig {
	t.Helper()
	var network memnet.Network
	return startOver(t, network.DialContext, slacksim.Options{Listen: network.Listen}, options...)
}

func startOver(t *testing.T, dial dialFunc, o slacksim.Options, options ...option) *rig {
	t.Helper()
	o.Seed, o.AckLimit = 7, cmp.Or(o.AckLimit, patience)
	w := slacksim.New(o)
	api, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	w.AddUser(slacksim.User{ID: "U1", Name: "alice"})
	w.AddChannel(slacksim.Channel{ID: "C1", Name: "ops", Members: []string{"U1"}})
	cfg := Config{
		AppToken: w.AppToken(), APIURL: api, HTTP: httpClient(t, dial), Dial: dial, Log: slog.New(slog.DiscardHandler),
		Handler: func(context.Context, Envelope) (any, error) { return nil, nil },
	}
	r := &rig{Workspace: w, client: New(cfg), ran: make(chan struct{})}
	for _, o := range options {
		o(&cfg, r.client)
	}
	r.run(t)
	return r
}

func (r *rig) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() {
		defer close(r.ran)
		r.client.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ran
	})
}

func httpClient(t *testing.T, dial dialFunc) *http.Client {
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// until waits for a condition.
func (r *rig) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s; health %+v", what, r.client.Health())
		}
	}
}

// await waits for a signal.
func await[T any](t *testing.T, signal <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-signal:
	case <-time.After(patience):
		t.Fatalf("%s: it never comes", what)
	}
	return value
}

// gate is closed until it is opened or the test is over. It is made when the client runs,
// which ends only with its handlers.
func gate(t *testing.T, pass chan struct{}) (open func()) {
	t.Helper()
	open = sync.OnceFunc(func() { close(pass) })
	t.Cleanup(open)
	return open
}

// cutOff cuts the connections, and Slack lets nobody in before ClearFaults.
func (r *rig) cutOff(t *testing.T, code string) {
	t.Helper()
	r.Fail("apps.connections.open", slices.Repeat([]slacksim.Fault{{Error: code}}, 100_000)...)
	r.DropSockets()
	r.until(t, "no connection", func() bool { return r.client.Health().Sockets == 0 })
}

func (r *rig) connected(t *testing.T) {
	t.Helper()
	r.until(t, "two connections", func() bool { return r.client.Health().Sockets == overlap })
}

func (r *rig) command(t *testing.T, text string) slacksim.CommandResult {
	t.Helper()
	got, err := r.Command(t.Context(), "U1", "C1", "/sshkey "+text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestIsUsableAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{}, handledBy(func(_ context.Context, e Envelope) (any, error) {
		return map[string]string{"text": "got " + e.Type, "response_type": "ephemeral"}, nil
	}))
	r.until(t, "a connection", func() bool { return r.client.Health().Sockets > 0 })
	if got := r.command(t, "help"); got.Response == nil || got.Response.Text != "got slash_commands" {
		t.Errorf("answer %+v", got)
	}
	if h := r.client.Health(); h.Deaf || h.EventAge <= 0 {
		t.Errorf("health %+v", h)
	}
}

func TestErrorAndPanicAreNotAcknowledged(t *testing.T) {
	t.Parallel()
	var out lockedText
	r := start(t, slacksim.Options{AckLimit: 200 * time.Millisecond, EventRetries: []time.Duration{}}, loggedTo(&out),
		handledBy(func(_ context.Context, e Envelope) (any, error) {
			if strings.Contains(string(e.Payload), "panic") {
				panic("boom")
			}
			return nil, errors.New("the ledger is away")
		}))
	r.connected(t)
	for _, text := range []string{"panic", "fail"} {
		if got := r.command(t, text); got.Acked {
			t.Errorf("%s: acknowledged", text)
		}
	}
	for _, want := range []string{"boom", "the ledger is away"} {
		r.until(t, "the log tells of "+want, func() bool { return strings.Contains(out.String(), want) })
	}
	if r.client.Health().Deaf {
		t.Error("the connection went with the panic")
	}
}

func TestUnknownFramesAreAcknowledged(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{}, handledBy(func(context.Context, Envelope) (any, error) {
		t.Error("an unknown frame reached the handler")
		return nil, nil
	}))
	r.connected(t)
	for _, raw := range []string{
		`{"envelope_id":"e-new","type":"telepathy","payload":{}}`,
		`{"envelope_id":"e-bad","type":"events_api","accepts_response_payload":"soon","payload":{}}`,
		`{"type":"weather"}`, `{]`, ``,
	} {
		if err := r.SendRaw(raw); err != nil {
			t.Fatal(err)
		}
	}
	r.until(t, "both acknowledged", func() bool {
		all := r.Deliveries()
		return len(all) == 2 && all[0].Acked() && all[1].Acked()
	})
	if h := r.client.Health(); h.Reconnects > 0 {
		t.Errorf("reconnected over an unknown frame: %+v", h)
	}
}

// The connections are cut while a command is handled: its acknowledgement waits for
// the next one.
func TestAcknowledgementOverTheNextConnection(t *testing.T) {
	t.Parallel()
	came, goOn := make(chan struct{}), make(chan struct{})
	r := start(t, slacksim.Options{}, timed(func(p *timing) { short(p); p.ackTimeout = patience }), handledBy(func(context.Context, Envelope) (any, error) {
		close(came)
		<-goOn
		return nil, nil
	}))
	open := gate(t, goOn)
	r.connected(t)
	answer := make(chan slacksim.CommandResult, 1)
	go func() {
		got, _ := r.Command(t.Context(), "U1", "C1", "/sshkey list") // an error shows as one that is not acknowledged
		answer <- got
	}()
	await(t, came, "the command")
	r.cutOff(t, "internal_error")
	open()
	r.ClearFaults()
	if got := await(t, answer, "the outcome"); !got.Acked {
		t.Errorf("the command was handled, and its person told that it was not: %+v", got.Outcome)
	}
}

// The connections are cut for longer than Slack waits: whoever handled the command learns
// that its answer did not get through.
func TestLostAnswerIsGivenBack(t *testing.T) {
	t.Parallel()
	came, goOn, lost := make(chan struct{}), make(chan struct{}), make(chan any, 1)
	r := start(t, slacksim.Options{AckLimit: 100 * time.Millisecond}, timed(func(p *timing) { short(p); p.ackTimeout = 100 * time.Millisecond }),
		handledBy(func(context.Context, Envelope) (any, error) {
			close(came)
			<-goOn
			return "the answer", nil
		}), func(_ *Config, c *Client) { c.lost = func(_ Envelope, payload any) { lost <- payload } })
	open := gate(t, goOn)
	r.connected(t)
	var typing sync.WaitGroup
	typing.Go(func() { _, _ = r.Command(t.Context(), "U1", "C1", "/sshkey list") })
	await(t, came, "the command")
	r.cutOff(t, "internal_error")
	open()
	if got := await(t, lost, "the answer"); got != "the answer" {
		t.Errorf("given back: %v", got)
	}
	typing.Wait()
}

func TestTooLongAnAnswerStillAcknowledges(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{}, handledBy(func(context.Context, Envelope) (any, error) {
		return map[string]string{"text": strings.Repeat("x", 21<<10)}, nil
	}))
	r.connected(t)
	if got := r.command(t, "list"); !got.Acked || got.Response != nil {
		t.Errorf("got %+v", got)
	}
	if v := r.Violations(); len(v) > 0 {
		t.Errorf("violations %v", v)
	}
}

// lockedText is a log that many goroutines write.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestBackoffIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if d := slackTiming.backoff(1); d != 0 {
			t.Errorf("the first reconnection waits %s", d)
		}
		for failures := 2; failures < 100; failures++ {
			d := slackTiming.backoff(failures)
			if d < slackTiming.minBackoff/2 || d > slackTiming.maxBackoff {
				t.Errorf("after %d failures %s", failures, d)
			}
		}
	})
}
