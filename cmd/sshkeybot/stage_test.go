package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"

	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store/storetest"
)

// The people and channels of every test. Bob and Carol are approvers.
const (
	alice = "U0ALICE"
	bob   = "U0BOB"
	carol = "U0CAROL"
	dave  = "U0DAVE"
	erin  = "U0ERIN"
	ops   = "C0OPS"
	news  = "C0NEWS" // where offboardings are announced
)

const (
	ackLimit = 30 * time.Second // how long the simulated Slack waits for an acknowledgement where they may come late, as on a busy machine
)

// plan is the options of start.
type plan struct {
	servers  int           // 5 when zero
	latency  time.Duration // of RunCloud
	database string        // SQLite in a file of its own when empty
	rules    runcloudsim.Rules
	config   func(*config.Config)
	prepare  func(*rig) // before the bot starts
	slack    slacksim.Options
	unpaced  bool             // Slack sets no rate limits
	now      func() time.Time // for the bot, for RunCloud, and for Slack's Date; time.Now when nil
	clocks   *clocks          // of the machine; when nil, they agree with now
	log      io.Writer        // takes everything that the bot logs
	scalingo bool             // a Scalingo account is configured, too, and may be lent
	client   []string         // the servers of a second RunCloud account, client, beside the first, which is agency then
	sockets  bool             // in real time, over real sockets, as other processes need them; always so on PostgreSQL
}

// rig is the real bot with a simulated Slack workspace and a simulated RunCloud account.
type rig struct {
	t        testing.TB
	host     app.Host
	slack    *slacksim.Workspace
	account  *runcloudsim.Account
	servers  []int64
	client   *runcloudsim.Account // the second one; nil unless it is planned
	scalingo *scalingosim.Account // nil unless it is planned
	app      *app.App
	cfg      config.Config // of app

	log    *slog.Logger
	clocks *clocks
	leave  func()
	ended  chan error
}

// start starts the simulators and the bot. At the end of the test it checks that no rule of
// Slack's was broken.
func start(t testing.TB, p plan) *rig {
	t.Helper()
	p.slack.RateLimits = !p.unpaced
	if p.now == nil {
		p.now = time.Now
	}
	if p.clocks == nil {
		p.clocks = rightClocks(p.now)
	}
	if p.slack.Date == nil {
		p.slack.Date = p.now
	}
	if _, measures := t.(*testing.B); measures {
		p.sockets = true
	}
	on := p.host()
	p.slack.Listen = on.Listen
	if on.Dial == nil { // in real time
		p.slack.AckLimit, p.slack.TriggerLife = cmp.Or(p.slack.AckLimit, ackLimit), ackLimit
	}
	r := &rig{t: t, host: on, slack: slacksim.New(p.slack), account: runcloudsim.New(runcloudsim.Options{Rules: p.rules, Now: p.now}), ended: make(chan error, 1)}
	slackURL, err := r.slack.Start()
	r.must(err)
	t.Cleanup(r.slack.Close)
	listener, err := on.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	r.account.Serve(listener)
	t.Cleanup(func() { _ = r.account.Close() })
	r.people()
	r.account.SetLatency(p.latency)
	if p.servers >= 0 {
		r.servers = r.account.AddServers(cmp.Or(p.servers, 5))
	}
	if p.client != nil {
		r.client = runcloudsim.New(runcloudsim.Options{Rules: p.rules, Now: p.now, Token: clientToken})
		for i, name := range p.client {
			r.client.AddServer(runcloudsim.Server{Name: name, Address: fmt.Sprintf("198.19.0.%d", i+1), Tags: []string{"theirs"}})
		}
	}
	if p.prepare != nil {
		p.prepare(r)
	}
	if p.database == "" {
		p.database = storetest.EmptyFile(t)
	}
	cfg := r.settings(slackURL, "http://"+listener.Addr().String()+"/api/v3", p.database)
	if p.scalingo {
		r.scalingo, cfg.Scalingo = playScalingo(t, on)
	}
	if p.client != nil {
		cfg.RunClouds = r.accounts(cfg)
	}
	if p.config != nil {
		p.config(&cfg)
	}
	r.clocks, r.log = p.clocks, logTo(os.Getenv("SSHKEYBOT_TEST_LOG"))
	if p.log != nil {
		r.log = newLog("trace", "json", p.log)
	}
	r.build(cfg)
	t.Cleanup(r.stop)
	r.run()
	return r
}

func (r *rig) build(cfg config.Config) {
	r.t.Helper()
	on := r.host
	on.Now, on.Clocks = r.clocks.now, r.clocks.read
	var err error
	r.cfg = cfg
	r.app, err = app.New(r.t.Context(), cfg, r.log, on)
	r.must(err)
}

// Starts starts the bot again, which Ends has ended.
func (r *rig) Starts() {
	r.t.Helper()
	r.must(<-r.ended)
	r.build(r.cfg)
	r.run()
}

// host returns the true time and a network within the process, or the machine's.
func (p plan) host() app.Host {
	if p.sockets || strings.HasPrefix(p.database, "postgres") {
		return app.Host{Now: p.now}.WithDefaults()
	}
	var network memnet.Network
	return app.Host{
		Now: p.now, Dial: network.DialContext, Listen: network.Listen,
		ListenShell: func(path string) (net.Listener, error) { return network.Listen("unix", path) },
	}
}

// playScalingo starts a Scalingo account with an API token that is a day old, and returns it with
// the settings of a bot that may lend it.
func playScalingo(t testing.TB, on app.Host) (*scalingosim.Account, *config.Scalingo) {
	t.Helper()
	account := scalingosim.New(scalingosim.Options{Now: on.Now, Made: on.Now().Add(-24 * time.Hour)})
	listener, err := on.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	account.Serve(listener)
	t.Cleanup(func() { _ = account.Close() })
	return account, &config.Scalingo{Token: config.NewSecret(scalingosim.DefaultToken), AuthURL: "http://" + listener.Addr().String(), Grants: true}
}

// logTo returns a log that discards everything, unless a level is set to search for a fault.
func logTo(level string) *slog.Logger {
	if level == "" {
		return newLog("error", "console", io.Discard)
	}
	return newLog(level, "console", os.Stderr)
}

func (r *rig) run() {
	r.t.Helper()
	ctx, leave := context.WithCancel(context.WithoutCancel(r.t.Context()))
	r.leave = leave
	go func() { r.ended <- r.app.Run(ctx) }()
	r.until("the bot listens to Slack", func() bool { return r.slack.Sockets() > 0 })
}

func (r *rig) stop() {
	r.leave()
	if err := <-r.ended; err != nil {
		r.t.Errorf("the bot ended with: %v", err)
	}
	r.app.Close()
	for _, v := range r.slack.Violations() {
		r.t.Errorf("a rule of Slack's was broken: %+v", v)
	}
}

func (r *rig) people() {
	for id, name := range map[string]string{alice: "Alice Adams", bob: "Bob Brown", carol: "Carol Clark", dave: "Dave Dean", erin: "Erin Evans"} {
		r.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(strings.TrimPrefix(id, "U0")), RealName: name, TZ: "Europe/Berlin"})
	}
	members := []string{alice, bob, carol, dave, erin, r.slack.BotUserID()}
	r.slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Members: members, Bot: true})
	r.slack.AddChannel(slacksim.Channel{ID: news, Name: "news", Members: members, Bot: true})
}

func (r *rig) settings(slackURL, accountURL, database string) config.Config {
	return config.Config{
		Slack:     config.Slack{BotToken: config.NewSecret(r.slack.BotToken()), AppToken: config.NewSecret(r.slack.AppToken()), APIURL: slackURL},
		RunClouds: []config.RunCloud{{Name: "runcloud", Token: config.NewSecret(runcloudsim.DefaultToken), APIURL: accountURL, TemporaryLifetime: 12 * time.Hour}},
		Approvers: []string{bob, carol}, ApprovalChannel: ops, AnnounceChannel: news, Approvals: 1,
		Keep: 400 * 24 * time.Hour, RequestTTL: 8 * time.Hour, MinDuration: time.Second, MaxDuration: 30 * 24 * time.Hour,
		LongGrants: config.LongGrantsRenew, SystemUser: "runcloud", SystemUsers: []string{"runcloud"},
		OffboardDeactivated: config.OffboardDeactivatedRun, DatabaseURL: config.NewSecret(database), Concurrency: 16,
	}
}

// web returns an HTTP client in the rig's network.
func (r *rig) web() *http.Client { return &http.Client{Transport: r.host.Transport()} }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// until waits for a condition that other goroutines or processes bring about.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !cond() {
		select {
		case <-ticker.C:
		case <-deadline:
			r.t.Fatalf("after %s this is still not so: %s\n%s", patience, what, r.everything())
		}
	}
}

// onBoth runs a test on SQLite, in a bubble of synctest, and if there is one on PostgreSQL, in
// real time: who waits for a real connection keeps the time of a bubble from passing.
func onBoth(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, "") })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := postgres(t)
		live(t)
		test(t, database)
	})
}

// onBothLive is onBoth in real time, for tests with other processes.
func onBothLive(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		live(t)
		test(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := postgres(t)
		live(t)
		test(t, database)
	})
}

// stages is a semaphore for the stories in real time: more of them at the same time would only be late.
var stages = make(chan struct{}, 8)

// live waits until few enough other stories are told in real time.
func live(t *testing.T) {
	stages <- struct{}{}
	t.Cleanup(func() { <-stages })
}

// postgres returns the URL of an empty schema that is dropped after the test.
func postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("SSHKEYBOT_TEST_POSTGRES")
	if server == "" {
		t.Skip(`set SSHKEYBOT_TEST_POSTGRES to a postgres:// URL to run this test: eval "$(.ci/postgres start)"`)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	onServer(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { onServer(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

func onServer(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
