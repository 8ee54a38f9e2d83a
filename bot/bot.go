package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/bot/socket"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const (
	held       = 30 * time.Second // an accepted envelope is ours for that long; then anybody may take it up
	sweepEvery = 10 * time.Second
	giveUp     = 10 * time.Minute // after that trouble counts as a refusal
	// settleWithin is how long noting that an act is done may take.
	settleWithin = 5 * time.Second
)

// Config says what a Bot is made of.
type Config struct {
	AppToken string
	APIURL   string // base address with a trailing slash; empty is Slack's own
	HTTP     *http.Client

	API    *slackapi.Client
	Uses   UseCases
	Outbox Outbox
	Inbox  access.Inbox
	Log    *slog.Logger
	Now    func() time.Time // nil is time.Now

	ApprovalChannel string             // where requests are posted; empty is where they were asked
	SystemUsers     []string           // that the form offers, the usual one first
	Limits          workflow.Durations // of what may be asked for
}

// Bot listens to Slack and answers.
type Bot struct {
	cfg     Config
	socket  *socket.Client
	crew    *crew
	leavers *crew // for what Slack tells of people who left: it goes before what they did
	windows windows

	mu   sync.Mutex
	busy map[string]bool // envelopes in the hands of this process

	mended recent[slackapi.Ref] // old messages drawn anew lately
	formed recent[string]       // clicks that a form, or a refusal of it, has answered
}

// New makes a Bot that does nothing before Run.
func New(cfg Config) *Bot {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Bot{cfg: cfg, crew: newCrew(), leavers: newCrew(), windows: slackWindows, busy: map[string]bool{}}
	b.socket = socket.New(socket.Config{AppToken: cfg.AppToken, APIURL: cfg.APIURL, HTTP: cfg.HTTP, Log: cfg.Log, Handler: b.receive, Lost: b.lost})
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
	b.leavers.close(ctx)
	b.crew.close(ctx)
}

// Health tells whether Slack can reach us and takes our tokens.
func (b *Bot) Health() socket.Health {
	h := b.socket.Health()
	h.Refused = cmp.Or(h.Refused, b.cfg.API.Refused())
	return h
}

// receive deals with an envelope up to the point where it may be acknowledged.
func (b *Bot) receive(ctx context.Context, e socket.Envelope) (any, error) {
	a, err := readAct(e)
	switch {
	case errors.Is(err, errIrrelevant):
		return nil, nil
	case err != nil:
		b.cfg.Log.Warn("a delivery that cannot be read", "envelope", e.ID, "type", e.Type, "error", err)
		return nil, nil // it would be no better the next time
	}
	a.At = b.now().Add(-time.Since(e.At)) // when it was done counts, not when a handler had time for it
	if a.Kind == aLeft {
		if concerns, err := b.cfg.Uses.ProfileChanged(ctx, a.Person, a.standing); err != nil || !concerns {
			return nil, err
		}
	}
	if payload, done := b.atOnce(ctx, a); done {
		return payload, nil
	}
	var s *slot
	if a.Kind == aCommand && e.Accepts { // only there may an acknowledgement carry a message
		s = newSlot()
	}
	fresh, err := b.accept(ctx, a, s)
	if err != nil {
		if payload, told := b.notTaken(a, err); told {
			return payload, nil
		}
		return nil, err
	}
	if s == nil {
		return nil, nil
	}
	if !fresh { // delivered before: that delivery's acknowledgement carries the answer, and must come first
		sleep(ctx, b.windows.answer-time.Since(e.At))
		return nil, nil
	}
	if answer := s.wait(ctx, b.windows.answer-time.Since(e.At)); answer != nil {
		return answer, nil
	}
	return slackapi.Ephemeral(render.OnIt()), nil
}

// lost gives the answer that an acknowledgement could not carry by another way. That one
// follows needs no other: it may have come.
func (b *Bot) lost(e socket.Envelope, payload any) {
	r, isAnswer := payload.(slackapi.Reply)
	a, err := readAct(e)
	if isAnswer && err == nil && r.Text != render.OnIt().Text {
		a.At = b.now().Add(-time.Since(e.At))
		b.answerSoon(a, r, nil)
	}
}

// accept stores what somebody did and has it handled; false when it was before.
func (b *Bot) accept(ctx context.Context, a act, s *slot) (bool, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("store an envelope: %w", err)
	}
	e := access.Envelope{ID: a.ID, Person: a.Person, Payload: raw, At: a.At}
	fresh, err := b.cfg.Inbox.Accept(ctx, e, b.now().Add(held))
	if err != nil {
		return false, fmt.Errorf("store an envelope: %w", err)
	}
	if fresh {
		a.fresh = true
		b.start(a, s)
	}
	return fresh, nil
}

// start has an act handled, unless that is under way.
func (b *Bot) start(a act, s *slot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[a.ID] {
		return
	}
	b.busy[a.ID] = true
	crew := b.crew
	if a.Kind == aLeft {
		crew = b.leavers
	}
	crew.do(a.Person, func(ctx context.Context) { // handling outlives the envelope
		defer b.free(a.ID)
		defer b.contain(a, func() { b.settle(ctx, a.ID) }) // it would come again
		b.handle(ctx, a, s)
	})
}

// contain keeps a panic of one act from ending the process, and all else with it.
func (b *Bot) contain(a act, after func()) {
	if fault := recover(); fault != nil {
		b.cfg.Log.Error("panic", "envelope", a.ID, "kind", a.Kind, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
		after()
	}
}

func (b *Bot) free(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.busy, id)
}

// sweep takes up what was acknowledged and not handled: by a process that died, or
// because somebody we need was away.
func (b *Bot) sweep(ctx context.Context) {
	for {
		now := b.now()
		left, err := b.leftovers(ctx, now)
		if err != nil && ctx.Err() == nil {
			b.cfg.Log.Error("the inbox cannot be read", "error", err)
		}
		for _, e := range left {
			b.resume(ctx, e)
		}
		if !sleep(ctx, sweepEvery) {
			return
		}
	}
}

// leftovers takes what nobody holds any more, and keeps what this process is busy with:
// an act may wait for its turn longer than it is held.
func (b *Bot) leftovers(ctx context.Context, now time.Time) ([]access.Envelope, error) {
	b.mu.Lock()
	busy := slices.Collect(maps.Keys(b.busy))
	b.mu.Unlock()
	if len(busy) > 0 {
		if err := b.cfg.Inbox.Hold(ctx, busy, now.Add(held)); err != nil {
			return nil, err
		}
	}
	return b.cfg.Inbox.Leftovers(ctx, now, now.Add(held))
}

func (b *Bot) resume(ctx context.Context, e access.Envelope) {
	var a act
	if err := json.Unmarshal(e.Payload, &a); err != nil {
		b.cfg.Log.Error("a stored envelope cannot be read", "envelope", e.ID, "error", err)
		b.settle(ctx, e.ID)
		return
	}
	b.start(a, nil)
}

func (b *Bot) settle(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin) // it is done, whoever stops us
	defer cancel()
	if err := b.cfg.Inbox.Handled(ctx, id); err != nil {
		b.cfg.Log.Error("an envelope is handled and cannot be marked so", "envelope", id, "error", err)
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-timer.Done()
	return ctx.Err() == nil
}
