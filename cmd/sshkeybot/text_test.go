package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
)

// What Slack delivers twice opens one form and says nothing more, or says once why there is
// none.
func TestFormsOfRepeatedDeliveries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		m := r.Posted(id)
		for _, tc := range []struct {
			user, label string
			answers     int
		}{{bob, "Deny", 0}, {bob, "Edit", 0}, {dave, "Deny", 1}} {
			before := len(r.private(tc.user))
			r.slack.DuplicateNext(1)
			r.acked(r.clicksOn(tc.user, m, tc.label))
			click := r.delivered("interactive")
			r.until("both deliveries are acknowledged", func() bool { return r.acks(click.EnvelopeID) == 2 })
			r.redelivered(click, false) // once more, later
			r.Types(tc.user, "list")    // everything that was to be said is said before this
			if n := len(r.private(tc.user)) - before - 1; n != tc.answers {
				t.Errorf("%s of %s is answered %d times, want %d: %+v", tc.label, tc.user, n, tc.answers, r.private(tc.user)[before:])
			}
			if n := len(r.slack.Modals(tc.user)); n != 1-tc.answers {
				t.Errorf("%s of %s has %d forms open", tc.label, tc.user, n)
			}
		}
		before := len(r.private(alice))
		r.slack.DuplicateNext(1)
		outcome, err := r.slack.Command(t.Context(), alice, ops, "/sshkey grant")
		r.must(err)
		r.until("both deliveries are acknowledged", func() bool { return r.acks(outcome.EnvelopeID) == 2 })
		r.redelivered(r.delivered("slash_commands"), true)
		if outcome.Response != nil || len(r.private(alice)) != before || len(r.slack.Modals(alice)) != 1 {
			t.Errorf("the command is answered with %+v; %d forms", outcome.Response, len(r.slack.Modals(alice)))
		}
	})
}

// Slack turns names that look like addresses into links.
func TestServerNamesThatSlackMadeLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: -1, slack: slacksim.Options{RawCommandText: true}, prepare: func(r *rig) {
			for _, name := range []string{"web-01.example.com", "web-02.example.com", "db one.example.com", "other"} {
				r.servers = append(r.servers, r.account.AddServer(runcloudsim.Server{Name: name, Tags: []string{"of." + name[:2] + ".example.com"}}))
			}
		}})
		r.Register(alice)
		for on, want := range map[string]int{
			"<http://web-01.example.com|web-01.example.com>":                                                 1,
			"web-*.<http://example.com|example.com>":                                                         2,
			"<http://web-01.example.com|web-01.example.com>,<http://web-02.example.com|web-02.example.com>":  2,
			"<http://web-01.example.com|web-01.example.com>, <http://web-02.example.com|web-02.example.com>": 2,
			"tag:<http://of.we.example.com|of.we.example.com>":                                               2,
			`"db one.<http://example.com|example.com>",other`:                                                2,
		} {
			r.saysNot(r.Types(bob, "servers "+on), "matches", "understand", "<http")
			id := r.numberIn(r.Types(alice, "grant <@"+alice+"> 1h on "+on+" for "+on))
			if got := len(r.view(id).Servers); got != want {
				t.Errorf("on %s: %d servers, want %d", on, got, want)
			}
		}
	})
}

// A fingerprint is understood in the forms in which other programs print it.
func TestRevokeByFingerprint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		want := r.Register(alice).Fingerprint()
		bare := strings.TrimPrefix(want, "SHA256:")
		for _, typed := range []string{want, bare, want + "=", "sha256:" + bare, "`" + want + "`", "256 " + want + " key for work on web (ED25519)"} {
			answer := r.Types(bob, "revoke "+typed+" for a lost laptop")
			r.says(answer, "Revoke the key `"+want[:10], "<@"+alice+">", "a lost laptop")
		}
		for _, typed := range []string{"MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "2048 16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48 alice@laptop (RSA)"} {
			r.says(r.Types(bob, "revoke "+typed), "MD5 fingerprint", "SHA256:")
		}
	})
}

// Control characters make no difference, on either database.
func TestControlCharacters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database})
		r.RegisterKey(alice, newLine(r)+" lap\x00top")
		id := r.Ask(alice, "grant me 2 hours on * for the \x00full\x01 disk\u009b")
		if got := r.view(id).Request.Reason; got != "the full disk" {
			t.Errorf("the reason is %q", got)
		}
		before := r.Fill(bob, r.Posted(id), "Deny", map[string]string{"reason": "not\x00 now\x1b"})
		r.says(r.answer(bob, before), "You denied request")
		r.When(id, "it is denied", state(access.Denied))
		r.says(r.Message(id), "Reason: not now")
		r.says(r.Types(bob, "servers \x00web-*"), "web-")
	})
}

func newLine(r *rig) string {
	r.t.Helper()
	key, _, err := sshkey.Generate()
	r.must(err)
	return key.Authorized()
}

// The log contains nothing of what was typed and not understood, or refused.
func TestTypedTextIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log printed
		r := start(t, plan{log: &log})
		r.Register(alice)
		token := "xoxb-" + "1234567890-hunter2hunter2"
		for typed, said := range map[string]string{
			"grant @alice 1h on hunter2":           "`hunter2`",
			"grant @alice 1h on #hunter2":          "hunter2",
			"grant @alice 1h on tag:hunter2":       "`tag:hunter2`",
			"grant @alice 1h as hunter2":           "`hunter2`",
			"grant @alice 1h hunter2":              "`hunter2`",
			"hunter2":                              "I do not know that command",
			"revoke hunter2":                       "key type",
			"grant @alice 1h on " + token:          "access token",
			"grant @alice 1h for using " + token:   "access token",
			"register ssh-ed25519 AAAA " + token:   "access token",
			"extend @alice 1hunter2":               "unit",
			"offboard hunter2":                     "`hunter2`",
			"keys \"hunter2 hunter2\"":             "hunter2",
			"grant @alice 1h on x on hunter2":      "only once",
			"grant @alice 1h as x, on web hunter2": "`hunter2`",
		} {
			r.says(r.Types(alice, typed), said)
		}
		r.says(r.Types(bob, "servers hunter2"), "hunter2")
		r.Ends()
		if strings.Contains(log.String(), "hunter2") {
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "hunter2") {
					t.Errorf("logged: %s", line)
				}
			}
		}
		if !strings.Contains(log.String(), "No server matches `…`") {
			t.Errorf("the log does not tell of refusals:\n%s", &log)
		}
	})
}
