package bot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"sshkeybot/bot/bottest"
	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// logged starts a rig with six events, of which the even ones are about U1 and request 12.
func logged(t *testing.T) *rig {
	t.Helper()
	r := start(t, slacksim.Options{})
	for n := range 6 {
		e := access.Event{Actor: "U2", Action: access.DidRequestDenied, Noun: access.NounRequest, NounID: "12", Detail: fmt.Sprintf("reason %d", n+1)}
		if e.About = "#13"; n%2 == 1 {
			e.About = "#12 U1"
		}
		r.Domain.Record(e)
	}
	return r
}

// reads returns the reasons in the last message that only this person sees, in their order.
func (r *rig) reads(user string) string {
	var found []string
	for line := range strings.Lines(r.lastEphemeral(user).Text) {
		if _, after, ok := strings.Cut(line, "reason "); ok {
			found = append(found, after[:1])
		}
	}
	return strings.Join(found, "")
}

func TestLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed, first, older string
	}{{"log", "654", "321"}, {"log <@U1>", "642", ""}, {"log #12", "642", ""}, {"log 13", "531", ""}} {
		r := logged(t)
		r.types(t, "U2", c.typed)
		r.Until(t, c.typed, func() bool { return r.reads("U2") == c.first })
		page := r.lastEphemeral("U2")
		if turns := hasButton(page, "Older events"); turns != (c.older != "") || hasButton(page, "Newer events") {
			t.Errorf("%s: the buttons are %+v", c.typed, page.Buttons())
		}
		if c.older == "" {
			continue
		}
		r.turns(t, "Older events")
		r.Until(t, "older ones", func() bool { return r.reads("U2") == c.older })
		if hasButton(r.lastEphemeral("U2"), "Older events") {
			t.Error("there are still older ones")
		}
		r.turns(t, "Newer events")
		r.Until(t, "newer ones", func() bool { return r.reads("U2") == c.first })
		if n := len(r.Ephemeral("U2")); n != 1 {
			t.Errorf("%d messages, want the page to be turned in its place", n)
		}
	}
}

func hasButton(m slacksim.Message, label string) bool {
	for _, b := range m.Buttons() {
		if b.Label == label {
			return true
		}
	}
	return false
}

func (r *rig) turns(t *testing.T, label string) {
	t.Helper()
	got, err := r.ClickEphemeral(t.Context(), "U2", r.lastEphemeral("U2").TS, slacksim.Pick{Label: label})
	if err != nil || !got.Acked {
		t.Fatalf("%s: %+v, %v", label, got, err)
	}
}

// The subject of a page is that of the next.
func TestLogKeepsToItsSubject(t *testing.T) {
	t.Parallel()
	r := logged(t)
	for n := range 3 {
		r.Domain.Record(access.Event{Actor: "U2", Action: access.DidRequestDenied, About: "U1", Detail: fmt.Sprintf("reason %d", n+7)})
	}
	r.types(t, "U2", "log <@U1>")
	r.Until(t, "the first page", func() bool { return r.reads("U2") == "987" })
	r.turns(t, "Older events")
	r.Until(t, "the second page", func() bool { return r.reads("U2") == "642" })
	if text := r.lastEphemeral("U2").Text; !strings.Contains(text, "about <@U1>") {
		t.Errorf("the page says %q", text)
	}
}

func TestWholeLogGoesToTheDirectMessages(t *testing.T) {
	t.Parallel()
	r := logged(t)
	r.types(t, "U2", "log #12")
	r.Until(t, "the page", func() bool { return r.reads("U2") == "642" })
	r.turns(t, "Whole log as a file")
	r.Until(t, "the file", func() bool { return len(r.Files(r.DM("U2"))) == 1 })
	file := string(r.Files(r.DM("U2"))[0].Content)
	if lines := strings.Split(strings.TrimSuffix(file, "\n"), "\n"); len(lines) != 6 || !strings.Contains(lines[0], "reason 1") || !strings.Contains(lines[5], "U2 denied request 12: reason 6") {
		t.Errorf("the file is\n%s", file)
	}
	if strings.ContainsAny(file, "<>") {
		t.Errorf("markup in the file:\n%s", file)
	}
	if said := r.DMs("U2")[0].Text; !strings.Contains(said, "6 events") {
		t.Errorf("the direct message says %q", said)
	}
	r.Until(t, "an answer", func() bool { return strings.Contains(r.lastEphemeral("U2").Text, "in a direct message") })
	if n := len(r.Files("C1")); n > 0 || len(r.Ephemeral("U2")) != 2 {
		t.Errorf("%d files in the channel, %d messages", n, len(r.Ephemeral("U2")))
	}
}

// A log that cannot be read to its end is not sent as if it could.
func TestBrokenReadingOfTheLogIsTold(t *testing.T) {
	t.Parallel()
	r := logged(t)
	r.types(t, "U2", "log")
	r.Until(t, "the page", func() bool { return r.reads("U2") == "654" })
	r.Domain.Lock()
	r.Domain.LogBreaks = &access.Error{Code: access.Conflict, Message: "The ledger cannot be read."}
	r.Domain.Unlock()
	r.turns(t, "Whole log as a file")
	r.Until(t, "a refusal", func() bool { return strings.Contains(r.lastEphemeral("U2").Text, "cannot be read") })
	if len(r.DMs("U2")) > 0 {
		t.Errorf("sent: %+v", r.DMs("U2"))
	}
}

func TestOddPagesOfTheLogAreRefused(t *testing.T) {
	t.Parallel()
	r := logged(t)
	for _, value := range []string{"", "before:x:", "before:5:<!channel>"} {
		_, err := r.bot.doAction(t.Context(), interaction{Person: "U2", Action: render.ActionLogPage, Value: value})
		if access.CodeOf(err) != access.Invalid {
			t.Errorf("%q: %v", value, err)
		}
	}
	r.types(t, "U1", "log")
	r.Until(t, "a refusal", func() bool { return strings.Contains(r.lastEphemeral("U1").Text, "Only an approver") })
}

// A message that has no room for everything that happened leads to the log, and stays as it is.
func TestLogIsOpenedFromAMessage(t *testing.T) {
	t.Parallel()
	r := logged(t)
	show := slack.NewButtonBlockElement(render.ActionLogPage, "after:0:#12", slack.NewTextBlockObject(slack.PlainTextType, "Show the log", false, false))
	at, err := r.API(bottest.Unlimited).Post(t.Context(), "C1", "", render.Message{Text: "Much happened.", Blocks: []slack.Block{slack.NewActionBlock("", show)}})
	if err != nil {
		t.Fatal(err)
	}
	r.click(t, "U2", at.TS, render.ActionLogPage)
	r.Until(t, "the latest about request 12", func() bool { return r.reads("U2") == "642" })
	if m, _ := r.Message("C1", at.TS); len(m.Edits) > 0 {
		t.Errorf("the message has become %q", m.Text)
	}
}
