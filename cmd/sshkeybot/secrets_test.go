package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// secretForms matches what no log and no message may contain, besides the tokens: keys, and
// what lets anybody write in the bot's name.
var secretForms = regexp.MustCompile(`AAAA[A-Za-z0-9+/]{12}|PRIVATE KEY|ticket-|ticket=|wss?://|/respond/|\d+\.\d+\.sim\d+`)

// The log of all levels contains no secret, while things go well and while they do not.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log printed
		r := start(t, plan{servers: 4, log: &log})
		key := r.Register(alice)
		for i, fault := range []runcloudsim.FaultRule{
			{Kind: runcloudsim.FaultStatus, Status: 422, Message: "The key " + key.Line("laptop") + " is not wanted."},
			{Kind: runcloudsim.FaultStatus, Status: 500, Message: runcloudsim.DefaultToken, Times: 1},
			{Kind: runcloudsim.FaultDrop, Times: 1},
		} {
			fault.Op, fault.Server = runcloudsim.OpCreate, r.servers[i]
			r.account.Fault(fault)
		}
		for _, method := range []string{"apps.connections.open", "users.info", "chat.postMessage", "chat.update", "views.open", "response_url"} {
			r.slack.Fail(method, slacksim.Fault{Status: 503}, slacksim.Fault{Cut: true}, slacksim.Fault{Status: 429, RetryAfter: time.Second}, slacksim.Fault{Error: "internal_error"})
		}
		before := len(r.private(alice))
		made := r.Types(alice, "grant @alice 1h")
		if made == render.HasToWait().Text { // on a slow machine, the faults may last longer than the first try
			made = r.answer(alice, before+1)
		}
		id := r.numberIn(made)
		r.slack.DropSockets()
		r.until("the bot listens again", func() bool { return r.slack.Sockets() > 0 })
		r.pressUntilHeard(bob, id, "Approve")
		r.Settled(id)
		r.Types(alice, "register -----BEGIN OPENSSH PRIVATE KEY-----")
		r.Types(alice, "keys")
		r.account.SetToken("another")
		r.Types(alice, "done")
		r.until("the log tells of the token", func() bool { return strings.Contains(log.String(), "401") })
		r.Ends()

		for _, m := range r.shown() {
			raw, err := json.Marshal(m.Blocks)
			r.must(err)
			r.secretless(m.Text + string(raw))
		}
		r.secretless(log.String())
		if lines := strings.Count(log.String(), "\n"); lines < 20 || !strings.Contains(log.String(), `"level":"debug"`) || !strings.Contains(log.String(), `"event":`) {
			t.Errorf("the log has %d lines only:\n%s", lines, &log)
		}
	})
}

func (r *rig) secretless(text string) {
	r.t.Helper()
	for line := range strings.Lines(text) {
		held := func(secret string) bool { return strings.Contains(line, secret) }
		if slices.ContainsFunc([]string{r.slack.BotToken(), r.slack.AppToken(), runcloudsim.DefaultToken}, held) || secretForms.MatchString(line) {
			r.t.Errorf("a secret is told: %s", line)
		}
	}
}
