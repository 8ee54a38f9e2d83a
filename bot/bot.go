package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/bot/socket"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/outage"
	"sshkeybot/internal/workflow"
)

const (
	leaseTime   = 30 * time.Second // how long an accepted envelope is ours; then any replica may take it
	sweepEvery  = 10 * time.Second
	giveUpAfter = 10 * time.Minute // then a temporary error counts as a refusal
	markTimeout = 5 * time.Second  // of noting that an interaction is handled
)

// Config says what a Bot is made of.
type Config struct {
	AppToken string
	APIURL   string // base address with a trailing slash; empty is Slack's own
	HTTP     *http.Client
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // for Socket Mode; nil is the machine's network

	API    *slackapi.Client
	Uses   UseCases
	Outbox Outbox
	Inbox  delivery.Inbox
	Log    *slog.Logger
	Now    func() time.Time // nil is time.Now

	ApprovalChannel string             // where requests are posted; empty is where they were asked
	Accounts        []string           // whose servers there are, where they are several
	SystemUsers     []string           // that the form offers, the usual one first
	Limits          workflow.Durations // of what may be asked for
	ReasonRequired  bool               // whether who asks for access has to say what it is for
}

// Bot handles what people do in Slack.
type Bot struct {
	cfg           Config
	socket        *socket.Client
	queues        *userQueues
	accountQueues *userQueues // changes of accounts: they go before what their people did
	timeouts      timeouts

	mu   sync.Mutex
	busy map[string]bool // envelopes that this process is handling

	refreshed recent[slackapi.Ref] // old messages drawn anew lately
	opened    recent[string]       // clicks for which a form was opened or refused

	unread  outage.Watch // on the inbox
	waiting outage.Watch // on interactions that are tried again
}

// New returns a Bot that does nothing before Run.
func New(cfg Config) *Bot {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Bot{cfg: cfg, queues: newUserQueues(), accountQueues: newUserQueues(), timeouts: slackTimeouts, busy: map[string]bool{}}
	b.unread = outage.Watch{Log: cfg.Log, Level: slog.LevelWarn, Down: "the inbox cannot be read", Up: "the inbox can be read again"}
	b.waiting = outage.Watch{Log: cfg.Log, Level: slog.LevelWarn, Down: "an interaction waits", Up: "an interaction that waited is handled"}
	b.socket = socket.New(socket.Config{AppToken: cfg.AppToken, APIURL: cfg.APIURL, HTTP: cfg.HTTP, Dial: cfg.Dial, Log: cfg.Log, Handler: b.receive, Lost: b.ackLost})
	return b
}

func (b *Bot) now() time.Time { return b.cfg.Now() }

// Run listens until ctx ends or Close has finished.
func (b *Bot) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var sweeping sync.WaitGroup
	sweeping.Go(func() { b.sweep(ctx) })
	b.socket.Run(ctx)
	cancel()
	sweeping.Wait()
}

// Close takes nothing more, lets what runs finish while ctx lasts, and then cuts it
// off and leaves it in the inbox.
func (b *Bot) Close(ctx context.Context) {
	b.socket.Close(ctx)
	b.accountQueues.close(ctx)
	b.queues.close(ctx)
}

// Health reports whether Slack can reach us and takes our tokens.
func (b *Bot) Health() socket.Health {
	h := b.socket.Health()
	h.Refused = cmp.Or(h.Refused, b.cfg.API.Refused())
	return h
}

// receive handles an envelope up to its acknowledgement, and returns the payload of that.
func (b *Bot) receive(ctx context.Context, e socket.Envelope) (any, error) {
	in, err := readInteraction(e)
	switch {
	case errors.Is(err, errIrrelevant):
		return nil, nil
	case err != nil:
		b.cfg.Log.Warn("a delivery cannot be read", "envelope", e.ID, "type", e.Type, "error", err)
		return nil, nil // it would be no better the next time
	}
	in.At = b.now().Add(-time.Since(e.At)) // when it was done counts, not when a handler had time for it
	if in.Kind == kindUserChange {
		if concerns, err := b.cfg.Uses.ProfileChanged(ctx, in.Person, in.standing); err != nil || !concerns {
			return nil, err
		}
	}
	if payload, done := b.preack(ctx, in); done {
		return payload, nil
	}
	var ack *ackReply
	if in.Kind == kindCommand && e.Accepts { // only there may an acknowledgement carry a message
		ack = newAckReply()
	}
	fresh, err := b.accept(ctx, in, ack)
	if err != nil {
		if payload, told := b.refuseUnstored(in, err); told {
			return payload, nil
		}
		return nil, err
	}
	if ack == nil {
		return nil, nil
	}
	if !fresh { // delivered before: that delivery's acknowledgement carries the reply, and must come first
		sleep(ctx, b.timeouts.reply-time.Since(e.At))
		return nil, nil
	}
	if reply := ack.wait(ctx, b.timeouts.reply-time.Since(e.At)); reply != nil {
		return reply, nil
	}
	return slackapi.Ephemeral(render.OnIt()), nil
}

// ackLost sends the reply of an acknowledgement that did not reach Slack by another way.
// That a reply follows is not sent: it may have come already.
func (b *Bot) ackLost(e socket.Envelope, payload any) {
	r, isReply := payload.(slackapi.Reply)
	in, err := readInteraction(e)
	if isReply && err == nil && r.Text != render.OnIt().Text {
		in.At = b.now().Add(-time.Since(e.At))
		b.replyLater(in, r, nil)
	}
}

// accept stores an interaction and starts to handle it. It reports false for one that was
// stored before.
func (b *Bot) accept(ctx context.Context, in interaction, ack *ackReply) (bool, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return false, fmt.Errorf("store an envelope: %w", err)
	}
	e := delivery.Envelope{ID: in.ID, Person: in.Person, Payload: raw, At: in.At}
	fresh, err := b.cfg.Inbox.Accept(ctx, e, b.now().Add(leaseTime))
	if err != nil {
		return false, fmt.Errorf("store an envelope: %w", err)
	}
	if fresh {
		in.fresh = true
		b.start(in, ack)
	}
	return fresh, nil
}

// start queues an interaction to be handled, unless it is queued already.
func (b *Bot) start(in interaction, ack *ackReply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[in.ID] {
		return
	}
	b.busy[in.ID] = true
	queues := b.queues
	if in.Kind == kindUserChange {
		queues = b.accountQueues
	}
	queues.add(in.Person, func(ctx context.Context) { // handling outlives the envelope
		defer b.release(in.ID)
		defer b.recoverPanic(in, func() { b.markHandled(ctx, in.ID) }) // it would come again
		b.handle(ctx, in, ack)
	})
}

// recoverPanic keeps a panic over one interaction from ending the process; deferred, it
// logs the panic and calls after.
func (b *Bot) recoverPanic(in interaction, after func()) {
	if fault := recover(); fault != nil {
		b.cfg.Log.Error("a fault of the bot", "envelope", in.ID, "type", in.Kind, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
		after()
	}
}

func (b *Bot) release(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.busy, id)
}

// sweep handles what was acknowledged and is not handled: because a process died, or
// because a service that it needs was away.
func (b *Bot) sweep(ctx context.Context) {
	for {
		now := b.now()
		left, err := b.leftovers(ctx, now)
		if ctx.Err() == nil {
			b.unread.Saw(ctx, "", err)
		}
		for _, e := range left {
			b.resume(ctx, e)
		}
		if !sleep(ctx, sweepEvery) {
			return
		}
	}
}

// leftovers takes the envelopes whose lease has ended, and renews the lease of those that
// this process is handling: one may wait in its queue for longer than that.
func (b *Bot) leftovers(ctx context.Context, now time.Time) ([]delivery.Envelope, error) {
	b.mu.Lock()
	busy := slices.Collect(maps.Keys(b.busy))
	b.mu.Unlock()
	if len(busy) > 0 {
		if err := b.cfg.Inbox.Hold(ctx, busy, now.Add(leaseTime)); err != nil {
			return nil, err
		}
	}
	return b.cfg.Inbox.Leftovers(ctx, now, now.Add(leaseTime))
}

func (b *Bot) resume(ctx context.Context, e delivery.Envelope) {
	in, err := readStored(e.Payload)
	if err != nil {
		b.cfg.Log.Error("a stored delivery cannot be read", "envelope", e.ID, "error", err)
		b.markHandled(ctx, e.ID)
		return
	}
	b.start(in, nil)
}

func (b *Bot) markHandled(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTimeout) // it is done, whoever stops us
	defer cancel()
	if err := b.cfg.Inbox.Handled(ctx, id); err != nil {
		b.cfg.Log.Warn("a delivery is handled and cannot be marked so", "envelope", id, "error", err)
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timer.Done()
	return ctx.Err() == nil
}
