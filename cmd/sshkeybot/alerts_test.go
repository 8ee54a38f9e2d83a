package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// fault is something that goes wrong, and the alerts that then fire; no others do.
type fault struct {
	fires []string
	plan  plan
	does  func(r *rig, clock *jumpClock) // returns when the metrics show it
}

// faults has every alert at least once.
var faults = map[string]fault{ //nolint:gochecknoglobals // a constant
	"nothing": {does: func(r *rig, clock *jumpClock) { // but the ends of everyday, and a restart
		id := r.lends()
		r.Ends()
		r.Starts()
		clock.reach(r.view(id).Grant.EndsAt)
		r.When(id, "the access has ended", ended)
	}},
	"the bot has ended": {fires: []string{"SshkeybotDown"}, does: func(r *rig, _ *jumpClock) { r.Ends() }},
	"a server refuses removals": {fires: []string{"SshkeybotRemovalOwed"}, does: func(r *rig, clock *jumpClock) {
		r.account.Fault(runcloudsim.FaultRule{Server: r.servers[0], Op: runcloudsim.OpDelete, Status: 422})
		id := r.lends()
		clock.reach(r.view(id).Grant.EndsAt)
		r.When(id, "the access has ended", func(v workflow.RequestView) bool { return v.Grant.State == "ended" })
		clock.jump(11 * time.Minute)
		r.shows("sshkeybot_removals_owed 1\n", `outcome="failed",phase="remove",problem="refused"`)
	}},
	"it was down when access had to end": {fires: []string{"SshkeybotEndedLate"}, does: func(r *rig, clock *jumpClock) {
		end := r.view(r.lends()).Grant.EndsAt
		r.Ends()
		clock.reach(end.Add(2 * time.Minute))
		r.Starts()
		r.shows("sshkeybot_grant_end_lateness_seconds_count 1\n", `sshkeybot_grant_end_lateness_seconds_bucket{le="60"} 0`)
	}},
	"the token is revoked": {fires: []string{"SshkeybotTargetHalted"}, does: func(r *rig, _ *jumpClock) {
		r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.account.SetToken("another")
		r.Press(bob, id, "Approve")
		r.shows(`sshkeybot_target_halted{target="runcloud"} 1`)
	}},
	"Slack is away": {fires: []string{"SshkeybotSlackAway", "SshkeybotOutboxLag"}, does: func(r *rig, clock *jumpClock) {
		id := r.lends()
		r.must(r.slack.Outage(slacksim.Unavailable))
		clock.reach(r.view(id).Grant.EndsAt)
		r.until("the access has ended", func() bool { return ended(r.view(id)) })
		clock.jump(11 * time.Minute)
		r.shows("sshkeybot_slack_connected 0\n", "sshkeybot_slack_sockets 0\n", "sshkeybot_removals_owed 0\n")
	}},
	"Slack does not say who somebody is": {fires: []string{"SshkeybotInboxLag"}, does: func(r *rig, clock *jumpClock) {
		r.slack.Fail("users.info", slices.Repeat([]slacksim.Fault{{Error: "internal_error"}}, 1000)...)
		if _, err := r.slack.Command(r.t.Context(), dave, ops, "/sshkey grant @erin 1h"); err != nil {
			r.t.Error(err)
		}
		r.shows("sshkeybot_inbox_waiting 1\n")
		clock.jump(3 * time.Minute)
	}},
	"most calls are used":     {fires: []string{"SshkeybotQuotaLow"}, plan: plan{config: quota}, does: func(r *rig, _ *jumpClock) { r.calls(850) }},
	"hardly any call is left": {fires: []string{"SshkeybotQuotaLow", "SshkeybotQuotaUsedUp"}, plan: plan{config: quota}, does: func(r *rig, _ *jumpClock) { r.calls(960) }},
	"keys of a leaver are undecided": {fires: []string{"SshkeybotKeysUndecided"}, does: func(r *rig, clock *jumpClock) {
		r.RegisterKey(alice, ecdsaKeyOf(r.t, "alice@laptop"))
		r.account.AddKey(r.servers[0], runcloudsim.Credential{Label: "colleague", User: "runcloud", PublicKey: ecdsaKeyOf(r.t, "colleague")})
		id := r.numberOf(r.Types(bob, "offboard @alice"))
		r.PressPrivate(bob, r.confirmButton(bob))
		r.When(id, "every server is read", func(v workflow.RequestView) bool { return v.Settled() && v.Undecided() == 1 })
		clock.jump(73 * time.Hour)
	}},
	"the disk is full": {fires: []string{"SshkeybotGrantOverdue", "SshkeybotLedgerNotWritable", "SshkeybotNotSweeping", "SshkeybotRemovalOwed", "SshkeybotOutboxLag"}},
}

func quota(c *config.Config) { c.RunClouds[0].MonthlyQuota = 1000 }

// calls counts calls to RunCloud as another replica does.
func (r *rig) calls(n int) {
	r.t.Helper()
	r.must(r.app.Service.Engine.CountCalls(r.t.Context(), "runcloud", n))
	r.shows(`sshkeybot_target_calls_monthly_quota{target="runcloud"} 1000`)
}

// diskFull is what «the disk is full» does.
func diskFull(fill func()) func(r *rig, clock *jumpClock) {
	return func(r *rig, clock *jumpClock) {
		end := r.view(r.lends()).Grant.EndsAt
		fill()
		clock.reach(end.Add(11 * time.Minute))
		r.until("nothing is swept", func() bool { return r.value("sshkeybot_sweep_age_seconds") > 60 })
		r.shows("sshkeybot_grants_overdue 1\n", "sshkeybot_ledger_writable 0\n", "sshkeybot_ledger_readable 1\n", "sshkeybot_removals_owed 5\n")
	}
}

// Each alert fires in a fault that is played, as Prometheus's own judge sees it: what the bot shows
// before and in the fault is scraped, and lasts as long as the alert asks.
func TestAlerts(t *testing.T) {
	t.Parallel()
	needsPromtool(t)
	var covered []string
	for name, f := range faults {
		covered = append(covered, f.fires...)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := f
			if f.does == nil {
				dir, fill, _ := smallDisk(t)
				f.plan.database, f.does = "sqlite:"+filepath.Join(dir, "ledger.db"), diskFull(fill)
			}
			var before, during series
			synctest.Test(t, func(t *testing.T) { before, during = playFault(t, f) })
			judge(t, f.fires, before, during)
		})
	}
	for _, rule := range alertRules(t) {
		if !slices.Contains(covered, rule.Alert) {
			t.Errorf("%s fires in no fault that is played", rule.Alert)
		}
	}
}

// What an alert quotes is a message of the log, as its page describes it, or a button.
func TestAlertsQuoteWhatThereIs(t *testing.T) {
	t.Parallel()
	known := contentOf(t, "../../docs/logs.md") + "`gone for good`"
	quotes := regexp.MustCompile(`«(.*?)»`).FindAllStringSubmatch(strings.Join(strings.Fields(contentOf(t, alertsFile)), " "), -1)
	if len(quotes) == 0 {
		t.Error("no alert quotes anything")
	}
	for _, quote := range quotes {
		if !strings.Contains(known, "`"+quote[1]+"`") {
			t.Errorf("there is no message «%s»", quote[1])
		}
	}
}

// playFault returns what the metrics show when all is well, and in the fault.
func playFault(t *testing.T, f fault) (before, during series) {
	t.Helper()
	var clock jumpClock
	f.plan.now = clock.now
	change := f.plan.config
	f.plan.config = func(c *config.Config) {
		c.HTTPAddr = "127.0.0.1:9464"
		if change != nil {
			change(c)
		}
	}
	r := start(t, f.plan)
	r.until("it is ready", func() bool { return r.ready(r.cfg.HTTPAddr) })
	before = r.scrape()
	f.does(r, &clock)
	<-time.After(time.Minute) // what follows from it has happened
	return before, r.scrape()
}

// lends gives Alice access for an hour, and returns her request.
func (r *rig) lends() int64 {
	r.t.Helper()
	r.Register(alice)
	id := r.Granted(alice, "grant @alice 1h")
	r.Settled(id)
	return id
}

// shows waits until the metrics have all of these.
func (r *rig) shows(parts ...string) {
	r.t.Helper()
	r.until("the metrics show "+strings.Join(parts, " "), func() bool {
		_, metrics := r.page("/metrics")
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(metrics, part) })
	})
}
