package bot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

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
}

// scene makes a rig whose bot does not run yet.
func scene(t *testing.T, o slacksim.Options, change ...func(*Config)) *rig {
	t.Helper()
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
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	r := &rig{Workspace: w, office: newOffice(), ended: make(chan struct{})}
	api := NewAPI(w.BotToken(), url, client)
	api.gate = scaled(1000)                                                                                 // the played limits are off; the pace has tests of its own
	api.doors.first, api.doors.longest, api.doors.probe = time.Nanosecond, time.Nanosecond, time.Nanosecond // their pace as well
	cfg := Config{
		AppToken: w.AppToken(), APIURL: url, HTTP: client, API: api, Uses: r.office, Inbox: r.office, Log: slog.New(slog.DiscardHandler),
		SystemUsers: []string{"runcloud", "root"}, Limits: access.Durations{Min: time.Minute, Max: 720 * time.Hour},
	}
	for _, c := range change {
		c(&cfg)
	}
	r.bot = New(cfg)
	r.announcer = &Announcer{API: api, Uses: r.office, Store: r.office, Log: cfg.Log, Now: time.Now}
	return r
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
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
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
