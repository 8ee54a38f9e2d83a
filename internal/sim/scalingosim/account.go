package scalingosim

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultToken is the API token of an account made without Options.Token.
const DefaultToken = "tk-us-scalingosim"

// What the account is called.
const (
	AccountID = "us-5f0c1d52-8f3b-4f6c-9a53-1c2d3e4f5a6b"
	Username  = "deploy"
)

// Options describes a new account; the zero value is a usable one.
type Options struct {
	Token string           // the API token named «sshkeybot»; DefaultToken when empty
	Made  time.Time        // when that was made; now when zero
	Now   func() time.Time // time.Now when nil
	Rules Rules
}

// Account is one Scalingo account, with one API token and no keys at first. It is an http.Handler and safe for
// concurrent use.
type Account struct {
	now     func() time.Time
	idle    *sync.Cond    // signalled when no call is in flight
	closing chan struct{} // closed by Close

	mu        sync.Mutex
	rules     Rules
	keys      []Key   // in the order of their making
	tokens    []token // in the order of their making
	jwts      map[string]time.Time
	elsewhere map[string]bool // keys of other accounts, by type and base64
	made      int             // things with an id so far
	latency   time.Duration
	offline   bool
	faults    []*fault
	recent    []time.Time // of the calls that count in the rate limit
	calls     []Call
	hook      func(Call) // nil for none
	inFlight  int
	listening *http.Server
	socket    net.Listener
}

// New returns an account.
func New(o Options) *Account {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Token == "" {
		o.Token = DefaultToken
	}
	a := &Account{
		now: o.Now, rules: o.Rules, closing: make(chan struct{}),
		jwts: map[string]time.Time{}, elsewhere: map[string]bool{},
	}
	a.idle = sync.NewCond(&a.mu)
	a.addToken("sshkeybot", o.Token)
	if !o.Made.IsZero() {
		a.tokens[0].CreatedAt = o.Made.UTC().Truncate(time.Millisecond)
	}
	return a
}

// Start serves the account on a free port of 127.0.0.1 and returns the base address.
func (a *Account) Start() (baseURL string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("scalingosim: listen: %w", err)
	}
	a.Serve(ln)
	return "http://" + ln.Addr().String(), nil
}

// Serve takes the connections of ln until Close. An account is served once.
func (a *Account) Serve(ln net.Listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listening = &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	a.socket = ln
	go func(s *http.Server) { _ = s.Serve(ln) }(a.listening)
}

// Close drops every connection, ends everything that hangs or waits, and returns when no call is left. What is
// late is still applied.
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
	for a.inFlight > 0 {
		a.idle.Wait()
	}
	return err
}

// SetRules replaces the rules from the next call on.
func (a *Account) SetRules(r Rules) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rules = r
}

// SetLatency makes every call take d longer. A client that gives up meanwhile does not stop the call from
// being applied.
func (a *Account) SetLatency(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latency = d
}

// SetOffline has every call end without an answer and without effect, until it is called with false.
func (a *Account) SetOffline(offline bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offline = offline
}
