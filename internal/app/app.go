// Package app puts the parts of the bot together, and runs them until they are told to stop.
package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"sshkeybot/bot"
	"sshkeybot/bot/outbox"
	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
	"sshkeybot/internal/config"
	"sshkeybot/internal/health"
	"sshkeybot/internal/lock"
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
	token   *tokenState

	counting lock.Mutex // guards the counts of targets
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
	a := &App{cfg: cfg, host: on, web: on.Transport(), log: log, pulse: newPulse(now, log), token: newTokenState(log)}
	quietly := slog.New(quiet{log.Handler(), slog.LevelDebug, a.pulse.stopped})
	libraries := slog.New(quiet{log.Handler(), slog.LevelWarn, a.pulse.stopped}) // what they say below that, no operator need know
	a.metrics = a.newMetrics()
	ledger, err := store.Open(ctx, cfg.DatabaseURL.Reveal(), store.Options{Replica: replica, Log: libraries, Now: now, Timed: a.timed})
	if err != nil {
		return nil, err
	}
	a.Store = ledger
	ledger.OnRecorded(a.logEvents)
	a.targets = configure(cfg, log, a.web)
	machine := &clock.Clock{Read: on.Clocks, Service: "Slack"}
	api := slackapi.New(slackapi.Config{
		Token: cfg.Slack.BotToken.Reveal(), URL: cfg.Slack.APIURL, HTTP: &http.Client{Transport: a.web}, Log: log, Dated: machine.Answered, Plain: render.Plain,
	})
	a.api, a.people = api, slackapi.NewDirectory(api)
	engine := &reconcile.Engine{
		Store: ledger, Targets: targetsOf(a.targets), Directory: a.people,
		Settings: engineSettings(cfg, replica, onlyRemoves), Now: now, Clock: machine, Started: now(),
	}
	a.Service = &workflow.Service{Engine: engine, Store: ledger, Directory: a.people, Settings: settings(cfg), Now: now}
	a.Service.Accounts = a.configureAccounts()
	a.people.Bind = a.Service.BindWorkspace
	a.measure()
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
		Concurrency: cfg.Concurrency, Apart: apart(cfg), Timers: timers, Log: quietly, RiverLog: libraries, NoAdditions: onlyRemoves,
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
		ApprovalChannel: a.cfg.ApprovalChannel, Accounts: severalAccounts(a.cfg), SystemUsers: a.cfg.SystemUsers,
		Limits: a.Service.Settings.Durations(), ReasonRequired: a.Service.Settings.ReasonRequired,
	}
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
		a.log.Warn("Slack did not say whose workspace the bot token is of", "remedy", "Nobody is given access before it does.", "error", err)
	}
	return nil
}

// Run runs the bot until ctx ends, and then stops its parts in order: first the bot, which
// takes what comes from Slack, then the jobs. The only trouble with Slack that makes it return
// is that the token is for another workspace: keys have to be removed whether or not anybody
// can reach the bot. It returns an error, too, if the health pages cannot be where they were set to be.
func (a *App) Run(ctx context.Context) error {
	pages, stopPages, err := a.servePages(ctx) // first of all, since without them nothing may be begun
	if ctx.Err() != nil {
		return nil // told to stop during the start
	} else if err != nil {
		return err
	}
	defer stopPages()
	if err := a.begin(ctx); ctx.Err() != nil {
		return nil // as well
	} else if err != nil {
		return err
	}
	defer a.serveShell(pages)()
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
	if now, err := a.Service.Figures(ctx); err == nil && now.RestoredWaiting {
		a.log.Warn("nothing is granted", "problem", "The ledger was restored from a copy.", "remedy", "An approver has to press Continue in Slack.")
	}
	return errors.Join(a.Store.ReleaseAll(ctx), a.releaseDead(ctx))
}
