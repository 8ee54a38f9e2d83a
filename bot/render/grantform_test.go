package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestSubmissionsAreRead(t *testing.T) {
	t.Parallel()
	raw := `{"values":{
		"person":{"value":{"type":"users_select","selected_user":"U0BOB"}},
		"duration":{"duration":{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"Other…"},"value":"other"}}},
		"other_duration":{"value":{"type":"plain_text_input","value":"12h"}},
		"channel":{"value":{"type":"conversations_select","selected_conversation":"C2"}},
		"servers":{"value":{"type":"multi_external_select","selected_options":[{"value":"web-*"},{"value":"#12"}]}},
		"system_user":{"value":{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"deploy"},"value":"deploy"}}},
		"reason":{"value":{"type":"plain_text_input","value":"because"}},
		"key":{"value":{"type":"plain_text_input","value":"ssh-ed25519 AAAA"}},
		"note":{"value":{"type":"plain_text_input","value":"laptop"}}}}`
	var state slack.ViewState
	if err := json.Unmarshal([]byte(raw), &state); err != nil {
		t.Fatal(err)
	}
	want := GrantForm{Person: bob, Duration: "12h", Other: true, Servers: "web-*,#12", SystemUser: "deploy", Reason: "because", Channel: "C2"}
	if diff := cmp.Diff(want, ReadGrant(&state, "C1")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(RegisterForm{"ssh-ed25519 AAAA", "laptop"}, ReadRegister(&state)); diff != "" {
		t.Error(diff)
	}
	if ReadDeny(&state) != "because" || ReadEdit(&state) != (EditForm{Duration: "other"}) || ReadDeny(nil) != "" {
		t.Error("a form is misread")
	}
	v := small().request(access.KindGrant, access.Pending)
	id, shown := ReadDecision(DenyModal(v).PrivateMetadata)
	if id != 12 || shown != v.Facts.Digest() || ReadID("x") != 0 {
		t.Error("the id is misread")
	}
}

// However long and strange the names are, what is offered is within Slack's limits, and nothing is an empty list.
func TestServersOfferedAreWithinSlacksLimits(t *testing.T) {
	t.Parallel()
	var choices []workflow.ServerChoice
	for i := range 40 {
		name := fmt.Sprintf("%d%s", i, strings.Repeat("\"<é>", 40))
		choices = append(choices, workflow.ServerChoice{Pattern: name[:140], Servers: 1, Server: &access.Server{Name: name, ExternalID: name}})
	}
	for _, offered := range [][]workflow.ServerChoice{choices, nil} {
		raw, err := json.Marshal(ServerOptions(offered))
		if err != nil || len(raw) > 16<<10 {
			t.Errorf("%d bytes, %v", len(raw), err)
		}
		var ack struct {
			Options []slack.OptionBlockObject `json:"options"`
		}
		if err := json.Unmarshal(raw, &ack); err != nil || ack.Options == nil || len(offered) > 0 && len(ack.Options) < 10 {
			t.Errorf("%d options, %v: %s", len(ack.Options), err, raw)
		}
		for _, o := range ack.Options {
			if n := len([]rune(o.Text.Text)); n > 75 || len([]rune(o.Value)) > 150 {
				t.Errorf("an option of %d characters: %q", n, o.Text.Text)
			}
		}
	}
}

// Every server is asked for by name alone: with it, other choices mean nothing, and without any there is none.
func TestEveryServerIsAChoice(t *testing.T) {
	t.Parallel()
	for chosen, want := range map[string]string{EveryServer: "", "web-*," + EveryServer: "", "web-*,#12": "web-*,#12"} {
		if got := (GrantForm{Servers: chosen}).Pattern(); got != want {
			t.Errorf("%q is %q, want %q", chosen, got, want)
		}
	}
}

func TestDurationsAreOfferedAsAllowed(t *testing.T) {
	t.Parallel()
	offer := GrantOffer{Limits: workflow.Durations{Min: time.Hour, Max: 24 * time.Hour, Forever: true}, Durations: []time.Duration{90 * time.Minute, 48 * time.Hour, 0, time.Hour, 5 * time.Hour}}
	want := []string{"1h30m", "forever", "1h", "2h", "4h", "8h", "12h", "1d"}
	if diff := cmp.Diff(want, durationsOffered(offer)); diff != "" {
		t.Error(diff)
	}
}

// A menu of several accounts offers each as a whole.
func TestEveryServerOfAnAccountIsOffered(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(ServerOptions([]workflow.ServerChoice{
		{Pattern: "client/*", Servers: 1200, Every: "client"}, {Pattern: "agency/*,client/*", Servers: 1203},
		{Pattern: "client/web-01", Servers: 1, Server: &access.Server{Name: "client/web-01", ExternalID: "12"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Every server of client (1,200)"`, `"agency/*,client/* (1,203 servers)"`, `"client/web-01 #12"`, `"value":"client/*"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in %s", want, raw)
		}
	}
}
