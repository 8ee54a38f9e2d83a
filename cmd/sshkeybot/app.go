package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"sshkeybot/bot"
	"sshkeybot/bot/outbox"
	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
	"sshkeybot/internal/config"
	"sshkeybot/internal/control"
	"sshkeybot/internal/health"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/queue"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/store"
	target "sshkeybot/internal/target/runcloud"
	"sshkeybot/internal/workflow"
	"sshkeybot/runcloud"
)

// callTimeout bounds one call to RunCloud: a write waits for the server's agent.
const callTimeout = 30 * time.Second

// app is the bot with all its parts, ready to run.
type app struct {
	cfg      config.Config
	log      *slog.Logger
	store    *store.Store
	target   target.Target
	runcloud *runcloud.Client
	service  *workflow.Service
	api      *slackapi.Client
	people   *slackapi.Directory
	outbox   *outbox.Announcer
	bot      *bot.Bot
	runner   *queue.Runner
	metrics  *health.Metrics
	pulse    *pulse
	token    tokenState

	counting sync.Mutex
	counted  int // calls to RunCloud that the ledger knows of
}

// newApp builds the parts, which go by that clock. Nothing outside is called but the
// database.
func newApp(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time) (*app, error) {
	return buildApp(ctx, cfg, log, now, replicaName(), false)
}

// buildApp builds an app that goes by that name among the replicas. One that only
// removes places no key, and does not look for people who left.
func buildApp(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time, replica string, onlyRemoves bool) (*app, error) {
	a := &app{cfg: cfg, log: log, pulse: newPulse(now)}
	quietly := slog.New(quiet{log.Handler(), a.pulse.stopped})
	ledger, err := store.Open(ctx, cfg.DatabaseURL.Reveal(), store.Options{Replica: replica, Log: quietly})
	if err != nil {
		return nil, err
	}
	a.store = ledger
	a.runcloud = runcloud.New(cfg.RunCloud.Token.Reveal(),
		runcloud.WithBaseURL(cfg.RunCloud.APIURL), runcloud.WithTimeout(callTimeout), runcloud.WithLogger(log),
		runcloud.WithLimiter(limiter.New(cfg.Concurrency)), runcloud.WithUserAgent("sshkeybot/"+version))
	machine := &clock.Clock{Read: readClocks(now), Tell: a.tellOfClock}
	api := slackapi.New(slackapi.Config{
		Token: cfg.Slack.BotToken.Reveal(), URL: cfg.Slack.APIURL, Log: log, Dated: machine.Answered, Plain: render.Plain,
	})
	a.api, a.people = api, slackapi.NewDirectory(api)
	a.target = target.Target{Client: a.runcloud, Lifetime: cfg.RunCloud.TemporaryLifetime, Quota: cfg.RunCloud.MonthlyQuota}
	engine := &reconcile.Engine{
		Store: ledger, Targets: []access.Target{a.target}, Directory: a.people,
		Settings: engineSettings(cfg, replica, onlyRemoves), Now: now, Clock: machine,
	}
	a.service = &workflow.Service{Engine: engine, Store: ledger, Directory: a.people, Settings: settings(cfg), Now: now}
	a.people.Bind = a.service.BindWorkspace
	a.metrics = health.NewMetrics(a.figures)
	a.service.Late = a.metrics.GrantEnded
	a.outbox = &outbox.Announcer{
		API: api, Uses: a.service, Store: ledger.Outbox(), Log: log, Now: now,
		ApprovalChannel: cfg.ApprovalChannel, AnnounceChannel: cfg.AnnounceChannel,
	}
	a.bot = bot.New(a.botConfig(now))
	a.pulse.alarm = &outbox.Alarm{API: api, Uses: a.service, Log: log, Channel: cmp.Or(cfg.AnnounceChannel, cfg.ApprovalChannel)}
	timers := a.timers()
	if !onlyRemoves {
		timers = append(timers, a.botTimers()...)
	}
	a.runner, err = queue.New(queue.Config{
		Store: ledger, Work: engine, Outbox: a.outbox,
		Concurrency: cfg.Concurrency, Timers: timers, Log: quietly, NoAdditions: onlyRemoves,
	})
	if err != nil {
		ledger.Close()
		return nil, err
	}
	return a, nil
}

// replicaName is new for every process: the name of one that died is never taken
// over by one that lives.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
}

func settings(cfg config.Config) workflow.Settings {
	return workflow.Settings{
		Approvers: cfg.Approvers, Approvals: cfg.Approvals, SelfApproval: cfg.SelfApproval, RequestTTL: cfg.RequestTTL,
		MinDuration: cfg.MinDuration, MaxDuration: cfg.MaxDuration, AllowForever: cfg.AllowForever,
		SystemUser: cfg.SystemUser, SystemUsers: cfg.SystemUsers, ProveAlways: cfg.KeyProof == config.KeyProofAlways,
		OffboardDeactivated: workflow.OffboardMode(cfg.OffboardDeactivated),
	}
}

func engineSettings(cfg config.Config, replica string, onlyRemoves bool) reconcile.Settings {
	return reconcile.Settings{
		LongGrants: reconcile.LongGrants(cfg.LongGrants), Replica: replica, OnlyRemoves: onlyRemoves,
	}
}

func (a *app) botConfig(now func() time.Time) bot.Config {
	return bot.Config{
		AppToken: a.cfg.Slack.AppToken.Reveal(), APIURL: a.cfg.Slack.APIURL, API: a.api, Uses: a.service, Outbox: a.outbox, Inbox: a.store,
		Log: a.log, Now: now,
		ApprovalChannel: a.cfg.ApprovalChannel, SystemUsers: a.cfg.SystemUsers,
		Limits: a.service.Settings.Durations(),
	}
}

// timers are the sweeps: each finds what is due in the ledger, whatever was lost.
func (a *app) timers() []queue.Timer {
	return []queue.Timer{
		{Name: "sweep", Every: time.Second, Do: a.sweep},
		{Name: "wake", Every: 5 * time.Second, Do: a.service.Engine.WakeDue},
		{Name: "resume", Every: 15 * time.Second, Do: a.service.Engine.Resume},
		{Name: "release", Every: 2 * time.Second, Do: a.releaseDead},
		{Name: "calls", Every: time.Minute, Do: a.countCalls},
		{Name: "prune", Every: time.Hour, Do: func(ctx context.Context) error { return a.store.Prune(ctx, a.service.Now().Add(-keepHandled)) }},
	}
}

// botTimers are those of the bot itself, for which nobody waits at a shell.
func (a *app) botTimers() []queue.Timer {
	timers := []queue.Timer{
		{Name: "ledger", Every: pulseEvery, Do: a.watchLedger},
		{Name: "slack", Every: 15 * time.Second, Do: a.askSlack},
		{Name: "leavers", Every: time.Minute, Do: a.service.FindDeactivated},
		{Name: "orphans", Every: time.Minute, Do: a.service.Engine.FindOrphans},
		{Name: "returned", Every: time.Minute, Do: a.service.Engine.FindReturned},
		{Name: "time", Every: 2 * time.Second, Do: a.askTheTime},
		{Name: "look again", Every: time.Minute, Do: a.service.Engine.RereadServers},
		{Name: "undecidable", Every: 15 * time.Second, Do: a.service.FindUndecidable},
	}
	if at := a.cfg.DailySummary; at != nil {
		sinceMidnight := time.Duration(at.Hour)*time.Hour + time.Duration(at.Minute)*time.Minute
		timers = append(timers, queue.Timer{
			Name: "summary", Every: time.Minute, Do: func(ctx context.Context) error { return a.service.Summarise(ctx, sinceMidnight) },
		})
	}
	return timers
}

// keepHandled is how long it is remembered what was handled: far longer than Slack
// ever delivers something again.
const keepHandled = 7 * 24 * time.Hour

func (a *app) releaseDead(ctx context.Context) error {
	dead, err := a.store.ReleaseDead(ctx)
	for _, replica := range dead {
		a.log.Warn("took over the work of a replica that died", "replica", replica)
	}
	return err
}

// countCalls adds to the ledger the calls to RunCloud that it does not know of yet.
func (a *app) countCalls(ctx context.Context) error {
	a.counting.Lock()
	defer a.counting.Unlock()
	calls := a.runcloud.Limiter().State().Calls
	if err := a.service.Engine.CountCalls(ctx, a.target.Name(), calls-a.counted); err != nil {
		return err
	}
	a.counted = calls
	return nil
}

func (a *app) uncounted() int {
	a.counting.Lock()
	defer a.counting.Unlock()
	return a.runcloud.Limiter().State().Calls - a.counted
}

func (a *app) figures(ctx context.Context) (health.Figures, error) {
	overview, err := a.service.Overview(ctx, "")
	if err != nil {
		return health.Figures{}, err
	}
	overdue, err := a.service.Overdue(ctx)
	if err != nil {
		return health.Figures{}, err
	}
	calls, err := a.service.Engine.CallsThisMonth(ctx, a.target.Name())
	if err != nil {
		return health.Figures{}, err
	}
	halted, err := haltedSince(ctx, a.service.Engine)
	f := health.Figures{
		LiveGrants: len(overview.Grants), OverdueGrants: overdue.Grants, OwedRemovals: overdue.Removals, PendingRequests: len(overview.Waiting),
		Sockets: a.bot.Health().Sockets, WaitingCalls: a.runcloud.Limiter().State().Waiting, CallsThisMonth: calls + a.uncounted(), Halted: halted != "", Writable: a.writable() == nil,
	}
	return f, err
}

// close frees what newApp took.
func (a *app) close() {
	a.runcloud.CloseIdleConnections()
	a.store.Close()
}

// How long the parts may take to end in order, and of that the bot: Slack may hang,
// and the work on the servers needs its time, too.
const (
	stopWithin  = 18 * time.Second
	closeWithin = 8 * time.Second
)

// bindWithin is how long the start waits for Slack to say whose token we have.
const bindWithin = 5 * time.Second

// mustBeHome refuses a token of a workspace to which the ledger is not bound. Slack that
// is away, or refuses the token, does not keep us from taking keys back.
func (a *app) mustBeHome(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, bindWithin)
	defer cancel()
	err := a.people.Check(asking)
	if workflow.IsOtherWorkspace(err) {
		return &config.Problems{List: []config.Problem{{Name: "SLACK_BOT_TOKEN", Text: "is of another workspace. " + access.MessageOf(err)}}}
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("Slack did not say whose workspace the bot token is of; nobody is given access before it does", "error", err)
	}
	return nil
}

// run works until ctx ends, and then stops the parts in order: nothing new from
// Slack, then the work, then the database. Nothing that Slack says ends it but that
// this is another workspace: keys are to be taken back whether or not anybody can reach
// the bot.
func (a *app) run(ctx context.Context) error {
	if err := a.begin(ctx); ctx.Err() != nil {
		return nil // told to stop before it had begun
	} else if err != nil {
		return err
	}
	defer a.serveHTTP(ctx)()
	defer a.serveShell()()
	if err := a.runner.Start(ctx); err != nil {
		return err
	}
	go a.bot.Run(context.WithoutCancel(ctx)) // until it is closed
	<-ctx.Done()
	a.log.Info("stopping")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	closing, cancelClosing := context.WithTimeout(stopping, closeWithin)
	defer cancelClosing()
	a.bot.Close(closing)
	if err := a.runner.Stop(stopping); err != nil { // the ledger knows what was begun
		a.log.Warn("stopped in the middle of work, which goes on after the next start", "error", err)
	}
	if err := a.countCalls(stopping); err != nil {
		a.log.Warn("some calls to RunCloud are not in the count of this month", "error", err)
	}
	return nil
}

// begin makes sure that the ledger is this workspace's, and releases what a process
// before this one had begun.
func (a *app) begin(ctx context.Context) error {
	if err := a.mustBeHome(ctx); err != nil {
		return err
	}
	return errors.Join(a.store.ReleaseAll(ctx), a.releaseDead(ctx))
}

// serveShell takes offboardings from the shell while this process holds a SQLite
// file. The bot is worth more than that, so it runs without it where it must.
func (a *app) serveShell() (stop func()) {
	path, isFile, err := store.File(a.cfg.DatabaseURL.Reveal())
	if isFile && err == nil {
		stop, err = control.Serve(control.Path(path), a.service, a.log)
	}
	if err != nil {
		a.log.Warn("sshkeybot offboard cannot reach this process", "error", err)
	}
	if stop == nil {
		return func() {}
	}
	return stop
}

// serveHTTP serves the health pages, if they are wanted. The bot runs without them
// where the address is taken, as by another replica on the same machine.
func (a *app) serveHTTP(ctx context.Context) (stop func()) {
	if a.cfg.HTTPAddr == "" {
		return func() {}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.HTTPAddr)
	if err != nil {
		a.log.Error("there are no health pages, so sshkeybot healthcheck fails: SSHKEYBOT_HTTP_ADDR cannot be used, as when another process has that port", "address", a.cfg.HTTPAddr, "error", err)
		return func() {}
	}
	server := &http.Server{Handler: health.Handler(store.Name(a.cfg.DatabaseURL.Reveal()), a.checks(), a.metrics), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends when stop closes it
	return func() { _ = server.Close() }
}

func (a *app) checks() []health.Check {
	return []health.Check{
		{Name: "ledger", Do: func(context.Context) error { return a.writable() }},
		{Name: "sweep", Do: func(context.Context) error { return a.pulse.sweeps() }},
		{Name: "slack", Do: a.hearsSlack},
		{Name: "runcloud", Do: func(ctx context.Context) error {
			since, err := haltedSince(ctx, a.service.Engine)
			if err == nil && since != "" {
				err = errors.New("the token is refused since " + since)
			}
			return err
		}},
	}
}

func (a *app) hearsSlack(context.Context) error {
	h := a.bot.Health()
	switch {
	case !a.token.accepted.Load() && h.Refused == "":
		return errors.New("Slack has not taken the bot token yet") //nolint:staticcheck // a name
	case h.Refused != "":
		return errors.New("Slack refuses a token: " + h.Refused)
	case h.Sockets == 0:
		return errors.New("no socket is connected to Slack")
	case h.Deaf:
		return fmt.Errorf("Slack has not pinged for %s", h.PingAge.Round(time.Second)) //nolint:staticcheck // a name
	}
	return nil
}
