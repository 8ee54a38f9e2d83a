package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

const (
	demoServers = 25
	demoLimit   = 90 * time.Second // for accounts of hundreds of servers
	demoWidth   = 96
)

// The people and the channel of the demo.
const (
	demoAlice   = "U0ALICE"
	demoBob     = "U0BOB"
	demoChannel = "C0OPS"
)

func demoCommand() *cobra.Command {
	var servers int
	cmd := &cobra.Command{
		Use: "demo", Short: "Show the whole thing on this machine, with nothing to set up", Args: noArguments,
		Long: "Plays a Slack workspace, a RunCloud account, a Scalingo account and an Octopus Deploy on this\n" +
			"machine, some servers ill, runs the real bot between them, lets people ask and approve, and\n" +
			"prints what they see.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if servers < 1 || servers > 2000 {
				return usageError{errors.New("--servers takes a number from 1 to 2000")}
			}
			err := demo(cmd.Context(), app.Host{Now: time.Now}, servers, cmd.OutOrStdout())
			if cmd.Context().Err() != nil || errors.Is(err, syscall.EPIPE) {
				return nil //nolint:nilerr // told to stop, or the reader of the output is gone
			}
			return err
		},
	}
	cmd.Flags().IntVar(&servers, "servers", demoServers, "how many servers the played account has")
	return cmd
}

func demo(ctx context.Context, on app.Host, servers int, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	out = cancelOnError{out, end}
	dir, err := os.MkdirTemp("", "sshkeybot-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := newStage(on, out)
	err = s.open(ctx, servers, filepath.Join(dir, "demo.db"))
	if err == nil {
		err = s.play(ctx)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return errors.Join(err, s.close())
}

// cancelOnError is a writer that cancels a context when it cannot write: the reader of the
// demo is gone.
type cancelOnError struct {
	io.Writer
	end context.CancelCauseFunc
}

func (w cancelOnError) Write(text []byte) (int, error) {
	n, err := w.Writer.Write(text)
	if err != nil {
		w.end(err)
	}
	return n, err
}

// stage is the simulated services of the demo, and the bot that runs with them.
type stage struct {
	story
	host     app.Host
	slack    *slacksim.Workspace
	account  *runcloudsim.Account
	scalingo *scalingosim.Account
	octopus  *octopussim.Server
	deploys  func() error // ends octopus
	app      *app.App
	ended    chan error
	leave    context.CancelFunc
}

func newStage(on app.Host, out io.Writer) *stage {
	on = on.WithDefaults()
	return &stage{
		story: newStory(out), host: on, slack: slacksim.New(slacksim.Options{RateLimits: true, Listen: on.Listen}), account: runcloudsim.New(runcloudsim.Options{}),
		scalingo: scalingosim.New(scalingosim.Options{Made: time.Now().Add(-24 * time.Hour)}), ended: make(chan error, 1),
	}
}

// open starts the services and the bot. close must be called even if it fails.
func (s *stage) open(ctx context.Context, servers int, database string) error {
	slackURL, err := s.slack.Start()
	if err != nil {
		return err
	}
	accountURL, err := s.serve(s.account.Serve)
	if err != nil {
		return err
	}
	scalingoURL, err := s.serve(s.scalingo.Serve)
	if err != nil {
		return err
	}
	octopusURL, err := s.serve(s.playOctopus)
	if err != nil {
		return err
	}
	s.slack.AddUser(slacksim.User{ID: demoCarol, Name: "carol", RealName: "Carol Clark", TZ: "America/New_York"})
	s.slack.AddUser(slacksim.User{ID: demoAlice, Name: "alice", RealName: "Alice Adams", TZ: "Europe/Lisbon"})
	s.slack.AddUser(slacksim.User{ID: demoBob, Name: "bob", RealName: "Bob Brown", TZ: "Europe/Berlin"})
	s.slack.AddChannel(slacksim.Channel{ID: demoChannel, Name: "ops", Members: []string{demoAlice, demoBob, demoCarol, s.slack.BotUserID()}})
	s.account.SetLatency(50 * time.Millisecond)
	addFaults(s.account, s.account.AddServers(servers))
	cfg := demoConfig(s.slack, slackURL, accountURL+"/api/v3", octopusURL, database)
	cfg.Scalingo = &config.Scalingo{Token: config.NewSecret(scalingosim.DefaultToken), AuthURL: scalingoURL, Grants: true}
	s.app, err = app.New(ctx, cfg, slog.New(slog.DiscardHandler), s.host)
	if err != nil {
		return err
	}
	running, leave := context.WithCancel(ctx)
	s.leave = leave
	go func() { s.ended <- s.app.Run(running) }()
	return s.slack.Wait(ctx, func(w *slacksim.Workspace) bool { return w.Sockets() > 0 })
}

// serve has a service take the connections of a new listener, and returns its address.
func (s *stage) serve(service func(net.Listener)) (address string, err error) {
	listener, err := s.host.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	service(listener)
	return "http://" + listener.Addr().String(), nil
}

// addFaults gives some servers the troubles that servers have: one is offline, one refuses
// keys for good, and three fail once.
func addFaults(account *runcloudsim.Account, servers []int64) {
	for i, rule := range []runcloudsim.FaultRule{
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is unauthorized."},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultHTML, Status: 502, Times: 1},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultDrop, After: true, Times: 1},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultTooMany, RetryAfter: time.Second, Times: 1},
	} {
		if at := 3 + 5*i; at < len(servers) {
			rule.Server = servers[at]
			account.Fault(rule)
		}
	}
	if len(servers) > 7 {
		account.SetOnline(servers[7], false)
	}
}

func demoConfig(slack *slacksim.Workspace, slackURL, accountURL, octopusURL, database string) config.Config {
	return config.Config{
		Slack:     config.Slack{BotToken: config.NewSecret(slack.BotToken()), AppToken: config.NewSecret(slack.AppToken()), APIURL: slackURL},
		RunCloud:  config.RunCloud{Token: config.NewSecret(runcloudsim.DefaultToken), APIURL: accountURL, TemporaryLifetime: 12 * time.Hour},
		Octopus:   &config.Octopus{URL: octopusURL, APIKey: config.NewSecret(octopussim.DefaultKey)},
		Approvers: []string{demoBob, demoCarol}, ApprovalChannel: demoChannel, AnnounceChannel: demoChannel, Approvals: 1,
		Keep: 400 * 24 * time.Hour, RequestTTL: 8 * time.Hour, MinDuration: 5 * time.Minute, MaxDuration: 30 * 24 * time.Hour,
		LongGrants: config.LongGrantsRenew, SystemUser: "runcloud", SystemUsers: []string{"runcloud"},
		OffboardDeactivated: config.OffboardDeactivatedRun, DatabaseURL: config.NewSecret("sqlite:" + database), Concurrency: 16,
	}
}

// close stops the bot and the services, and returns their errors.
func (s *stage) close() (err error) {
	if s.app != nil {
		s.leave()
		err = <-s.ended
		s.app.Close()
	}
	if s.deploys != nil {
		err = errors.Join(err, s.deploys())
	}
	s.slack.Close()
	return errors.Join(err, s.account.Close(), s.scalingo.Close())
}

// play has Alice ask for the servers and for the account, and Bob for another key of Octopus Deploy's, and prints what
// people see.
func (s *stage) play(ctx context.Context) error {
	key, _, err := sshkey.Generate()
	if err != nil {
		return err
	}
	if err := s.types(ctx, "register "+key.Line("alice laptop")); err != nil {
		return err
	}
	if err := s.lendsServers(ctx); err != nil {
		return err
	}
	if err := s.lendsAccount(ctx, key); err != nil {
		return err
	}
	return s.playRotation(ctx, 3)
}

// lendsServers has Alice ask for all servers and Bob approve.
func (s *stage) lendsServers(ctx context.Context) error {
	if err := s.types(ctx, "grant @alice 12h for the release of 4.2"); err != nil {
		return err
	}
	request, err := s.approves(ctx, 1)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.finished(ctx, 1, atRest); err != nil {
		return err
	}
	s.says(fmt.Sprintf("#ops, %s later, as Alice sees it", time.Since(begin).Round(100*time.Millisecond)))
	s.shows(s.slack.RenderThread(demoChannel, request.TS, s.viewer("Europe/Lisbon")))
	for _, message := range s.slack.DMs(demoAlice) {
		s.says("Direct message to Alice")
		s.shows(s.slack.Render(message, s.viewer("Europe/Lisbon")))
	}
	return s.checkServers(ctx)
}

// approves waits for a request, and has Bob approve it.
func (s *stage) approves(ctx context.Context, id int64) (slacksim.Message, error) {
	request, err := s.request(ctx, id)
	if err != nil {
		return request, err
	}
	s.says("#ops, as Bob sees it")
	s.shows(s.slack.Render(request, s.viewer("Europe/Berlin")))
	s.says("Bob presses Approve")
	outcome, err := s.slack.Click(ctx, demoBob, demoChannel, request.TS, slacksim.Pick{Label: "Approve"})
	if err == nil && !outcome.Acked {
		err = errors.New("the click was not acknowledged")
	}
	return request, err
}

// types has Alice give a command, and prints the private answer.
func (s *stage) types(ctx context.Context, text string) error {
	s.says("Alice types")
	s.shows("/sshkey " + text)
	before := len(s.slack.Ephemeral(demoAlice))
	outcome, err := s.slack.Command(ctx, demoAlice, demoChannel, "/sshkey "+text)
	if err != nil {
		return err
	}
	if !outcome.Acked {
		return fmt.Errorf("the command was not acknowledged: %s", outcome.Error)
	}
	err = s.slack.Wait(ctx, func(w *slacksim.Workspace) bool { return len(w.Ephemeral(demoAlice)) > before })
	if err != nil {
		return err
	}
	s.says(fmt.Sprintf("Only Alice sees, after %s", outcome.Latency.Round(time.Millisecond)))
	for _, message := range s.slack.Ephemeral(demoAlice)[before:] {
		s.shows(s.slack.Render(message, s.viewer("Europe/Lisbon")))
	}
	return nil
}

// request waits for the message of a request.
func (s *stage) request(ctx context.Context, id int64) (found slacksim.Message, err error) {
	isIt := func(m slacksim.Message) bool { return strings.HasPrefix(m.Text, fmt.Sprintf("Request %d:", id)) }
	err = s.slack.Wait(ctx, func(w *slacksim.Workspace) bool {
		all := w.Messages(demoChannel)
		i := slices.IndexFunc(all, isIt)
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found, err
}

// finished waits until a request is as it will be for a while, and Slack shows it.
func (s *stage) finished(ctx context.Context, id int64, is func(workflow.RequestView) bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		view, err := s.app.Service.View(ctx, id)
		if err != nil {
			return err
		}
		shown, err := delivery.Shown(ctx, s.app.Store.Outbox(), id)
		if err != nil || shown && is(view) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// atRest reports whether every server has a result that will not change soon.
func atRest(v workflow.RequestView) bool {
	for _, r := range v.Results {
		if !r.State.Final() && r.State != access.Failed && r.Problem != access.ProblemOffline {
			return false
		}
	}
	return len(v.Results) > 0
}

// checkServers prints how many servers have the key, and returns an error if those are others
// than Slack shows.
func (s *stage) checkServers(ctx context.Context) error {
	view, err := s.app.Service.View(ctx, 1)
	if err != nil {
		return err
	}
	have, err := compare(view.Results, s.account)
	s.says("What the servers say")
	s.shows(fmt.Sprintf("%d of %d servers have the key, each exactly once; %d calls to RunCloud.", have, len(view.Results), s.account.Count(runcloudsim.OpAny)))
	return err
}

// compare returns how many keys the servers have. The error is about servers that have another
// number of keys than their result says.
func compare(said []access.Result, account *runcloudsim.Account) (have int, err error) {
	ids := map[string]int64{}
	for _, server := range account.Servers() {
		ids[server.Name] = server.ID
	}
	for _, r := range said {
		keys, want := len(account.Keys(ids[r.ServerName])), 0
		if r.State == access.Done {
			want = 1
		}
		if keys != want {
			err = errors.Join(err, fmt.Errorf("%s is %q, and the server has %d keys", r.ServerName, r.State, keys))
		}
		have += keys
	}
	return have, err
}
