package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// useUp uses up the five answers that Slack accepts over the response_url of the last click.
func (r *rig) useUp() {
	r.t.Helper()
	var payload struct {
		ResponseURL string `json:"response_url"`
	}
	r.must(json.Unmarshal(r.delivered("interactive").Payload, &payload))
	for range 5 {
		answer, err := r.web().Post(payload.ResponseURL, "application/json", strings.NewReader(`{"text":"taken","response_type":"ephemeral"}`))
		r.must(err)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			r.t.Fatalf("the response_url answers %d", answer.StatusCode)
		}
	}
}

// An answer that the response_url does not accept is sent as a message that only this person
// sees or, if that is not possible, as a direct message.
func TestAnswersByAnotherWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		r.Register(alice)
		shown := func() (n int) {
			for _, m := range r.private(bob) {
				if strings.HasPrefix(m.Text, "You approved request") {
					n++
				}
			}
			return n
		}
		// useUpFirst approves, and lets the bot answer only after the response_url is used up.
		useUpFirst := func(id int64) {
			r.Posted(id)
			r.slack.Fail("users.info", slacksim.Fault{Delay: time.Second})
			r.acked(r.clicks(bob, id, "Approve"))
			r.useUp()
		}

		id := r.Ask(alice, "grant @alice 1h")
		useUpFirst(id)
		r.until("Bob is answered in the channel", func() bool { return shown() == 1 })

		id = r.Ask(alice, "grant @alice 2h")
		r.slack.Fail("chat.postEphemeral", slacksim.Fault{Error: "user_not_in_channel"})
		useUpFirst(id)
		r.until("Bob is answered in a direct message", func() bool { return strings.Contains(r.DMs(bob), "You approved request") })
		if n := shown(); n != 1 {
			t.Errorf("%d answers in the channel, want the first alone", n)
		}
	})
}
