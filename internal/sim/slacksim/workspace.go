package slacksim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Workspace is one played Slack workspace with one installed app. All methods
// may be called from any goroutine.
type Workspace struct {
	opt    Options
	ctx    context.Context // ends with Close; carries deliveries that outlive a caller
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex // guards everything below
	changed chan struct{}
	rand    *rand.Rand
	serial  int
	lastTS  int64
	scopes  []string

	addr   string
	server *http.Server
	outage Outage
	faults map[string][]Fault

	users    map[string]*User
	order    []string // user IDs as they were added
	channels map[string]*Channel
	groups   map[string]userGroup

	messages     []*Message // of channels and DMs, in order of their ts
	ephemerals   []*Message
	files        []*File
	modals       map[string]*View // by user
	homes        map[string]*View // by user
	triggers     map[string]*trigger
	responseURLs map[string]*responseURL

	tickets      map[string]bool
	sockets      []*socket
	deliveries   []*Delivery
	duplicate    int
	linkDisabled bool

	buckets    map[string]*bucket
	calls      []Call
	violations []Violation
}

// New returns a workspace that is not reachable until Start.
func New(o Options) *Workspace {
	o = o.withDefaults()
	w := &Workspace{
		opt: o, changed: make(chan struct{}), rand: newRand(o.Seed), scopes: o.Scopes,
		faults: map[string][]Fault{}, users: map[string]*User{}, channels: map[string]*Channel{},
		groups: map[string]userGroup{}, modals: map[string]*View{}, homes: map[string]*View{}, triggers: map[string]*trigger{},
		responseURLs: map[string]*responseURL{}, tickets: map[string]bool{}, buckets: map[string]*bucket{},
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.AddUser(User{ID: botUserID, Name: botName, RealName: botName, IsBot: true})
	return w
}

// Start listens on a free port of the loopback interface and returns the base
// address of the Web API, with its trailing slash.
func (w *Workspace) Start() (apiURL string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.listen("127.0.0.1:0"); err != nil {
		return "", err
	}
	return "http://" + w.addr + "/api/", nil
}

func (w *Workspace) listen(addr string) error {
	l, err := w.opt.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("slacksim: listen: %w", err)
	}
	w.addr = l.Addr().String()
	w.server = &http.Server{Handler: w.handler(), ReadHeaderTimeout: 10 * time.Second}
	server := w.server
	w.wait.Go(func() { _ = server.Serve(l) }) // ends with ErrServerClosed
	return nil
}

// Close cuts every connection and waits for the goroutines of the workspace.
func (w *Workspace) Close() {
	w.cancel()
	w.mu.Lock()
	server := w.server
	w.mu.Unlock()
	w.DropSockets()
	if server != nil {
		_ = server.Close()
	}
	w.wait.Wait()
}

// BotToken returns the xoxb- token of the installed app.
func (*Workspace) BotToken() string { return "xoxb-sim-" + appID }

// AppToken returns the xapp- token of the app, with connections:write.
func (*Workspace) AppToken() string { return "xapp-1-" + appID + "-sim" }

// BotUserID returns the user ID of the app's bot user.
func (*Workspace) BotUserID() string { return botUserID }

// SetScopes replaces the bot scopes that are granted from now on.
func (w *Workspace) SetScopes(scopes ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scopes = scopes
}

// Wait returns nil as soon as cond holds; it is asked again after every change
// of the workspace, without a lock held. It returns ctx's error otherwise.
func (w *Workspace) Wait(ctx context.Context, cond func(*Workspace) bool) error {
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if cond(w) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("slacksim: wait: %w", ctx.Err())
		}
	}
}

// notify wakes everybody in Wait. The caller holds mu.
func (w *Workspace) notify() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// nextID returns an ID that is unique in the workspace and starts with prefix.
// The caller holds mu.
func (w *Workspace) nextID(prefix string) string {
	w.serial++
	return fmt.Sprintf("%s0SIM%05d", prefix, w.serial)
}

// nextTS returns a message timestamp: seconds and microseconds of the clock,
// never the same twice. The caller holds mu.
func (w *Workspace) nextTS() string {
	w.lastTS = max(w.lastTS+1, w.opt.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", w.lastTS/1e6, w.lastTS%1e6)
}

// unknown returns the error of an act that names something the workspace does not have.
func unknown(kind, id string) error { return fmt.Errorf("slacksim: no %s %q", kind, id) }
