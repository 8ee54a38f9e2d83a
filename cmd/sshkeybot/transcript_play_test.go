package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store/storetest"
)

// The channels of the transcript.
const (
	opsChannel  = "C0OPS"
	newsChannel = "C0NEWS"
)

// player is a person in the transcript.
type player struct {
	id, name, zone string
}

// Alice, Dave, Erin and Frank work with servers; Bob and Carol approve; Gus is a guest.
var (
	playAlice = player{"U0ALICE", "Alice", "Europe/Lisbon"}
	playDave  = player{"U0DAVE", "Dave", "Asia/Kolkata"}
	playErin  = player{"U0ERIN", "Erin", "Europe/Berlin"}
	playFrank = player{"U0FRANK", "Frank", "Europe/Lisbon"}
	playBob   = player{"U0BOB", "Bob", "Europe/Berlin"}
	playCarol = player{"U0CAROL", "Carol", "America/New_York"}
	playGus   = player{"U0GUS", "Gus", "Europe/Berlin"}
)

func players() []player {
	return []player{playAlice, playDave, playErin, playFrank, playBob, playCarol, playGus}
}

// chapter is a part of the transcript, with its own workspace and account.
type chapter struct {
	title   string
	servers []runcloudsim.Server
	config  func(*config.Config)
	octopus http.Handler // an Octopus Deploy, or nil
	scenes  func(*telling)
}

// telling is the state of one chapter: the real bot with the simulators, and what the people have
// seen so far.
type telling struct {
	t        *testing.T
	clock    *jumpClock
	host     app.Host
	slack    *slacksim.Workspace
	account  *runcloudsim.Account
	scalingo *scalingosim.Account // nil where it is not configured
	app      *app.App
	out      strings.Builder
	held     chan struct{}     // full while RunCloud's calls are held
	halted   bool              // all work is halted
	down     bool              // Scalingo answers nothing
	seen     map[string]string // what was read in each message
}

func newPlay(t *testing.T, c chapter) *telling {
	t.Helper()
	clock := &jumpClock{}
	clock.reach(time.Date(2026, time.March, 9, 8, 0, 0, 0, time.UTC))
	p := &telling{
		t: t, clock: clock, host: plan{now: clock.now}.host(), seen: map[string]string{}, held: make(chan struct{}, 1), account: runcloudsim.New(runcloudsim.Options{Now: clock.now}),
	}
	p.slack = slacksim.New(slacksim.Options{Now: clock.now, Listen: p.host.Listen})
	slackURL, err := p.slack.Start()
	p.must(err)
	t.Cleanup(p.slack.Close)
	listener := p.listen()
	p.account.Serve(listener)
	t.Cleanup(func() { _ = p.account.Close() })
	p.cast()
	for _, server := range c.servers {
		p.account.AddServer(server)
	}
	p.account.OnCall(p.call)
	cfg := p.config(slackURL, "http://"+listener.Addr().String()+"/api/v3")
	if c.config != nil {
		c.config(&cfg)
	}
	if cfg.Scalingo != nil {
		p.playAccount(cfg.Scalingo)
	}
	if c.octopus != nil {
		cfg.Octopus = p.playOctopus(c.octopus)
	}
	p.host.Clocks = rightClocks(clock.now).read
	p.app, err = app.New(t.Context(), cfg, newLog("error", "console", io.Discard), p.host)
	p.must(err)
	p.run()
	return p
}

func (p *telling) listen() net.Listener {
	p.t.Helper()
	listener, err := p.host.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	return listener
}

func (p *telling) run() {
	ctx, leave := context.WithCancel(context.WithoutCancel(p.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.app.Run(ctx) }()
	p.t.Cleanup(func() {
		leave()
		if err := <-ended; err != nil {
			p.t.Errorf("the bot ended with: %v", err)
		}
		p.app.Close()
		for _, v := range p.slack.Violations() {
			p.t.Errorf("a rule of Slack's was broken: %+v", v)
		}
	})
	p.until("the bot listens", func() bool { return p.slack.Sockets() > 0 })
}

func (p *telling) cast() {
	members := []string{p.slack.BotUserID()}
	for _, who := range players() {
		p.slack.AddUser(slacksim.User{ID: who.id, Name: strings.ToLower(who.name), RealName: who.name, TZ: who.zone, IsRestricted: who == playGus})
		members = append(members, who.id)
	}
	p.slack.AddChannel(slacksim.Channel{ID: opsChannel, Name: "ops", Members: members, Bot: true})
	p.slack.AddChannel(slacksim.Channel{ID: newsChannel, Name: "security", Members: members, Bot: true})
}

func (p *telling) config(slackURL, accountURL string) config.Config {
	return config.Config{
		Slack:     config.Slack{BotToken: config.NewSecret(p.slack.BotToken()), AppToken: config.NewSecret(p.slack.AppToken()), APIURL: slackURL},
		RunClouds: []config.RunCloud{{Name: "runcloud", Token: config.NewSecret(runcloudsim.DefaultToken), APIURL: accountURL, TemporaryLifetime: 12 * time.Hour}},
		Approvers: []string{playBob.id, playCarol.id}, ApprovalChannel: opsChannel, AnnounceChannel: newsChannel, Approvals: 1,
		Keep: 400 * 24 * time.Hour, RequestTTL: 8 * time.Hour, MinDuration: 5 * time.Minute, MaxDuration: 30 * 24 * time.Hour,
		LongGrants: config.LongGrantsRenew, SystemUser: "runcloud", SystemUsers: []string{"runcloud", "root"},
		OffboardDeactivated: config.OffboardDeactivatedRun, Concurrency: 16,
		DatabaseURL: config.NewSecret(storetest.EmptyFile(p.t)),
	}
}

// call makes calls to RunCloud that change or read keys wait while the play holds them, so
// that it is certain what Slack shows meanwhile.
func (p *telling) call(c runcloudsim.Call) {
	if c.Phase == runcloudsim.Before && slices.Contains([]runcloudsim.Op{runcloudsim.OpCreate, runcloudsim.OpDelete, runcloudsim.OpListCredentials}, c.Op) {
		p.held <- struct{}{}
		<-p.held
	}
}

func (p *telling) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// until waits for a condition that other goroutines bring about.
func (p *telling) until(what string, cond func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !cond() {
		select {
		case <-ticker.C:
		case <-deadline:
			p.t.Fatalf("after %s this is still not so: %s\n%s", patience, what, p.out.String())
		}
	}
}

// whileHeld does something that starts work on servers. It lets the targets answer only after
// Slack has shown that the work has begun, and look, if there is one, has been called.
func (p *telling) whileHeld(do, look func()) {
	p.t.Helper()
	p.held <- struct{}{}
	release := p.holdAccount()
	do()
	p.shown()
	if look != nil {
		look()
	}
	<-p.held
	release()
	p.settled()
}

// shown waits until Slack shows everything as it is in the ledger.
func (p *telling) shown() {
	p.t.Helper()
	p.until("Slack shows everything", func() bool {
		now := p.clock.now()
		p.must(p.app.Sweep(p.t.Context()))
		var later, notices []int64
		err := p.app.Store.Outbox().Read(p.t.Context(), func(tx delivery.Tx) (err error) {
			if later, err = tx.DueDrawings(p.t.Context(), now.Add(time.Hour)); err != nil {
				return err
			}
			notices, err = tx.DueNotices(p.t.Context(), now) // Home tabs are drawn later: home waits for them
			return err
		})
		p.must(err)
		return len(later)+len(notices) == 0
	})
}

// settled waits until the work on servers rests, and Slack shows it.
func (p *telling) settled() {
	p.t.Helper()
	if !p.halted {
		p.until("the work rests", p.rests)
	}
	p.shown()
}

func (p *telling) rests() bool {
	for id := int64(1); ; id++ {
		v, err := p.app.Service.View(p.t.Context(), id)
		if access.CodeOf(err) == access.NotFound {
			return true
		}
		p.must(err)
		if slices.ContainsFunc(v.Results, p.moves) {
			return false
		}
	}
}

// moves reports whether a result will change without anybody doing anything.
func (p *telling) moves(r access.Result) bool {
	waits := slices.ContainsFunc(p.account.Servers(), func(s runcloudsim.Server) bool { return s.Name == r.ServerName && s.Offline })
	stands := waits && r.Problem == access.ProblemOffline || p.down && r.Problem == access.ProblemTrouble
	return !r.State.Final() && r.State != access.Failed && !stands
}

// later lets time pass, and waits until everything that is due by then is done.
func (p *telling) later(d time.Duration, words string) {
	p.t.Helper()
	p.at(p.clock.now().Add(d), words)
}

// at is later, up to a known moment.
func (p *telling) at(when time.Time, words string) {
	p.t.Helper()
	p.says("%s", words)
	p.whileHeld(func() {
		p.clock.reach(when)
		p.must(p.app.Sweep(p.t.Context()))
		p.must(p.app.Service.Engine.WakeDue(p.t.Context()))
		p.must(p.app.Service.Engine.Resume(p.t.Context()))
	}, nil)
	p.letters()
}

func (p *telling) says(format string, parts ...any) {
	fmt.Fprintf(&p.out, "\n-- "+format+"\n", parts...)
}
