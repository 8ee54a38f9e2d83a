package play

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
)

// Deployments is the account of the played Octopus Deploy.
const Deployments = "Shop"

// Options are what a World is made of.
type Options struct {
	Host    app.Host      // its network; the clocks are the world's own
	Servers int           // of the played RunCloud account
	Dir     string        // an empty folder for the ledger
	Ago     time.Duration // how long before the machine's time it begins
}

// World is a played Slack workspace, a played RunCloud account, a Scalingo account and an Octopus Deploy,
// and the real bot between them. Its methods may be called from any goroutine.
type World struct {
	Clock    *Clock
	Slack    *slacksim.Workspace
	RunCloud *runcloudsim.Account
	Scalingo *scalingosim.Account
	Octopus  *octopussim.Server

	host    app.Host
	cfg     config.Config
	deploys *http.Server // serves Octopus

	deployments string // the id of the account there

	lifecycle sync.Mutex // held by who starts or ends the bot

	mu    sync.Mutex
	bots  []*process       // every life of the bot; the last one may run
	cures map[int64]func() // by server: each ends its trouble
	off   map[string]bool  // toggles by name, but the bot
}

// Open returns a world whose systems can be called, without the bot.
func Open(o Options) (*World, error) {
	now := NewClock(o.Ago)
	o.Host.Now, o.Host.Clocks = now.Now, now.Read
	w := &World{
		Clock: now, host: o.Host.WithDefaults(), cures: map[int64]func(){}, off: map[string]bool{},
		RunCloud: runcloudsim.New(runcloudsim.Options{Now: now.Now}),
		Scalingo: scalingosim.New(scalingosim.Options{Now: now.Now, Made: now.Now().Add(-24 * time.Hour)}),
	}
	w.Octopus = octopussim.New(octopussim.Options{Now: now.Now, LogsIn: func(host string, _ int, user, key string) bool {
		return LetsIn(w.RunCloud, host, user, key)
	}})
	w.deploys = &http.Server{Handler: w.Octopus, ReadHeaderTimeout: 30 * time.Second}
	w.Slack = slacksim.New(slacksim.Options{RateLimits: true, Now: now.Now, Listen: w.host.Listen})
	at, err := w.serve()
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	addPlayers(w.Slack)
	w.RunCloud.AddServers(o.Servers)
	w.cfg = settings(w.Slack, at, filepath.Join(o.Dir, "demo.db"))
	return w, nil
}

// serve has every system take connections.
func (w *World) serve() (at addresses, err error) {
	if at.slack, err = w.Slack.Start(); err != nil {
		return at, err
	}
	for _, system := range []struct {
		address *string
		serve   func(net.Listener)
	}{
		{&at.runcloud, w.RunCloud.Serve},
		{&at.scalingo, w.Scalingo.Serve},
		{&at.octopus, func(l net.Listener) { go func() { _ = w.deploys.Serve(l) }() }}, // until Close
	} {
		listener, err := w.host.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return at, err
		}
		system.serve(listener)
		*system.address = "http://" + listener.Addr().String()
	}
	return at, nil
}

// LetsIn reports whether the server of an account at that address lets a system user in with a key, given
// as «TYPE BASE64», by the keys that it has.
func LetsIn(account *runcloudsim.Account, address, user, key string) bool {
	for _, server := range account.Servers() {
		if runcloudsim.Address(server.ID) == address && !server.Offline {
			return slices.ContainsFunc(account.Keys(server.ID), func(c runcloudsim.Credential) bool {
				return c.User == user && strings.HasPrefix(c.PublicKey, key)
			})
		}
	}
	return false
}

// deploysWith returns the fingerprint of the key with which Octopus Deploy logs in; empty for the one of before.
func (w *World) deploysWith() string {
	key, err := sshkey.Parse(w.Octopus.PublicKey(w.deployments))
	if err != nil {
		return ""
	}
	return key.Fingerprint()
}

// AddDeployments has Octopus Deploy use an account on the first server, whose key somebody had placed by hand.
func (w *World) AddDeployments() error {
	server := w.RunCloud.Servers()[0].ID
	old, _, err := sshkey.Generate()
	if err != nil {
		return err
	}
	w.RunCloud.AddKey(server, runcloudsim.Credential{Label: "octopus", User: SystemUser, PublicKey: old.Line("octopus")})
	w.deployments = w.Octopus.AddAccount(octopussim.DefaultSpace, octopussim.Account{Name: Deployments, Username: SystemUser, PrivateKey: "of before"})
	w.Octopus.AddMachine(octopussim.DefaultSpace, octopussim.Machine{Name: "shop", AccountID: w.deployments, Host: runcloudsim.Address(server), HealthStatus: "Healthy"})
	return nil
}

// Start starts the bot, and waits until it listens to Slack, if Slack is there. It does nothing if it runs.
func (w *World) Start(ctx context.Context, log *slog.Logger) error {
	w.lifecycle.Lock()
	defer w.lifecycle.Unlock()
	if w.Running() {
		return nil
	}
	bot, err := begin(ctx, w.cfg, log, w.host)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.bots = append(w.bots, bot)
	away := w.off[toggleSlack]
	w.mu.Unlock()
	if away {
		return nil
	}
	return w.Slack.Wait(ctx, func(slack *slacksim.Workspace) bool { return slack.Sockets() > 0 })
}

// Posted waits for a message in #ops that begins with prefix.
func (w *World) Posted(ctx context.Context, prefix string) (found slacksim.Message, err error) {
	err = w.Slack.Wait(ctx, func(slack *slacksim.Workspace) bool {
		all := slack.Messages(Ops)
		i := slices.IndexFunc(all, func(m slacksim.Message) bool { return strings.HasPrefix(m.Text, prefix) })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found, err
}

// Kill ends the bot as kill -9 does: its connections are cut, and what it had not written is lost. It does
// nothing if the bot does not run.
func (w *World) Kill() {
	w.lifecycle.Lock()
	defer w.lifecycle.Unlock()
	w.process().kill()
}

// Running reports whether the bot was started and not killed.
func (w *World) Running() bool { return w.process().running() }

// App returns the bot that was started last.
func (w *World) App() *app.App { return w.process().app }

// process returns the life of the bot that began last, or nil.
func (w *World) process() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.bots) == 0 {
		return nil
	}
	return w.bots[len(w.bots)-1]
}

// Close stops the bot in order and then everything else, and returns their errors.
func (w *World) Close() (err error) {
	w.lifecycle.Lock()
	defer w.lifecycle.Unlock()
	for _, bot := range w.bots {
		err = errors.Join(err, bot.stop())
	}
	w.Slack.Close()
	return errors.Join(err, w.deploys.Close(), w.RunCloud.Close(), w.Scalingo.Close())
}
