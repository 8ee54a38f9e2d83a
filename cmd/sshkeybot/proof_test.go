package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

var forShell = regexp.MustCompile("(?s)```\nprintf (.*?)\n```")

// signs runs the signing command from the last private message to somebody, with their own
// key.
func (r *rig) signs(user string, private []byte) (shown slacksim.Message, signature string) {
	r.t.Helper()
	all := r.private(user)
	shown = all[len(all)-1]
	command := forShell.FindStringSubmatch(shown.Text)
	if command == nil {
		r.t.Fatalf("no command is shown: %s", shown.Text)
	}
	file := filepath.Join(r.t.TempDir(), "id_ed25519")
	r.must(os.WriteFile(file, private, 0o600))
	script := strings.Replace("printf "+command[1], "~/.ssh/id_ed25519", file, 1)
	out, err := exec.CommandContext(r.t.Context(), "sh", "-c", script).Output()
	if err != nil {
		r.t.Fatalf("%s: %v", script, err)
	}
	return shown, string(out)
}

// proves presses the button of a challenge, and submits the signature.
func (r *rig) proves(user string, shown slacksim.Message, signature string) slacksim.SubmitResult {
	r.t.Helper()
	outcome, err := r.slack.ClickEphemeral(r.t.Context(), user, shown.TS, slacksim.Pick{Label: "Enter the signature"})
	r.must(err)
	r.acked(outcome)
	r.until("the form is open", func() bool { return len(r.slack.Modals(user)) > 0 })
	result, err := r.slack.Submit(r.t.Context(), user, r.slack.Modals(user)[0].ID, map[string]map[string]any{render.BlockSignature: {"value": signature}})
	r.must(err)
	return result
}

func needsOpenSSH(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"sh", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed: what people are told to run cannot be run")
		}
	}
}

// Dave has registered the key that Alice has just shown him, and Alice proves that it is hers.
func TestKeyThatSomebodyElseRegisteredFirst(t *testing.T) {
	t.Parallel()
	needsOpenSSH(t)
	onBoth(t, func(t *testing.T, database string) {
		t.Helper()
		r := start(t, plan{servers: 2, database: database})
		key, private, err := sshkey.Generate()
		r.must(err)
		r.RegisterKey(dave, key.Line("mine"))
		id := r.Granted(dave, "grant @dave 1h")
		r.says(r.Types(alice, "register "+key.Line("laptop")), "not registered yet", "somebody else", key.Fingerprint())
		shown, signature := r.signs(alice, private)

		r.says(r.Types(erin, "register "+key.Line("laptop")), "not registered yet")
		all := r.private(erin)
		if got := r.proves(erin, all[len(all)-1], signature); !strings.Contains(got.Errors[render.BlockSignature], "another text") {
			t.Errorf("a relayed signature: %+v", got)
		}
		before := len(r.private(alice))
		if got := r.proves(alice, shown, signature); len(got.Errors) > 0 {
			t.Fatalf("the proof is refused: %+v", got.Errors)
		}
		r.says(r.answer(alice, before), "Registered", key.Fingerprint())
		r.When(id, "the grant has ended", func(v workflow.RequestView) bool { return v.Grant.State == access.Ended && rests(v.Results) })
		r.isOn(key, 0)
		r.says(r.Message(id), "proved that its key is theirs")
		r.until("everybody is told", func() bool {
			return strings.Contains(r.DMs(dave), "not yours any more") && strings.Contains(r.DMs(alice), "yours now") && strings.Contains(r.everything(), "has changed hands")
		})
		if got := r.proves(alice, shown, signature); !strings.Contains(got.Errors[render.BlockSignature], "not open to be signed") {
			t.Errorf("a replayed signature: %+v", got)
		}
		r.Granted(alice, "grant @alice 1h")
		r.isOn(key, len(r.servers))
	})
}

func TestEveryKeyIsProvedWhereThatIsSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		needsOpenSSH(t)
		r := start(t, plan{servers: 1, config: func(c *config.Config) { c.KeyProof = config.KeyProofAlways }})
		key, private, err := sshkey.Generate()
		r.must(err)
		r.says(r.Types(alice, "register "+key.Line("laptop")), "not registered yet", "as for every key here")
		shown, signature := r.signs(alice, private)
		if got := r.proves(alice, shown, string(private)); !strings.Contains(got.Errors[render.BlockSignature], "That is a private key") {
			t.Errorf("the private key instead of a signature: %+v", got)
		}
		before := len(r.private(alice))
		r.proves(alice, shown, strings.ReplaceAll(signature, "\n", "\r\n"))
		r.says(r.answer(alice, before), "Registered")
	})
}

func TestRevokedKeyIsLetBackByAnApprover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 1})
		key := r.Register(alice)
		r.says(r.Types(bob, "revoke "+key.Fingerprint()), "Revoke the key", "nobody can register it again")
		r.PressPrivate(bob, "Revoke")
		r.says(r.Types(alice, "register "+key.Line("laptop")), "This key was revoked", "That was by <@"+bob+">")
		var id int64 = 1
		r.Settled(id)
		r.says(r.Press(alice, id, "Let it be registered again"), "Only an approver may do this")
		r.says(r.Press(carol, id, "Let it be registered again"), "may be registered again")
		r.RegisterKey(alice, key.Line("laptop"))
		r.When(id, "says so", func(v workflow.RequestView) bool { return !v.Refused })
		r.says(r.Message(id), "may be registered again, as an approver allowed")
	})
}
