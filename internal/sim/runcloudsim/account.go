package runcloudsim

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultToken is the API token of an account made without Options.Token.
const DefaultToken = "runcloudsim-token"

// Options describes a new account; the zero value is a usable one.
type Options struct {
	Token string           // DefaultToken when empty
	Now   func() time.Time // time.Now when nil
	Seed  uint64           // of the random numbers behind FaultRule.Probability
	Rules Rules
}

// Account is one RunCloud workspace. It is an http.Handler and safe for concurrent use.
type Account struct {
	now     func() time.Time
	idle    *sync.Cond    // signalled when no call is in flight
	closing chan struct{} // closed by Close

	mu         sync.Mutex
	token      string
	rules      Rules
	servers    []*server // ascending by id
	byID       map[int64]*server
	lastServer int64
	lastKey    int64
	named      int // servers named by AddServers so far
	latency    time.Duration
	hanging    int // calls on a FaultHang
	random     *rand.Rand
	faults     []*fault
	limit      *limiter
	quota      *quota
	allowed    map[string]bool // nil = every address
	log        callLog
	hook       func(Call)
	listening  *http.Server
	socket     net.Listener
}

// New returns an empty account.
func New(o Options) *Account {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Token == "" {
		o.Token = DefaultToken
	}
	a := &Account{
		now: o.Now, token: o.Token, rules: o.Rules.withDefaults(),
		byID: map[int64]*server{}, lastServer: 1200, lastKey: 4700,
		random: rand.New(rand.NewPCG(o.Seed, o.Seed)), log: newCallLog(), closing: make(chan struct{}),
	}
	a.idle = sync.NewCond(&a.mu)
	return a
}

func orDefault[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// Start serves the account on a free port of 127.0.0.1 and returns the base address, ending in /api/v3.
func (a *Account) Start() (baseURL string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("runcloudsim: listen: %w", err)
	}
	a.Serve(ln)
	return "http://" + ln.Addr().String() + apiPrefix, nil
}

// Serve takes the connections of ln until Close. An account is served once.
func (a *Account) Serve(ln net.Listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listening = &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	a.socket = ln
	go func(s *http.Server) { _ = s.Serve(ln) }(a.listening)
}

// Close drops every connection, ends everything that hangs or waits, and returns when no call is left.
// A call in the middle of its latency is still applied; one that hangs is not. It must not be called from an OnCall hook.
func (a *Account) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listening == nil {
		return nil
	}
	err := a.listening.Close()
	_ = a.socket.Close() // the server does not know it before it serves
	a.listening = nil
	close(a.closing)
	for a.log.inFlight > 0 {
		a.idle.Wait()
	}
	return err
}

// SetToken replaces the API token, as «Regenerate» in the dashboard does.
func (a *Account) SetToken(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = token
}

// SetLatency makes every call take d longer. A client that gives up meanwhile does not stop the call
// from being applied.
func (a *Account) SetLatency(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latency = d
}

// AllowOnly sets the workspace's address allow list; calls from elsewhere get a 401 (RunCloud page on
// enabling API access). Without arguments every address may call.
func (a *Account) AllowOnly(ips ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.allowed = nil
	for _, ip := range ips {
		if a.allowed == nil {
			a.allowed = map[string]bool{}
		}
		a.allowed[ip] = true
	}
}
