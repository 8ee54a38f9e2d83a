package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/play"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

const (
	scriptServers = 25
	scriptLimit   = 90 * time.Second // for accounts of hundreds of servers
	scriptWidth   = 96
)

// tellScript prints a story of people who ask and approve, as they see it.
func tellScript(ctx context.Context, on app.Host, servers int, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, scriptLimit)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	out = cancelOnError{out, end}
	dir, err := os.MkdirTemp("", "sshkeybot-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	world, err := play.Open(play.Options{Host: on, Servers: servers, Dir: dir})
	if err != nil {
		return err
	}
	s := &stage{newStory(out), world}
	s.RunCloud.SetLatency(50 * time.Millisecond)
	addFaults(s.RunCloud)
	err = s.Start(ctx, slog.New(slog.DiscardHandler))
	if err == nil {
		err = s.play(ctx)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return errors.Join(err, s.Close())
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

// stage is the played world, and what is told of it.
type stage struct {
	story
	*play.World
}

// addFaults gives some servers the troubles that servers have: one is offline, one refuses
// keys for good, and three fail once.
func addFaults(account *runcloudsim.Account) {
	servers := account.Servers()
	for i, rule := range []runcloudsim.FaultRule{
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is unauthorized."},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultHTML, Status: 502, Times: 1},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultDrop, After: true, Times: 1},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultTooMany, RetryAfter: time.Second, Times: 1},
	} {
		if at := 3 + 5*i; at < len(servers) {
			rule.Server = servers[at].ID
			account.Fault(rule)
		}
	}
	if len(servers) > 7 {
		account.SetOnline(servers[7].ID, false)
	}
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
	s.shows(s.Slack.RenderThread(play.Ops, request.TS, s.viewer("Europe/Lisbon")))
	for _, message := range s.Slack.DMs(play.Alice) {
		s.says("Direct message to Alice")
		s.shows(s.Slack.Render(message, s.viewer("Europe/Lisbon")))
	}
	return s.checkServers(ctx)
}

// approves waits for a request, and has Bob approve it.
func (s *stage) approves(ctx context.Context, id int64) (slacksim.Message, error) {
	request, err := s.Posted(ctx, fmt.Sprintf("Request %d:", id))
	if err != nil {
		return request, err
	}
	s.says("#ops, as Bob sees it")
	s.shows(s.Slack.Render(request, s.viewer("Europe/Berlin")))
	s.says("Bob presses Approve")
	outcome, err := s.Slack.Click(ctx, play.Bob, play.Ops, request.TS, slacksim.Pick{Label: "Approve"})
	if err == nil && !outcome.Acked {
		err = errors.New("the click was not acknowledged")
	}
	return request, err
}

// types has Alice give a command, and prints the private answer.
func (s *stage) types(ctx context.Context, text string) error {
	s.says("Alice types")
	s.shows("/sshkey " + text)
	before := len(s.Slack.Ephemeral(play.Alice))
	outcome, err := s.Slack.Command(ctx, play.Alice, play.Ops, "/sshkey "+text)
	if err != nil {
		return err
	}
	if !outcome.Acked {
		return fmt.Errorf("the command was not acknowledged: %s", outcome.Error)
	}
	err = s.Slack.Wait(ctx, func(w *slacksim.Workspace) bool { return len(w.Ephemeral(play.Alice)) > before })
	if err != nil {
		return err
	}
	s.says(fmt.Sprintf("Only Alice sees, after %s", outcome.Latency.Round(time.Millisecond)))
	for _, message := range s.Slack.Ephemeral(play.Alice)[before:] {
		s.shows(s.Slack.Render(message, s.viewer("Europe/Lisbon")))
	}
	return nil
}

// finished waits until a request is as it will be for a while, and Slack shows it.
func (s *stage) finished(ctx context.Context, id int64, is func(workflow.RequestView) bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		view, err := s.App().Service.View(ctx, id)
		if err != nil {
			return err
		}
		shown, err := delivery.Shown(ctx, s.App().Store.Outbox(), id)
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
	view, err := s.App().Service.View(ctx, 1)
	if err != nil {
		return err
	}
	have, err := compare(view.Results, s.RunCloud)
	s.says("What the servers say")
	s.shows(fmt.Sprintf("%d of %d servers have the key, each exactly once; %d calls to RunCloud.", have, len(view.Results), s.RunCloud.Count(runcloudsim.OpAny)))
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
