package bot

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"sshkeybot/bot/bottest"
	"sshkeybot/bot/outbox"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// rig is a played workspace, played use cases, and a bot of ours between them.
type rig struct {
	*bottest.Scene
	bot       *Bot
	announcer *outbox.Announcer
	ended     chan struct{}
}

// unhurried are the windows of a test that is not about slowness, on a machine that may be slow.
var unhurried = timeouts{reply: bottest.Ample, check: bottest.Ample, open: bottest.Ample}

// scene makes a rig whose bot does not run yet.
func scene(t *testing.T, o slacksim.Options, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{Scene: bottest.New(t, o), ended: make(chan struct{})}
	api, log := r.API(bottest.Unlimited), slog.New(slog.DiscardHandler)
	r.announcer = &outbox.Announcer{API: api, Uses: r.Domain, Store: r.Domain, Log: log, Now: time.Now}
	cfg := Config{
		AppToken: r.AppToken(), APIURL: r.URL, HTTP: r.HTTP, Dial: r.Dial, API: api, Uses: r.Domain, Outbox: r.announcer, Inbox: r.Domain, Log: log,
		SystemUsers: []string{"runcloud", "root"}, Limits: workflow.Durations{Min: time.Minute, Max: 720 * time.Hour},
	}
	for _, c := range change {
		c(&cfg)
	}
	r.bot = New(cfg)
	r.bot.timeouts = unhurried
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
		r.bot.queues.close(context.Background())
		for _, v := range r.Violations() {
			t.Errorf("Slack's rules are broken: %s: %s", v.Where, v.What)
		}
	})
	r.Until(t, "two sockets", func() bool { return r.bot.Health().Sockets == 2 })
}

// await waits for a signal.
func await[T any](t *testing.T, signal <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-signal:
	case <-time.After(bottest.Ample):
		t.Fatalf("%s: it never comes", what)
	}
	return value
}

// hold stops whatever would change something, until it is let go on or the test is over.
func (r *rig) hold(t *testing.T) (reached <-chan struct{}, open func()) {
	t.Helper()
	came, pass := make(chan struct{}, 1), make(chan struct{})
	r.Domain.Lock()
	defer r.Domain.Unlock()
	r.Domain.OnChange = func() {
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

// parsed returns the interaction of a command as it is read.
func parsed(in interaction) interaction {
	in.Kind = kindCommand
	in.parse()
	return in
}

// types types a command and returns the text in the acknowledgement.
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

// lastEphemeral is what one person alone was shown last.
func (r *rig) lastEphemeral(user string) slacksim.Message {
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
	return r.Request(t)
}
