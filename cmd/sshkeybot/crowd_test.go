package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// Twenty clicks at the same time: four each by three approvers, by an approver who asked, and
// by somebody who is no approver.
func TestManyClicksOneDecision(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database, config: func(c *config.Config) { c.Approvers = []string{alice, bob, carol, erin} }})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		people := []string{alice, bob, carol, dave, erin}
		before := map[string]int{}
		for _, user := range people {
			before[user] = len(r.private(user))
		}
		r.clickAtOnce(r.Posted(id), people, 4)
		answers := map[string][]string{}
		for _, user := range people {
			r.until(user+" has four answers", func() bool { return len(r.private(user)) >= before[user]+4 })
			for _, m := range r.private(user)[before[user]:] {
				answers[user] = append(answers[user], m.Text)
			}
		}
		v := r.Settled(id)
		r.checkAnswers(v, answers)
		r.isOn(key, len(r.servers))
		if len(v.Approvals) != 1 || r.audited("request.approved") != 1 || r.audited("grant.start") != 1 {
			t.Errorf("%d approvals, %d decisions, %d grants, want one each", len(v.Approvals), r.audited("request.approved"), r.audited("grant.start"))
		}
		if n := r.account.Count(runcloudsim.OpCreate); n != len(r.servers) {
			t.Errorf("%d keys were placed on %d servers", n, len(r.servers))
		}
	})
}

func (r *rig) clickAtOnce(m slacksim.Message, people []string, each int) {
	r.t.Helper()
	var clicks sync.WaitGroup
	ready := make(chan struct{})
	for range each {
		for _, user := range people {
			clicks.Go(func() {
				<-ready
				outcome, err := r.slack.ClickStale(r.t.Context(), user, m.Channel, m.TS, slacksim.Pick{Label: "Approve"})
				if err != nil || !outcome.Acked {
					r.t.Errorf("a click by %s: %+v %v", user, outcome, err)
				}
			})
		}
	}
	close(ready)
	clicks.Wait()
}

func (r *rig) checkAnswers(v workflow.RequestView, answers map[string][]string) {
	r.t.Helper()
	won := 0
	for user, texts := range answers {
		for _, text := range texts {
			switch {
			case user == dave:
				r.says(text, "Only an approver may do this.")
			case user == alice:
				r.says(text, "You asked for this yourself, so another approver has to decide it.")
			case strings.HasPrefix(text, "You approved request"):
				won++
			default:
				r.says(text, "This has been approved already. That was by <@"+string(v.Request.DecidedBy)+">, <!date^")
			}
		}
	}
	if won != 1 {
		r.t.Errorf("%d clicks were told that they decided, want 1", won)
	}
}

// audited returns the number of events with that action in the audit log.
func (r *rig) audited(action string) (n int) {
	r.t.Helper()
	events, err := r.app.Store.Events(r.t.Context(), 0, 10_000)
	r.must(err)
	for _, e := range events {
		if string(e.Action) == action {
			n++
		}
	}
	return n
}

// Two hundred commands by twenty people within two seconds. Slack sets no rate limits here: it lets
// the bot look up only some hundred people a minute.
const (
	rushPeople = 20
	rushEach   = 10
	rushWithin = 2 * time.Second
)

func TestRushOfCommands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{unpaced: true, prepare: func(r *rig) { r.addCrowd(rushPeople) }})
		for i := range rushPeople {
			r.Register(crowd(i))
		}
		r.rush()
		numbers := map[int64]bool{}
		for i := range rushPeople {
			r.until(crowd(i)+" has all answers", func() bool { return len(r.private(crowd(i))) > rushEach })
			for _, m := range r.private(crowd(i))[1:] {
				numbers[r.numberIn(m.Text)] = true
			}
		}
		if len(numbers) != rushPeople*rushEach {
			t.Errorf("%d requests were answered, want %d", len(numbers), rushPeople*rushEach)
		}
		stored := map[string]bool{}
		for _, v := range r.pending() {
			stored[v.Request.Reason] = true
		}
		if len(stored) != rushPeople*rushEach {
			t.Errorf("%d of %d requests are in the ledger", len(stored), rushPeople*rushEach)
		}
	})
}

// BenchmarkRush measures how long Slack waits for the acknowledgements in that rush.
func BenchmarkRush(b *testing.B) {
	for b.Loop() {
		r := start(b, plan{unpaced: true, prepare: func(r *rig) { r.addCrowd(rushPeople) }})
		f := figures{}
		f.spread("command", r.rush())
		for unit, n := range f {
			b.ReportMetric(n, unit)
		}
	}
}

// addCrowd adds people to the workspace and to the channel.
func (r *rig) addCrowd(people int) {
	members := []string{bob, r.slack.BotUserID()}
	for i := range people {
		r.slack.AddUser(slacksim.User{ID: crowd(i), Name: fmt.Sprintf("crowd%d", i), RealName: "One of many"})
		members = append(members, crowd(i))
	}
	r.slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Members: members})
}

func crowd(i int) string { return fmt.Sprintf("U0CROWD%02d", i) }

// rush gives commands, spread evenly over the time, without waiting for answers. It returns how
// long each acknowledgement took.
func (r *rig) rush() []time.Duration {
	r.t.Helper()
	var mu sync.Mutex
	var latencies []time.Duration
	var commands sync.WaitGroup
	pace := time.NewTicker(rushWithin / (rushPeople * rushEach))
	defer pace.Stop()
	for n := range rushPeople * rushEach {
		<-pace.C
		commands.Go(func() {
			user := crowd(n % rushPeople)
			outcome, err := r.slack.Command(r.t.Context(), user, ops, fmt.Sprintf("/sshkey grant <@%s> 1h for rush %d", user, n))
			if err != nil || !outcome.Acked {
				r.t.Errorf("command %d: %+v %v", n, outcome, err)
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, outcome.Latency)
		})
	}
	commands.Wait()
	return latencies
}
