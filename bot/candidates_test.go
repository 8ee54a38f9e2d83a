package bot

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// undecided posts an offboarding with keys to decide about.
func undecided(t *testing.T, keys, lookalikes int) (*rig, slacksim.Message) {
	t.Helper()
	r := start(t, slacksim.Options{})
	r.Offboarding(t, keys, lookalikes)
	return r, r.announce(t, 1)
}

// opens presses a button that opens what there is to decide about.
func (r *rig) opens(t *testing.T, user string, m slacksim.Message, label string) {
	t.Helper()
	if _, err := r.Click(t.Context(), user, m.Channel, m.TS, slacksim.Pick{Label: label}); err != nil {
		t.Fatal(err)
	}
}

// presses presses a button of the modal that somebody has open.
func (r *rig) presses(t *testing.T, user, label string) {
	t.Helper()
	if got, err := r.ClickView(t.Context(), user, r.Modals(user)[0].ID, slacksim.Pick{Label: label}); err != nil || !got.Acked {
		t.Fatalf("%s: %+v, %v", label, got, err)
	}
}

// modal waits until somebody's modal has all these words.
func (r *rig) modal(t *testing.T, user string, words ...string) {
	t.Helper()
	r.Until(t, "a modal with "+strings.Join(words, ", "), func() bool {
		open := r.Modals(user)
		if len(open) != 1 {
			return false
		}
		text := r.RenderView(open[0], slacksim.Viewer{TZ: time.UTC, Width: 1000})
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return true
	})
}

func TestCandidatesAreDecidedInAModal(t *testing.T) {
	t.Parallel()
	r, m := undecided(t, 1, 45)
	r.opens(t, "U2", m, "Show them")
	r.modal(t, "U2", "45 keys on 45 servers", "web-02", "web-21", "Page 1 of 3", "1 key besides")
	r.presses(t, "U2", "Next page")
	r.modal(t, "U2", "Page 2 of 3", "web-22", "web-41")
	r.presses(t, "U2", "Leave it")
	r.modal(t, "U2", "It stays", "44 keys on 44 servers", "Page 2 of 3", "web-23")
	r.presses(t, "U2", "Show those")
	r.modal(t, "U2", "1 key still to decide", "web-01", "44 keys on 44 servers")
	r.presses(t, "U2", "Remove this key")
	r.modal(t, "U2", "It is being removed", "Nothing is left to decide here", "44 keys on 44 servers")
	r.presses(t, "U2", "Show them")
	r.modal(t, "U2", "Page 1 of 3", "web-02")
	if n := len(r.Ephemeral("U2")) + len(r.DMs("U2")); n != 0 {
		t.Errorf("%d messages beside the modal", n)
	}
}

// Who comes second learns it in the modal, and who has closed theirs by a message.
func TestDecisionInAModalIsAlwaysAnswered(t *testing.T) {
	t.Parallel()
	r, m := undecided(t, 0, 2)
	for _, user := range []string{"U2", "U3", "U4"} {
		r.opens(t, user, m, "Show them")
		r.modal(t, user, "web-01")
	}
	r.presses(t, "U2", "Leave it")
	r.modal(t, "U2", "It stays")
	r.presses(t, "U3", "Remove this key")
	r.modal(t, "U3", "already that this key stays", "web-02")
	_, open := r.hold(t)
	r.presses(t, "U4", "Leave it")
	if err := r.CloseView("U4", r.Modals("U4")[0].ID); err != nil {
		t.Fatal(err)
	}
	open()
	r.Until(t, "a message", func() bool {
		return len(r.DMs("U4")) == 1 && strings.Contains(r.DMs("U4")[0].Text, "already that this key stays")
	})
}

// Only approvers are shown what there is to decide about.
func TestCandidatesAreForApprovers(t *testing.T) {
	t.Parallel()
	r, m := undecided(t, 0, 3)
	r.Domain.Lock()
	r.Domain.Deciders = r.Domain.Deciders[:1]
	r.Domain.Unlock()
	r.opens(t, "U6", m, "Show them")
	r.Until(t, "the refusal", func() bool { return strings.Contains(r.lastEphemeral("U6").Text, "Only an approver") })
	if n := len(r.Modals("U6")); n != 0 {
		t.Errorf("%d modals are open", n)
	}
}
