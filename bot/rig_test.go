package bot

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// rig is a played workspace, a played office, and a bot of ours between them.
type rig struct {
	*slacksim.Workspace
	office    *office
	bot       *Bot
	announcer *Announcer
	ended     chan struct{}
	url       string
	web       *http.Client
}

// ample is how long a test waits for what must come; only a failing one waits it out.
const ample = time.Minute

// unhurried are the windows of a test that is not about slowness, on a machine that may be slow.
var unhurried = windows{answer: ample, look: ample, open: ample}

// scene makes a rig whose bot does not run yet.
func scene(t *testing.T, o slacksim.Options, change ...func(*Config)) *rig {
	t.Helper()
	o.AckLimit, o.TriggerLife = cmp.Or(o.AckLimit, 2*ample), cmp.Or(o.TriggerLife, 2*ample)
	w := slacksim.New(o)
	url, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	var members []string
	for i, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank"} {
		id := fmt.Sprintf("U%d", i+1)
		w.AddUser(slacksim.User{ID: id, Name: name})
		members = append(members, id)
	}
	w.AddChannel(slacksim.Channel{ID: "C1", Name: "ops", Members: members, Bot: true})
	w.AddChannel(slacksim.Channel{ID: "C2", Name: "random", Members: members})
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: ample}
	r := &rig{Workspace: w, office: newOffice(), ended: make(chan struct{})}
	r.url, r.web = url, client
	api := r.api(unlimited)
	cfg := Config{
		AppToken: w.AppToken(), APIURL: url, HTTP: client, API: api, Uses: r.office, Inbox: r.office, Log: slog.New(slog.DiscardHandler),
		SystemUsers: []string{"runcloud", "root"}, Limits: access.Durations{Min: time.Minute, Max: 720 * time.Hour},
	}
	for _, c := range change {
		c(&cfg)
	}
	r.bot = New(cfg)
	r.bot.windows = unhurried
	r.announcer = &Announcer{API: api, Uses: r.office, Store: r.office, Log: cfg.Log, Now: time.Now}
	return r
}

// unlimited is the speed of calls whose pace and breakers have no effect: the played
// limits are off, and ours have tests of their own.
const unlimited = 1e9

// api returns a client of the workspace that is so many times faster than Slack's limits.
func (r *rig) api(speed float64) *slackapi.Client {
	return slackapi.New(slackapi.Config{Token: r.BotToken(), URL: r.url, HTTP: r.web, Plain: render.Plain, Speed: speed})
}

func start(t *testing.T, o slacksim.Options, change ...func(*Config)) *rig {
	t.Helper()
	r := scene(t, o, change...)
	r.run(t)
	return r
}

func (r *rig) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(r.ended)
		r.bot.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ended
		r.bot.crew.close(context.Background())
		for _, v := range r.Violations() {
			t.Errorf("Slack's rules are broken: %s: %s", v.Where, v.What)
		}
	})
	r.until(t, "two sockets", func() bool { return r.bot.Health().Sockets == 2 })
}

// until waits for a condition that comes true over real sockets.
func (r *rig) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ample)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// await waits for a signal.
func await[T any](t *testing.T, signal <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-signal:
	case <-time.After(ample):
		t.Fatalf("%s: it never comes", what)
	}
	return value
}

// gate holds up whatever would change something, until it is opened or the test is over.
func (r *rig) gate(t *testing.T) (reached <-chan struct{}, open func()) {
	t.Helper()
	came, pass := make(chan struct{}, 1), make(chan struct{})
	r.office.mu.Lock()
	defer r.office.mu.Unlock()
	r.office.slow = func() {
		select {
		case came <- struct{}{}:
		default:
		}
		<-pass
	}
	open = sync.OnceFunc(func() { close(pass) })
	t.Cleanup(open)
	return came, open
}

// types types a command and answers the text in the acknowledgement.
func (r *rig) types(t *testing.T, user, text string) string {
	t.Helper()
	got, err := r.Command(t.Context(), user, "C1", "/sshkey "+text)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Acked || got.Error != "" {
		t.Fatalf("/sshkey %s: %+v", text, got.Outcome)
	}
	if got.Response == nil {
		return ""
	}
	return got.Response.Text
}

// whispered is what one person was shown last.
func (r *rig) whispered(user string) slacksim.Message {
	all := r.Ephemeral(user)
	if len(all) == 0 {
		return slacksim.Message{}
	}
	return all[len(all)-1]
}

func (r *rig) announce(t *testing.T, id int64) slacksim.Message {
	t.Helper()
	if err := r.announcer.Announce(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return r.request(t)
}

// unshown announces a request that Slack does not take, and answers when it is due again.
func (r *rig) unshown(t *testing.T, id int64) time.Duration {
	t.Helper()
	if err := r.announcer.Announce(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	d := r.office.views[id].Drawing
	if d.Shown == d.Version {
		t.Errorf("it counts as shown: %+v", d)
	}
	return time.Until(d.NextAt)
}

func (r *rig) drawing(id int64) access.Drawing {
	r.office.mu.Lock()
	defer r.office.mu.Unlock()
	return r.office.views[id].Drawing
}

// request is the message of the only request.
func (r *rig) request(t *testing.T) slacksim.Message {
	t.Helper()
	all := r.Messages("C1")
	if len(all) == 0 {
		t.Fatal("no request was posted")
	}
	return all[len(all)-1]
}
