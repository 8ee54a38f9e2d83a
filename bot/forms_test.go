package bot

import (
	"strings"
	"testing"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func (r *rig) exclude(user access.UserID) {
	r.Domain.Lock()
	defer r.Domain.Unlock()
	r.Domain.Guest = user
}

// Who may take no part sees neither help nor forms, and a form tells them no name of a server.
func TestNothingIsShownToWhoMayTakeNoPart(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.exclude("U1")
	for _, text := range []string{"", "help", "grant", "register"} {
		if got := r.types(t, "U1", text); !strings.Contains(got, "You cannot use this") {
			t.Errorf("%q is answered %q", text, got)
		}
	}
	if n := len(r.Modals("U1")); n != 0 {
		t.Errorf("%d forms were opened", n)
	}
	r.exclude("")
	r.types(t, "U1", "grant")
	values := r.chosen(t, "U1", "1h", "wbe-1")
	if got := r.submit(t, "U1", values); !strings.Contains(got.Errors[render.BlockServers], "web-1") {
		t.Errorf("a member is told %+v", got.Errors)
	}
	r.exclude("U1")
	if got := r.submit(t, "U1", values); len(got.Errors) != 0 {
		t.Errorf("a guest is told %+v", got.Errors)
	}
}

func TestFormAsksForTheReasonWhereOneIsNeeded(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{}, func(c *Config) { c.ReasonRequired = true })
	if got := r.types(t, "U1", "help"); !strings.Contains(got, "[as SYSTEM_USER] for REASON`") || !strings.Contains(got, "@user [for REASON]`") {
		t.Errorf("help says\n%s", got)
	}
	r.types(t, "U1", "grant")
	values := r.chosen(t, "U1", "1h", "web-1")
	for _, empty := range []string{" ", "…"} {
		values[render.BlockReason] = map[string]any{"value": empty}
		if got := r.submit(t, "U1", values); got.Errors[render.BlockReason] != "Say what it is for." {
			t.Errorf("%q is answered %+v", empty, got.Errors)
		}
	}
	values[render.BlockReason] = map[string]any{"value": "the release"}
	if got := r.submit(t, "U1", values); len(got.Errors) != 0 {
		t.Errorf("a reason is answered %+v", got.Errors)
	}
}

// A private key is never stored, in whatever field and by whomever it is sent.
func TestPrivateKeyInAFormIsNotStored(t *testing.T) {
	t.Parallel()
	const private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----"
	for name, tc := range map[string]struct {
		command string
		fields  map[string]string
		leaks   string
	}{
		"key":    {"register", map[string]string{render.BlockKey: private}, render.BlockKey},
		"frame":  {"register", map[string]string{render.BlockKey: "OPENSSH PRIVATE KEY"}, render.BlockKey},
		"note":   {"register", map[string]string{render.BlockKey: "ssh-ed25519 AAAA", render.BlockNote: "-----BEGIN OPENSSH PRIVATE KEY-----"}, render.BlockNote},
		"reason": {"grant", map[string]string{render.BlockReason: private}, render.BlockReason},
	} {
		for who, out := range map[string]access.UserID{"a member": "", "somebody shut out meanwhile": "U1"} {
			t.Run(name+" of "+who, func(t *testing.T) {
				t.Parallel()
				r := start(t, slacksim.Options{})
				r.types(t, "U1", tc.command)
				r.exclude(out)
				values := map[string]map[string]any{}
				if tc.command == "grant" {
					values = r.chosen(t, "U1", "1h", "web-1")
				}
				for block, text := range tc.fields {
					values[block] = map[string]any{"value": text}
				}
				if got := r.submit(t, "U1", values); !strings.Contains(got.Errors[tc.leaks], "private key") {
					t.Errorf("the form says %+v", got.Errors)
				}
				r.stored(t, 0)
			})
		}
	}
}

// What somebody sends who was shut out meanwhile is refused, and not stored either.
func TestFormOfSomebodyShutOutIsNotStored(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.types(t, "U1", "register")
	r.exclude("U1")
	r.submit(t, "U1", map[string]map[string]any{render.BlockKey: {"value": "c29tZSBwYXJ0IG9mIGEgcHJpdmF0ZSBrZXk"}})
	r.Until(t, "a refusal", func() bool { return strings.Contains(r.lastEphemeral("U1").Text, "You cannot use this") })
	r.stored(t, 0)
}

// stored fails unless so many interactions were put into the inbox.
func (r *rig) stored(t *testing.T, want int) {
	t.Helper()
	r.Domain.Lock()
	defer r.Domain.Unlock()
	if got := len(r.Domain.Inbox); got != want {
		t.Errorf("%d interactions were stored, want %d", got, want)
	}
}
