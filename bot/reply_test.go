package bot

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"sshkeybot/bot/bottest"
	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/bot/socket"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func TestAckReplyTakesOneThatFits(t *testing.T) {
	t.Parallel()
	ack := newAckReply()
	if ack.offer(slackapi.Reply{Text: strings.Repeat("x", maxReply)}) {
		t.Error("an answer that Slack would drop was taken")
	}
	if !ack.offer(slackapi.Reply{Text: "a"}) || ack.offer(slackapi.Reply{Text: "b"}) {
		t.Error("not exactly one answer")
	}
	if got := ack.wait(t.Context(), time.Minute); got.(slackapi.Reply).Text != "a" {
		t.Errorf("%v", got)
	}
	late := newAckReply()
	if got := late.wait(t.Context(), time.Microsecond); got != nil || late.offer(slackapi.Reply{Text: "a"}) {
		t.Errorf("%v", got)
	}
}

// refusing fails a test that makes calls with that in their address.
type refusing struct {
	t *testing.T
	http.RoundTripper
	address string
}

func (f refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.Contains(request.URL.Path, f.address) {
		f.t.Errorf("%s was called", f.address)
	}
	return f.RoundTripper.RoundTrip(request)
}

func TestOldResponseURLIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	in := interaction{ID: "e", Person: "U1", Channel: "C1", At: time.Now().Add(-30 * time.Minute), ResponseURL: "http://127.0.0.1:1/old"}
	r.HTTP.Transport = refusing{t, r.HTTP.Transport, "/old"}
	r.bot.reply(t.Context(), in, nil, said("hello"))
	if r.lastEphemeral("U1").Text != "hello" {
		t.Error("no answer")
	}
}

func TestAnswerWhereTheAcknowledgementTakesNone(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	payload, err := json.Marshal(map[string]string{"user_id": "U1", "channel_id": "C1", "text": "list"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.bot.receive(t.Context(), socket.Envelope{ID: "e", Type: "slash_commands", Payload: payload, At: time.Now()})
	if got != nil || err != nil {
		t.Errorf("%v %v", got, err)
	}
	r.Until(t, "the answer", func() bool { return r.lastEphemeral("U1").Text != "" })
}

func TestNobodySeesARequestInADirectMessage(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	for _, text := range []string{"grant <@U2> 1h", "extend <@U2> 1h", "revoke <@U2>"} {
		if _, err := r.bot.command(t.Context(), parsed(interaction{ID: text, Person: "U1", Channel: "D1", Text: text})); access.CodeOf(err) != access.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
	r.bot.cfg.ApprovalChannel = "C1"
	if _, err := r.bot.command(t.Context(), parsed(interaction{ID: "e", Person: "U1", Channel: "D1", Text: "grant <@U2> 1h"})); err != nil {
		t.Error(err)
	}
}

func TestWhoLeftIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Inbox["e"] = &bottest.Kept{}
	r.Domain.Trouble = []error{&access.Error{Code: access.Conflict, Message: "no"}, &access.Error{Code: access.Unavailable, Message: "later"}}
	for range 2 {
		r.bot.handle(t.Context(), interaction{ID: "e", Kind: kindUserChange, Person: "U4", At: time.Now()}, nil)
	}
	if len(r.DMs("U4"))+len(r.Ephemeral("U4")) > 0 {
		t.Error("written to")
	}
}

// What an acknowledgement could not carry is told by another way.
func TestAnswerOfALostAcknowledgement(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	e := socket.Envelope{ID: "e", Type: "slash_commands", Payload: []byte(`{"user_id":"U1","channel_id":"C1","text":"list"}`), At: time.Now()}
	r.bot.ackLost(e, map[string]string{"response_action": "errors"}) // of a form, which is gone
	r.bot.ackLost(e, slackapi.Ephemeral(render.OnIt()))              // the answer itself comes anyway
	r.bot.ackLost(e, slackapi.Ephemeral(render.Say("Nobody has access.")))
	r.Until(t, "the answer", func() bool { return r.lastEphemeral("U1").Text == "Nobody has access." })
	r.bot.queues.close(t.Context())
	if n := len(r.Ephemeral("U1")); n != 1 {
		t.Errorf("%d answers", n)
	}
}
