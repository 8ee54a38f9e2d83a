package main

import (
	"testing"
	"testing/synctest"

	"sshkeybot/internal/config"
)

// Where a reason is needed, none is asked for twice, and its ticket can be followed.
func TestReasonIsNeededAndNamesATicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 1, config: func(c *config.Config) {
			c.Reason, c.TicketURL = config.ReasonRequired, "https://tickets.example.com/browse/%s"
		}})
		r.Register(alice)
		r.says(r.Types(alice, "grant me 1h"), "Say what it is for", "/sshkey grant @user 12h for the release")
		id := r.Ask(alice, "grant me 1h for OPS-7: https://wiki.example/disk?a=1&b=2.")
		const shown = "<https://tickets.example.com/browse/OPS-7|OPS-7>: <https://wiki.example/disk?a=1&amp;b=2>."
		r.says(r.Message(id), "*Reason:* "+shown)
		before := r.Fill(bob, r.Posted(id), "Deny", map[string]string{"reason": "first OPS-8"})
		r.answer(bob, before)
		r.says(r.Types(bob, "log"), "<https://tickets.example.com/browse/OPS-8|OPS-8>")
	})
}
