// Package app puts the parts of the bot together, and runs them until they are told to stop.
package app

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
	"sshkeybot/internal/queue"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow"
)

// App is the bot with all its parts, ready to run.
type App struct {
	Service *workflow.Service
	Store   *store.Store
	Outbox  *outbox.Announcer

	cfg     config.Config
	host    Host
	web     *http.Transport // carries every call to another system
	log     *slog.Logger
	targets []*configured
	api     *slackapi.Client
	people  *slackapi.Directory
	bot     *bot.Bot
	runner  *queue.Runner
	metrics *health.Metrics
	pulse   *pulse
	token   tokenState

	counting sync.Mutex // guards the counts of targets
}

// New builds the bot. It calls nothing outside but the database.
func New(ctx context.Context, cfg config.Config, log *slog.Logger, on Host) (*App, error) {
	return build(ctx, cfg, log, on, replicaName(), false)
}

// ShellReplica is the prefix of the replica name of a command in the operator's shell. The name of a
// bot begins with a host name, which has no colon.
const ShellReplica = "shell:"

// NewRemover builds what a command in the operator's shell needs to take access away: it places no
// keys, and has no timer of the bot's own. It is worked with Start and Stop.
func NewRemover(ctx context.Context, cfg config.Config, log *slog.Logger, on Host) (*App, error) {
	return build(ctx, cfg, log, on, ShellReplica+replicaName(), true)
}

func build(ctx context.Context, cfg config.Config, log *slog.Logger, on Host, replica string, onlyRemoves bool) (*App, error) {
	now := on.Now
	on = on.WithDefaults()
	a := &App{cfg: cfg, host: on, web: on.Transport(), log: log, pulse: newPulse(now)}
	quietly := slog.New(quiet{log.Handler(), a.pulse.stopped})
	ledger, err := store.Open(ctx, cfg.DatabaseURL.Reveal(), store.Options{Replica: replica, Log: quietly})
	if err != nil {
		return nil, err
	}
	a.Store = ledger
	a.targets = configure(cfg, log, a.web)
	machine := &clock.Clock{Read: on.Clocks, Service: "Slack", Tell: a.logClock}
	api := slackapi.New(slackapi.Config{
		Token: cfg.Slack.BotToken.Reveal(), URL: cfg.Slack.APIURL, HTTP: &http.Client{Transport: a.web}, Log: log, Dated: machine.Answered, Plain: render.Plain,
	})
	a.api, a.people = api, slackapi.NewDirectory(api)
	engine := &reconcile.Engine{
		Store: ledger, Targets: targetsOf(a.targets), Directory: a.people,
		Settings: engineSettings(cfg, replica, onlyRemoves), Now: now, Clock: machine,
	}
	a.Service = &workflow.Service{Engine: engine, Store: ledger, Directory: a.people, Settings: settings(cfg), Now: now}
	a.Service.Accounts = configureAccounts(cfg, log, a.web)
	a.people.Bind = a.Service.BindWorkspace
	a.metrics = health.NewMetrics(a.figures)
	a.Service.Late = a.metrics.GrantEnded
	a.Outbox = &outbox.Announcer{
		API: api, Uses: a.Service, Store: ledger.Outbox(), Log: log, Now: now,
		ApprovalChannel: cfg.ApprovalChannel, AnnounceChannel: cfg.AnnounceChannel,
	}
	a.bot = bot.New(a.botConfig(now))
	a.pulse.alarm = &outbox.Alarm{API: api, Uses: a.Service, Log: log, Channel: cmp.Or(cfg.AnnounceChannel, cfg.ApprovalChannel)}
	timers := a.timers()
	if !onlyRemoves {
		timers = append(timers, a.botTimers()...)
	}
	a.runner, err = queue.New(queue.Config{
		Store: ledger, Work: engine, Outbox: a.Outbox,
		Concurrency: cfg.Concurrency, Timers: timers, Log: quietly, NoAdditions: onlyRemoves,
	})
	if err != nil {
		ledger.Close()
		return nil, err
	}
	return a, nil
}

// replicaName returns a name that no other process has or had: what a process held when it
// died must not be taken for what this one holds.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
}

func settings(cfg config.Config) workflow.Settings {
	return workflow.Settings{
		Approvers: cfg.AllApprovers(), Quiet: cfg.ApproversQuiet, Approvals: cfg.Approvals, SelfApproval: cfg.SelfApproval, RequestTTL: cfg.RequestTTL,
		MinDuration: cfg.MinDuration, MaxDuration: cfg.MaxDuration, AllowForever: cfg.AllowForever,
		SystemUser: cfg.SystemUser, SystemUsers: cfg.SystemUsers, ProveAlways: cfg.KeyProof == config.KeyProofAlways,
		ReasonRequired: cfg.Reason == config.ReasonRequired, TicketURL: cfg.TicketURL,
		OffboardDeactivated: workflow.OffboardMode(cfg.OffboardDeactivated),
	}
}

func engineSettings(cfg config.Config, replica string, onlyRemoves bool) reconcile.Settings {
	return reconcile.Settings{
		LongGrants: reconcile.LongGrants(cfg.LongGrants), Replica: replica, OnlyRemoves: onlyRemoves,
	}
}

func (a *App) botConfig(now func() time.Time) bot.Config {
	return bot.Config{
		AppToken: a.cfg.Slack.AppToken.Reveal(), APIURL: a.cfg.Slack.APIURL, HTTP: &http.Client{Transport: a.web}, Dial: a.host.Dial,
		API: a.api, Uses: a.Service, Outbox: a.Outbox, Inbox: a.Store,
		Log: a.log, Now: now,
		ApprovalChannel: a.cfg.ApprovalChannel, SystemUsers: a.cfg.SystemUsers,
		Limits: a.Service.Settings.Durations(), ReasonRequired: a.Service.Settings.ReasonRequired,
	}
}

// timers returns the timers that every process needs. Each finds in the ledger what is due, so
// that nothing depends on a wake-up that may have been lost.
func (a *App) timers() []queue.Timer {
	return []queue.Timer{
		{Name: "sweep", Every: time.Second, Do: a.Sweep},
		{Name: "wake", Every: 5 * time.Second, Do: a.Service.Engine.WakeDue},
		{Name: "resume", Every: 15 * time.Second, Do: a.Service.Engine.Resume},
		{Name: "release", Every: 2 * time.Second, Do: a.releaseDead},
		{Name: "calls", Every: time.Minute, Do: a.countCalls},
		{Name: "prune", Every: time.Hour, Do: a.prune},
	}
}

// botTimers returns the timers of the bot that a command in the shell does not need.
func (a *App) botTimers() []queue.Timer {
	timers := []queue.Timer{
		{Name: "ledger", Every: pulseEvery, Do: a.watchLedger},
		{Name: "slack", Every: 15 * time.Second, Do: a.askSlack},
		{Name: "rotations", Every: time.Second, Do: a.Service.Rotate},
		{Name: "leavers", Every: time.Minute, Do: a.Service.FindDeactivated},
		{Name: "orphans", Every: time.Minute, Do: a.Service.Engine.FindOrphans},
		{Name: "returned", Every: time.Minute, Do: a.Service.Engine.FindReturned},
		{Name: "time", Every: 2 * time.Second, Do: a.askTheTime},
		{Name: "look again", Every: time.Minute, Do: a.Service.Engine.RereadServers},
		{Name: "audit", Every: 2 * time.Second, Do: a.Service.ReadForAudits},
		{Name: "undecidable", Every: 15 * time.Second, Do: a.Service.FindUndecidable},
	}
	if at := a.cfg.DailySummary; at != nil {
		timers = append(timers, queue.Timer{
			Name: "summary", Every: time.Minute, Do: func(ctx context.Context) error { return a.Service.Summarise(ctx, at.SinceMidnight()) },
		})
	}
	if at := a.cfg.Audit; at != nil {
		timers = append(timers, queue.Timer{
			Name: "weekly audit", Every: time.Minute, Do: func(ctx context.Context) error { return a.Service.AuditWeekly(ctx, at.Day, at.SinceMidnight()) },
		})
	}
	return timers
}

// keepHandled is how long handled envelopes and sent notices are kept: much longer than Slack
// may take to deliver an envelope once more.
const keepHandled = 7 * 24 * time.Hour

// prune deletes what is old enough, the history in many small transactions.
func (a *App) prune(ctx context.Context) error {
	if err := a.Store.Prune(ctx, a.Service.Now().Add(-keepHandled)); err != nil {
		return err
	}
	now := a.Service.Now()
	for more := true; more; {
		var err error
		if more, err = a.Store.PruneRenewed(ctx, now.Add(-a.keepRenewed())); err != nil {
			return err
		}
	}
	next, more, err := a.Store.PruneHistory(ctx, now.Add(-a.cfg.Keep), 0)
	for more && err == nil {
		next, more, err = a.Store.PruneHistory(ctx, now.Add(-a.cfg.Keep), next)
	}
	return err
}

// keepRenewed returns how long a key is remembered that was placed anew: longer than its target
// keeps it, and than the server is read again for it.
func (a *App) keepRenewed() time.Duration { return 24*time.Hour + 2*a.cfg.RunCloud.TemporaryLifetime }

func (a *App) releaseDead(ctx context.Context) error {
	dead, err := a.Store.ReleaseDead(ctx)
	for _, replica := range dead {
		a.log.Warn("took over the work of a replica that died", "replica", replica)
	}
	return err
}

func (a *App) figures(ctx context.Context) (health.Figures, error) {
	now, err := a.Service.Figures(ctx)
	if err != nil {
		return health.Figures{}, err
	}
	halted, err := a.Service.Engine.Halted(ctx)
	if err != nil {
		return health.Figures{}, err
	}
	f := health.Figures{
		LiveGrants: now.Live, OverdueGrants: now.Overdue, OwedRemovals: now.Removals, PendingRequests: now.Waiting,
		UndecidedKeys: now.Undecided, UndecidedLookalikes: now.Lookalikes,
		Sockets: a.bot.Health().Sockets, Halted: len(halted) > 0, Writable: a.writable() == nil,
	}
	f.Targets, err = a.callFigures(ctx)
	return f, err
}

// Close closes the connections and the ledger. What still runs then fails.
func (a *App) Close() {
	a.web.CloseIdleConnections()
	a.Store.Close()
}

const (
	stopWithin  = 18 * time.Second // for all parts to stop
	closeWithin = 8 * time.Second  // of that, for the bot: Slack may hang, and the work on the servers needs time as well
)

// bindWithin is how long the start waits for Slack to say which workspace the token is for.
const bindWithin = 5 * time.Second

// checkWorkspace returns an error if the bot token is for another workspace than the ledger. If
// Slack cannot be reached or refuses the token, it returns nil: keys have to be removed all the
// same.
func (a *App) checkWorkspace(ctx context.Context) error {
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

// Run runs the bot until ctx ends, and then stops its parts in order: first the bot, which
// takes what comes from Slack, then the jobs. The only trouble with Slack that makes it return
// is that the token is for another workspace: keys have to be removed whether or not anybody
// can reach the bot.
func (a *App) Run(ctx context.Context) error {
	if err := a.begin(ctx); ctx.Err() != nil {
		return nil // told to stop during the start
	} else if err != nil {
		return err
	}
	defer a.serveHTTP()()
	defer a.serveShell()()
	if err := a.runner.Start(ctx); err != nil {
		return err
	}
	go a.bot.Run(context.WithoutCancel(ctx)) // until Close
	<-ctx.Done()
	a.log.Info("stopping")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	closing, cancelClosing := context.WithTimeout(stopping, closeWithin)
	defer cancelClosing()
	a.bot.Close(closing)
	if err := a.runner.Stop(stopping); err != nil { // nothing is lost: the ledger has what was begun
		a.log.Warn("stopped in the middle of work, which goes on after the next start", "error", err)
	}
	if err := a.countCalls(stopping); err != nil {
		a.log.Warn("some calls to targets are not in the count of this month", "error", err)
	}
	return nil
}

// Start does the work in the ledger until Stop, without listening to Slack.
func (a *App) Start(ctx context.Context) error {
	if err := a.Store.ReleaseAll(ctx); err != nil {
		return err
	}
	return a.runner.Start(ctx)
}

// Stop ends what Start began. Work that does not end in time is done after the next start.
func (a *App) Stop() {
	stopping, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	_ = a.runner.Stop(stopping)
}

// begin checks the workspace, and releases the work of processes that died.
func (a *App) begin(ctx context.Context) error {
	if err := a.checkWorkspace(ctx); err != nil {
		return err
	}
	return errors.Join(a.Store.ReleaseAll(ctx), a.releaseDead(ctx))
}

// serveShell serves offboardings from the shell, if the ledger is a SQLite file, which this
// process has locked. If it cannot, the bot runs without.
func (a *App) serveShell() (stop func()) {
	path, isFile, err := store.File(a.cfg.DatabaseURL.Reveal())
	var listener net.Listener
	if isFile && err == nil {
		listener, err = a.host.ListenShell(control.Path(path))
	}
	if err != nil {
		a.log.Warn("sshkeybot offboard cannot reach this process", "error", err)
	}
	if listener == nil {
		return func() {}
	}
	return control.Serve(listener, a.Service, a.log)
}

// serveHTTP serves the health pages, if there is an address for them. If that is taken, as by
// another replica on the same machine, the bot runs without.
func (a *App) serveHTTP() (stop func()) {
	if a.cfg.HTTPAddr == "" {
		return func() {}
	}
	listener, err := a.host.Listen("tcp", a.cfg.HTTPAddr)
	if err != nil {
		a.log.Error("there are no health pages, so sshkeybot healthcheck fails: SSHKEYBOT_HTTP_ADDR cannot be used, as when another process has that port", "address", a.cfg.HTTPAddr, "error", err)
		return func() {}
	}
	server := &http.Server{Handler: a.Health(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends when stop closes it
	return func() { _ = server.Close() }
}

// Health returns the health pages.
func (a *App) Health() http.Handler {
	return health.Handler(store.Name(a.cfg.DatabaseURL.Reveal()), a.checks(), a.metrics)
}

func (a *App) checks() []health.Check {
	checks := []health.Check{
		{Name: "ledger", Do: func(context.Context) error { return a.writable() }},
		{Name: "sweep", Do: func(context.Context) error { return a.pulse.sweeps() }},
		{Name: "slack", Do: a.SlackConnected},
	}
	return append(checks, a.targetChecks()...)
}

// SlackConnected returns why nothing from Slack can reach the bot at the moment, or nil.
func (a *App) SlackConnected(context.Context) error {
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
