package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// Two more channels with the same members.
const (
	dev  = "C0DEV"
	calm = "C0CALM"
)

// whereAsked has every request posted in the channel where it was made.
func whereAsked(c *config.Config) { c.ApprovalChannel = "" }

func moreChannels(r *rig) {
	for id, name := range map[string]string{dev: "dev", calm: "calm"} {
		r.slack.AddChannel(slacksim.Channel{ID: id, Name: name, Members: []string{alice, bob, carol, dave, erin}, Bot: true})
	}
}

// TypesIn is Types in another channel. It also returns the time until the answer is shown.
func (r *rig) TypesIn(channel, user, text string) (answer string, took time.Duration) {
	r.t.Helper()
	began, before := time.Now(), len(r.private(user))
	outcome, err := r.slack.Command(r.t.Context(), user, channel, "/sshkey "+text)
	r.must(err)
	r.acked(outcome.Outcome)
	answer = r.answer(user, before)
	return answer, time.Since(began)
}

// tooFast returns the number of calls that Slack refused because of a rate limit.
func (r *rig) tooFast() (n int) {
	for _, c := range r.slack.Calls() {
		if c.Status == http.StatusTooManyRequests {
			r.t.Logf("too fast: %s %s", c.Method, c.Channel)
			n++
		}
	}
	return n
}

// Three people are granted access to 500 servers each at the same time, two of them in one
// channel.
func TestThreeGrantsOnFiveHundredServers(t *testing.T) {
	t.Parallel()
	if withRace {
		t.Skip("it is about size: under the race detector it takes minutes, and the other tests run the same paths")
	}
	synctest.Test(t, func(t *testing.T) {
		const servers = 500
		r := start(t, plan{
			servers: servers,
			config:  func(c *config.Config) { whereAsked(c); c.Approvers = append(c.Approvers, "S0LEADS") },
			prepare: func(r *rig) { moreChannels(r); r.slack.AddUserGroup("S0LEADS", "leads", bob, carol, dave) },
		})
		var ids []int64
		for user, channel := range map[string]string{alice: ops, dave: ops, erin: dev} {
			r.Register(user)
			answer, _ := r.TypesIn(channel, user, fmt.Sprintf("grant <@%s> 1h", user))
			ids = append(ids, r.numberIn(answer))
		}
		var posted []slacksim.Message
		for _, id := range ids {
			posted = append(posted, r.Posted(id))
		}
		began := time.Now()
		var decided sync.WaitGroup
		for _, m := range posted {
			decided.Go(func() { r.clicksOn(bob, m, "Approve") })
		}
		decided.Wait()
		lists := r.listsMeanwhile(ids)
		for _, id := range ids {
			r.Settled(id)
		}
		took := time.Since(began)
		slices.Sort(lists)
		t.Logf("Slack showed all %d results %s after the approvals; %d lists meanwhile: median %s, longest %s",
			len(ids)*servers, took.Round(100*time.Millisecond), len(lists), lists[len(lists)/2], lists[len(lists)-1])
		for _, id := range ids {
			r.toldWhole(id, servers)
		}
		if n := r.tooFast(); n > 3 {
			t.Errorf("Slack refused %d calls for haste", n)
		}
		if two, one := len(r.slack.Files(ops)), len(r.slack.Files(dev)); two != 2 || one != 1 {
			t.Errorf("%d and %d complete lists are attached, want 2 and 1", two, one)
		}
	})
}

// clicks presses a button without waiting for the answer.
func (r *rig) clicks(user string, id int64, label string) slacksim.Outcome {
	r.t.Helper()
	return r.clicksOn(user, r.Posted(id), label)
}

func (r *rig) clicksOn(user string, m slacksim.Message, label string) slacksim.Outcome {
	r.t.Helper()
	outcome, err := r.slack.ClickStale(r.t.Context(), user, m.Channel, m.TS, slacksim.Pick{Label: label})
	if err != nil {
		r.t.Error(err)
	}
	return outcome
}

// listsMeanwhile asks for lists in a third channel, and for one more request there, until the
// results of these requests will not change soon. It returns how long the answers took.
func (r *rig) listsMeanwhile(ids []int64) (took []time.Duration) {
	r.t.Helper()
	answer, answered := r.TypesIn(calm, carol, "grant <@"+alice+"> 5m on web-*")
	began := time.Now()
	r.Posted(r.numberIn(answer))
	r.t.Logf("a request in a calm channel meanwhile: answered after %s, posted %s later", answered, time.Since(began))
	busy := func(id int64) bool { return !rests(r.view(id).Results) || !r.drawn(id) }
	if !slices.ContainsFunc(ids, busy) {
		r.t.Errorf("a request in a calm channel had to wait until the big ones were shown")
	}
	pace := time.NewTicker(2 * time.Second) // as often as a person would
	defer pace.Stop()
	for len(took) == 0 || slices.ContainsFunc(ids, busy) && time.Since(began) < patience {
		text, d := r.TypesIn(calm, carol, "list")
		r.says(text, "<@"+alice+">")
		took = append(took, d)
		<-pace.C
	}
	return took
}

// toldWhole fails the test unless the thread of a request names every server once, and its
// message says that all is done.
func (r *rig) toldWhole(id int64, servers int) {
	r.t.Helper()
	r.says(r.Message(id), fmt.Sprintf("*Granted* on %d of %d servers", servers, servers))
	thread := r.Thread(id)
	for _, server := range r.servers {
		if n := strings.Count(thread, "`"+r.nameOf(server)+"`"); n != 1 {
			r.t.Errorf("%s is %d times in the thread of request %d, want once\n%s", r.nameOf(server), n, id, thread)
			return
		}
	}
}

// One grant is on 2,000 servers, a tenth of which refuse with many words. Every server is named in the thread
// or in the complete list, Slack refuses nothing, and it shows the last word soon after the last result.
func TestGrantOnTwoThousandServersOfWhichSomeFail(t *testing.T) {
	t.Parallel()
	if withRace {
		t.Skip("it is about size: under the race detector it takes minutes, and the other tests run the same paths")
	}
	servers := 2000
	if testing.Short() {
		servers = 300
	}
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: servers, latency: 5 * time.Millisecond})
		failing := map[string]bool{}
		for i, server := range r.servers {
			if i%10 == 3 {
				failing[r.nameOf(server)] = true
				words := fmt.Sprintf("<!channel> The firewall of rack %d *refuses* `it` & says so: %s", i, strings.Repeat("no room is left for one more key; ", 30))
				r.account.Fault(runcloudsim.FaultRule{Server: server, Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultStatus, Status: http.StatusUnprocessableEntity, Message: words})
			}
		}
		r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.until("every result stands", func() bool {
			v := r.view(id)
			return len(v.Results) >= servers && rests(v.Results)
		})
		stood := time.Now()
		r.until("Slack shows the last word", func() bool { return r.drawn(id) })
		took := time.Since(stood)
		t.Logf("Slack showed all of %d results %s after the last of them", servers, took.Round(100*time.Millisecond))
		if took > time.Minute {
			t.Errorf("the last word came %s after the last result", took)
		}
		r.says(r.Message(id), fmt.Sprintf("%d failed; the thread says more.", len(failing)))
		r.namesAll(id, failing)
		if n := r.tooFast(); n > 3 {
			t.Errorf("Slack refused %d calls for haste", n)
		}
	})
}

// namesAll fails the test unless the thread names every server once, those that fail with a reason, and the list
// that is attached has a line for each.
func (r *rig) namesAll(id int64, failing map[string]bool) {
	r.t.Helper()
	thread, files := r.Thread(id), r.slack.Files(ops)
	if len(files) == 0 {
		r.t.Fatal("no list is attached")
	}
	list := string(files[len(files)-1].Content)
	for _, server := range r.account.Servers() {
		named, reason := strings.Count(thread, "`"+server.Name+"`"), strings.Contains(thread, "`"+server.Name+"`: ")
		if listed := strings.Count(list, "\n\""+server.Name+"\","); named != 1 || listed != 1 || reason != failing[server.Name] {
			r.t.Errorf("%s is named %d times in the thread, with a reason: %t, and %d times in the list", server.Name, named, reason, listed)
		}
	}
}
