package bot

import (
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func TestListsAreTurnedInPlace(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	shows := func(first, last string) {
		t.Helper()
		r.Until(t, "a page from "+first+" to "+last, func() bool {
			text := r.lastEphemeral("U2").Text
			return strings.Contains(text, first) && strings.Contains(text, last)
		})
	}
	r.types(t, "U2", "servers web-*")
	shows("`web-1`", "1–2 of 5")
	r.turns(t, "Next page")
	shows("`web-3`", "3–4 of 5")
	r.turns(t, "Next page")
	shows("`web-5`", "5–5 of 5")
	if hasButton(r.lastEphemeral("U2"), "Next page") {
		t.Error("there is still another page")
	}
	r.turns(t, "Previous page")
	shows("`web-3`", "3–4 of 5")
	if n := len(r.Ephemeral("U2")); n != 1 {
		t.Errorf("%d messages, want the page to be turned in its place", n)
	}
}

// Whoever is no approver any more turns no page, and keeps what they see.
func TestPageIsRefusedToWhoMayNotSeeItAnyMore(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.types(t, "U2", "servers")
	r.Until(t, "the first page", func() bool { return strings.Contains(r.lastEphemeral("U2").Text, "1–2 of 5") })
	r.Domain.Lock()
	r.Domain.Deciders = []access.UserID{"U3"}
	r.Domain.Unlock()
	r.turns(t, "Next page")
	r.Until(t, "the refusal", func() bool { return strings.Contains(r.lastEphemeral("U2").Text, "Only an approver") })
	if n := len(r.Ephemeral("U2")); n != 2 {
		t.Errorf("%d messages, want the refusal beside the page", n)
	}
}

func TestPatternIsNotTooLongForAButton(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.types(t, "U2", "servers "+strings.Repeat("web-1,", 330)+"db")
	r.Until(t, "the refusal", func() bool { return strings.Contains(r.lastEphemeral("U2").Text, "too many servers one by one") })
}
