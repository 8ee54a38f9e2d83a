package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
)

// evil mentions people and contains markup, in every form that Slack might interpret.
const evil = "<!channel> <!here> <@" + dave + "> <!subteam^S0ALL> *forged* _forged_ ~forged~ `forged` <https://evil.example|forged> https://evil.example :tada:\n> forged\n*Approved* by <@" + carol + ">"

// link is the one that a reason may have.
const link = "<https://reason.example>"

// Texts of people, keys and RunCloud mention nobody, and look like none of the bot's own.
func TestNoTextIsBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: -1, prepare: func(r *rig) {
			for range 3 {
				r.servers = append(r.servers, r.account.AddServer(runcloudsim.Server{Name: evil}))
			}
		}})
		r.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Server: r.servers[0], Kind: runcloudsim.FaultStatus, Status: 422, Message: evil})
		r.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Server: r.servers[1], Kind: runcloudsim.FaultStatus, Status: 403, Message: evil})
		key, _, err := sshkey.Generate()
		r.must(err)
		oneLine := strings.ReplaceAll(evil, "\n", " ")
		r.RegisterKey(alice, key.Line(oneLine))
		reason := strings.ReplaceAll(oneLine, "https://evil.example", "https://reason.example")
		id := r.Ask(alice, "grant @alice 1h for "+reason)
		r.Press(bob, id, "Approve")
		r.Settled(id)
		r.isOn(key, 1)
		r.says(r.Message(id), "*Reason:* ", "forged", link)
		r.says(r.Thread(id), "forged")
		denied := r.Ask(alice, "grant @alice 2h")
		before := r.Fill(bob, r.Posted(denied), "Deny", map[string]string{"reason": reason})
		r.answer(bob, before)
		r.until("Alice is told", func() bool { return strings.Contains(r.DMs(alice), "denied ") })
		r.Types(alice, "keys")
		r.Types(alice, "list")
		r.Types(bob, "servers")
		r.Types(bob, "pending")
		r.Types(bob, "revoke @alice for "+reason)
		r.harmless()
	})
}

// harmless checks everything that Slack shows anybody.
func (r *rig) harmless() {
	r.t.Helper()
	addressed := []string{"<@" + alice + ">", "<@" + bob + ">", "<@" + carol + ">"}
	for _, m := range r.shown() {
		for _, token := range m.Mentions() {
			if !slices.Contains(addressed, token) {
				r.t.Errorf("%s is addressed:\n%s", token, m.Text)
			}
		}
		if strings.Contains(m.Text, "*Approved* by <@"+carol) || strings.Contains(m.Text, "*Approved* by &lt;") {
			r.t.Errorf("an approval is forged:\n%s", m.Text)
		}
		for _, text := range append(markups(m.Blocks), m.Text) {
			if forged := forgery.FindString(withoutCode(text)); forged != "" {
				r.t.Errorf("formatting is forged by %q:\n%s", forged, text)
			}
		}
	}
}

func (r *rig) shown() []slacksim.Message {
	var all []slacksim.Message
	for _, channel := range []string{ops, news} {
		for _, m := range r.slack.Messages(channel) {
			all = append(all, r.slack.Thread(channel, m.TS)...)
		}
	}
	for _, user := range []string{alice, bob, carol, dave, erin} {
		all = append(append(all, r.slack.DMs(user)...), r.slack.Ephemeral(user)...)
	}
	return all
}

var (
	toRequest = regexp.MustCompile(`<https://sim\.slack\.com/archives/C0OPS/p\d+\|[Rr]equest \d+>`)
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	forgery   = regexp.MustCompile(`\*forged\*|_forged_|~forged~|<https?:|\n(>|&gt;)|:tada:|<!(channel|here)`)
)

// withoutCode returns a text without its code and the links that belong there.
func withoutCode(text string) string {
	text = toRequest.ReplaceAllString(codeSpan.ReplaceAllString(text, "code"), "a request")
	return strings.ReplaceAll(text, link, "link")
}

// markups returns the mrkdwn texts of blocks.
func markups(blocks []slacksim.Block) (out []string) {
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case slacksim.Block:
			walk(map[string]any(v))
		case map[string]any:
			if text, ok := v["text"].(string); ok && v["type"] == "mrkdwn" {
				out = append(out, text)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	for _, b := range blocks {
		walk(b)
	}
	return out
}
