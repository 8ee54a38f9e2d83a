package bot

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/bot/bottest"
	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/bot/socket"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryVerbIsAnswered(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	for text, want := range map[string]string{
		"": "/sshkey", "help": "/sshkey grant", "grant @bob 12h for the disk": "Request ", "list": "", "pending": "", "servers": "web-1",
		"servers web": "web-1", "keys": "", "register " + someKey: "Registered", "done": "gave back", "grnat": "/sshkey grant",
		"extend @bob 1h": "Request ", "revoke @bob": "", "offboard @bob": "", "grant @nobody 1h": "pick the person",
		"audit": "audit of everything", "purge root": "purge", "reinstate @bob": "reinstate", "rotate web deploy": "another key of an account", "register ssh-dss AAAA": "DSA", "grant @bob 0h": "`/sshkey grant @user DURATION",
	} {
		if got := r.types(t, "U2", text); got == "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q", text, got)
		}
	}
	if left := r.Domain.Unhandled(); len(left) > 0 {
		t.Errorf("not marked as handled: %v", left)
	}
}

func TestCommandBecomesOneRequest(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{MentionLabels: true})
	r.bot.timeouts.reply = 200 * time.Millisecond // the second delivery waits it out
	r.run(t)
	r.DuplicateNext(1)
	r.types(t, "U1", `grant @bob 12h on web-* as root for the <disk> & "more"`)
	r.Until(t, "both acknowledged", func() bool { return r.Deliveries()[0].Acks == 2 })
	r.Until(t, "it is handled", func() bool { return len(r.Domain.Unhandled()) == 0 })
	v, err := r.Domain.View(t.Context(), 1)
	if err != nil || r.Domain.Requests() != 1 {
		t.Fatalf("%d requests, %v", r.Domain.Requests(), err)
	}
	q := v.Request
	if q.Asker != "U1" || q.Person != "U2" || q.Duration != 12*time.Hour || q.Pattern != "web-*" || q.SystemUser != "root" ||
		q.Reason != `the <disk> & "more"` || q.Channel != "C1" || q.Source != r.Deliveries()[0].EnvelopeID {
		t.Errorf("asked for %+v", q)
	}
}

func TestPrivateKeyIsNeverStored(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	const secret = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEAAAAABG5vbmU="
	for _, text := range []string{"register " + secret, "grant @bob 1h for " + secret, secret} {
		if got := r.types(t, "U1", text); !strings.Contains(got, "replace this key pair now") {
			t.Errorf("%q", got)
		}
	}
	r.types(t, "U1", "register")
	got := r.submit(t, "U1", map[string]map[string]any{render.BlockKey: {"value": secret}})
	if !strings.Contains(got.Errors[render.BlockKey], "replace this key pair now") {
		t.Errorf("%+v", got)
	}
	if len(r.Domain.Inbox) > 0 {
		t.Error("something was stored")
	}
	if got := r.types(t, "U1", "grant @bob 1h for I lost my private key"); !strings.Contains(got, "Request") {
		t.Errorf("the words alone are refused: %q", got)
	}
}

// submit submits the topmost modal, once it is open.
func (r *rig) submit(t *testing.T, user string, values map[string]map[string]any) slacksim.SubmitResult {
	t.Helper()
	r.Until(t, "a modal", func() bool { return len(r.Modals(user)) > 0 })
	got, err := r.Submit(t.Context(), user, r.Modals(user)[0].ID, values)
	if err != nil || !got.Acked {
		t.Fatalf("%+v: %v", got, err)
	}
	return got
}

// Where nobody else would see a request, the form asks for a channel.
func TestFormAsksForAChannel(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	if _, err := r.Command(t.Context(), "U1", r.DM("U1"), "/sshkey grant"); err != nil {
		t.Fatal(err)
	}
	values := r.chosen(t, "U1", "1h", "web-1")
	values[render.BlockChannel] = map[string]any{"value": "C1"}
	r.submit(t, "U1", values)
	r.Until(t, "a request", func() bool { return r.Domain.Requests() == 1 })
	if v, _ := r.Domain.View(t.Context(), 1); v.Request.Channel != "C1" {
		t.Errorf("it goes to %q", v.Request.Channel)
	}
}

// The shortcut and the button in the Home tab open the same form.
func TestShortcutOpensTheForm(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	if got, err := r.Shortcut(t.Context(), "U1", render.ShortcutAsk); err != nil || !got.Acked {
		t.Fatalf("%+v, %v", got, err)
	}
	r.Until(t, "a form", func() bool { return len(r.Modals("U1")) == 1 })
	values := r.chosen(t, "U1", "45m", "")
	values[render.BlockChannel] = map[string]any{"value": "C1"}
	r.submit(t, "U1", values)
	r.Until(t, "a request", func() bool { return r.Domain.Requests() == 1 })
	if v, _ := r.Domain.View(t.Context(), 1); v.Request.Pattern != "" || v.Request.Duration != 45*time.Minute || v.Request.Person != "U1" {
		t.Errorf("asked for %+v", v.Request)
	}
}

// chosen returns what somebody enters into the form for access that they have open: a duration, from the menu if it
// is there, and a server that they search for; empty is every server.
func (r *rig) chosen(t *testing.T, user, duration, servers string) map[string]map[string]any {
	t.Helper()
	form := r.Modals(user)[0]
	values := map[string]map[string]any{}
	if err := r.Enter(user, form.ID, map[string]map[string]any{render.BlockDuration: {render.ActionDuration: duration}}); err != nil {
		if _, err := r.ClickView(t.Context(), user, form.ID, slacksim.Pick{ActionID: render.ActionDuration, Choose: "other"}); err != nil {
			t.Fatal(err)
		}
		values[render.BlockOther] = map[string]any{"value": duration}
	}
	got, err := r.Suggest(t.Context(), user, form.ID, render.BlockServers, "value", servers)
	if err != nil || len(got.Options) == 0 {
		t.Fatalf("%q: %+v, %v", servers, got, err)
	}
	values[render.BlockServers] = map[string]any{"value": got.Options[0].Value}
	return values
}

func TestForms(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	if got := r.types(t, "U1", "grant @bob on web-1"); got != "" {
		t.Errorf("answered %q", got)
	}
	bad := r.submit(t, "U1", r.chosen(t, "U1", "9000d", "web-*, #"))
	if bad.ResponseAction != "errors" || bad.Errors[render.BlockOther] == "" || bad.Errors[render.BlockServers] == "" {
		t.Errorf("%+v", bad)
	}
	bad = r.submit(t, "U1", r.chosen(t, "U1", "2h", "web-9"))
	if want := "No server matches `web-9`. The nearest: web-1, web-2."; bad.Errors[render.BlockServers] != want || len(bad.Errors) != 1 {
		t.Errorf("%+v, want the servers refused while the form is open", bad)
	}
	if r.Domain.Requests() != 0 {
		t.Error("a refused form made a request")
	}
	r.submit(t, "U1", r.chosen(t, "U1", "2h", "web-1"))
	r.Until(t, "a receipt in the channel", func() bool { return strings.Contains(r.lastEphemeral("U1").Text, "Request 1") })
	v, _ := r.Domain.View(t.Context(), 1)
	if v.Request.Person != "U2" || v.Request.Pattern != "web-1" || v.Request.Channel != "C1" || v.Request.SystemUser != "runcloud" {
		t.Errorf("asked for %+v", v.Request)
	}
	r.types(t, "U3", "register")
	r.submit(t, "U3", map[string]map[string]any{render.BlockKey: {"value": someKey}, render.BlockNote: {"value": "laptop"}})
	r.Until(t, "a receipt", func() bool { return strings.Contains(r.lastEphemeral("U3").Text, "Registered") })
}

func TestFormThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.Fail("views.open", slacksim.Fault{Error: "expired_trigger_id"})
	if got := r.types(t, "U1", "grant"); !strings.Contains(got, "try again") {
		t.Errorf("%q", got)
	}
	r.Fail("views.open", slacksim.Fault{Error: "exchanged_trigger_id"}) // another replica was quicker
	if got := r.types(t, "U1", "grant"); got != "" {
		t.Errorf("%q", got)
	}
}

func TestSlowAnswerFollows(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.bot.timeouts.reply = 20 * time.Millisecond
	r.run(t)
	_, open := r.hold(t)
	if got := r.types(t, "U1", "grant @bob 1h"); !strings.Contains(got, "I am on it") { // acknowledged all the same
		t.Errorf("answered %q", got)
	}
	open()
	r.Until(t, "the answer", func() bool { return strings.Contains(r.lastEphemeral("U1").Text, "Request 1") })
	if r.Count("response_url") != 1 {
		t.Error("not over the response_url")
	}
}

func TestAnswerFallsBack(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	for channel, private := range map[string]bool{"C1": true, "C2": false} {
		in := interaction{ID: "e", Person: "U1", Channel: channel, At: time.Now(), ResponseURL: "http://127.0.0.1:1/gone"}
		r.bot.reply(t.Context(), in, nil, said("hello "+channel))
		if got := r.lastEphemeral("U1").Text == "hello "+channel; got != private {
			t.Errorf("%s: shown to them alone %v", channel, got)
		}
	}
	if all := r.DMs("U1"); len(all) != 1 || all[0].Text != "hello C2" {
		t.Errorf("%v", all)
	}
}

func said(text string) slackapi.Reply { return slackapi.Ephemeral(render.Say(text)) }

// What cannot be stored is not done, and who did it is told at once.
func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	if _, err := r.Command(t.Context(), "U1", "C1", "/sshkey grant"); err != nil { // opens the form
		t.Fatal(err)
	}
	form := r.Modals("U1")[0].ID
	values := r.chosen(t, "U1", "1h", "web-1")
	r.Domain.Closed = &access.Error{Code: access.Unavailable, Message: "I cannot write that down."}
	got, err := r.Command(t.Context(), "U1", "C1", "/sshkey grant @bob 1h")
	if err != nil || !got.Acked {
		t.Errorf("the command: %+v, %v", got, err)
	}
	if all := r.Ephemeral("U1"); len(all) != 1 || all[0].Text != "I cannot write that down." {
		t.Errorf("the answer: %+v", all)
	}
	sent, err := r.Submit(t.Context(), "U1", form, values)
	if err != nil || !slices.Contains(slices.Collect(maps.Values(sent.Errors)), "I cannot write that down.") {
		t.Errorf("the form: %+v, %v", sent, err)
	}
	if len(r.Modals("U1")) != 1 {
		t.Error("the form was closed, with what was typed")
	}
	if r.Domain.Requests() != 0 {
		t.Error("something was done")
	}
}

// Neither an event, which Slack delivers again, nor what may have been stored after all.
func TestNothingIsAcknowledgedBeforeItIsStored(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{AckLimit: 300 * time.Millisecond})
	r.Domain.Closed = errors.New("the connection was lost")
	got, err := r.Command(t.Context(), "U1", "C1", "/sshkey grant @bob 1h")
	if err != nil || got.Acked || r.Domain.Requests() != 0 {
		t.Errorf("%+v %v", got, err)
	}
	full := &access.Error{Code: access.Unavailable, Message: "I cannot write that down."}
	if _, told := r.bot.refuseUnstored(interaction{ID: "e", Kind: kindUserChange}, full); told {
		t.Error("an event counts as dealt with")
	}
}

func TestLeftoversAreHandled(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	pressed := time.Now().Add(-time.Minute)
	for i, in := range []interaction{
		parsed(interaction{ID: "e1", Person: "U1", Text: "grant <@U2> 1h", At: time.Now().Add(-time.Hour), ResponseURL: "http://127.0.0.1:1/x"}),
		{ID: "e2", Kind: kindClick, Person: "U3", Action: "approve", Value: "1", Channel: "C1", At: pressed},
	} {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		r.Domain.Inbox[in.ID] = &bottest.Kept{Envelope: delivery.Envelope{ID: in.ID, Person: in.Person, Payload: raw}}
		if i == 0 {
			r.bot.handle(t.Context(), in, nil) // the crash came before it was marked
			r.Domain.Inbox[in.ID].Handled = false
		}
	}
	r.Domain.Inbox["e3"] = &bottest.Kept{Envelope: delivery.Envelope{ID: "e3", Payload: []byte("{")}}
	r.run(t)
	r.Until(t, "an empty inbox", func() bool { return len(r.Domain.Unhandled()) == 0 })
	if r.Domain.Requests() != 1 {
		t.Errorf("%d requests", r.Domain.Requests())
	}
	if dms := r.DMs("U1"); len(dms) == 0 || !strings.Contains(dms[len(dms)-1].Text, "Request 1") {
		t.Errorf("%v", dms)
	}
	if got := r.lastEphemeral("U3").Text; !strings.Contains(got, "approved request 1") {
		t.Errorf("%q", got)
	}
	if got := r.Domain.Views[1].Request.DecidedAt; !got.Equal(pressed) {
		t.Errorf("decided as if pressed at %s, want %s", got, pressed)
	}
}

func TestTroubleIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.Domain.Trouble = []error{&access.Error{Code: access.Unavailable, Message: "RunCloud is away."}}
	if got := r.types(t, "U1", "grant @bob 1h"); !strings.Contains(got, "try again by myself") {
		t.Errorf("%q", got)
	}
	left := r.Domain.Unhandled()
	if len(left) != 1 {
		t.Fatalf("%v", left)
	}
	r.Until(t, "the job's end", func() bool { r.bot.mu.Lock(); defer r.bot.mu.Unlock(); return len(r.bot.busy) == 0 })
	r.bot.resume(t.Context(), left[0])
	r.Until(t, "the answer", func() bool { return strings.Contains(r.lastEphemeral("U1").Text, "Request 1") })
	r.Until(t, "an empty inbox", func() bool { return len(r.Domain.Unhandled()) == 0 })
}

func TestTroubleIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Inbox["e"] = &bottest.Kept{}
	r.Domain.Trouble = []error{&access.Error{Code: access.Unavailable, Message: "RunCloud is away."}}
	r.bot.handle(t.Context(), parsed(interaction{ID: "e", Person: "U1", Text: "grant <@U2> 1h", Channel: "C1", At: time.Now().Add(-11 * time.Minute)}), nil)
	if got := r.lastEphemeral("U1").Text; !strings.Contains(got, "RunCloud is away") || !r.Domain.Inbox["e"].Handled {
		t.Errorf("%q", got)
	}
}

// While Slack is away for longer than anything is waited for, nobody could be told
// that a click is given up: so it is kept, and done when Slack is back.
func TestNothingIsGivenUpInSilence(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Inbox["e"] = &bottest.Kept{}
	away := &access.Error{Code: access.Unavailable, Message: "Slack is away."}
	r.Domain.Trouble = []error{away, away}
	in := parsed(interaction{ID: "e", Person: "U1", Text: "grant <@U2> 1h", Channel: "C1", At: time.Now().Add(-time.Hour)})
	if err := r.Outage(slacksim.Unavailable); err != nil {
		t.Fatal(err)
	}
	r.bot.handle(t.Context(), in, nil)
	if r.Domain.Inbox["e"].Handled {
		t.Fatal("given up, and nobody knows")
	}
	if err := r.Outage(slacksim.Up); err != nil {
		t.Fatal(err)
	}
	r.Domain.Trouble = nil
	r.bot.handle(t.Context(), in, nil)
	if got := r.lastEphemeral("U1").Text; !strings.Contains(got, "Request 1") || !r.Domain.Inbox["e"].Handled {
		t.Errorf("%q", got)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.Domain.OnChange = func() { panic("boom") }
	if got := r.types(t, "U1", "grant @bob 1h"); !strings.Contains(got, "on my side") {
		t.Errorf("%q", got)
	}
	r.Until(t, "it is settled, or it would panic again", func() bool { return len(r.Domain.Unhandled()) == 0 })
}

// A panic outside what the interaction asks for: nothing else stops, and it does not come again.
func TestPanicWhileAnswering(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.OnView = func() { panic("boom") }
	r.Domain.Inbox["e"] = &bottest.Kept{}
	r.bot.start(interaction{ID: "e", Kind: kindSubmission, Modal: render.ModalDeny, Metadata: "1", Person: "U3", At: time.Now()}, nil)
	r.Until(t, "it is marked as handled", func() bool { return len(r.Domain.Unhandled()) == 0 })
	r.bot.queues.close(t.Context())
}

// How long a handler had to wait for its turn does not make a press later than it was.
func TestInteractionsCountFromWhenTheyWereRead(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	e := socket.Envelope{ID: "e", Type: "slash_commands", Payload: []byte(`{"user_id":"U1","channel_id":"C1","text":"done"}`), At: time.Now().Add(-time.Minute)}
	if _, err := r.bot.receive(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if at := r.Domain.Inbox["e"].At; time.Since(at) < time.Minute {
		t.Errorf("counted as of %s ago", time.Since(at))
	}
	r.bot.queues.close(t.Context())
}
