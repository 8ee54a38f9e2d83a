package bot

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/bot/socket"
	"sshkeybot/internal/access"
)

func TestReadInteraction(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind, payload string
		want          interaction
	}{
		"command": {
			"slash_commands", `{"token":"secret","user_id":"U1","user_name":"x","channel_id":"C1","text":"list","response_url":"http://r","trigger_id":"t"}`,
			interaction{ID: "e", Kind: kindCommand, Person: "U1", Channel: "C1", Text: "list", ResponseURL: "http://r", Trigger: "t", command: command{Verb: "list"}},
		},
		"button": {
			"interactive", `{"type":"block_actions","token":"secret","user":{"id":"U1"},"container":{"type":"message","channel_id":"C1","message_ts":"1.2","attachment_id":""},"actions":[{"action_id":"approve","value":"7"}]}`,
			interaction{ID: "e", Kind: kindClick, Person: "U1", Channel: "C1", Message: "1.2", Action: "approve", Value: "7"},
		},
		"menu of a private message": {
			"interactive", `{"type":"block_actions","user":{"id":"U1"},"container":{"type":"message","is_ephemeral":true},"actions":[{"action_id":"pick","selected_option":{"value":"1:2:3"}}]}`,
			interaction{ID: "e", Kind: kindClick, Person: "U1", Private: true, Action: "pick", Value: "1:2:3"},
		},
		"Home": {
			"interactive", `{"type":"block_actions","user":{"id":"U1"},"container":{"type":"view"},"view":{"type":"home"},"actions":[{"action_id":"done","value":"1"}]}`,
			interaction{ID: "e", Kind: kindClick, Person: "U1", Home: true, Action: "done", Value: "1"},
		},
		"modal": {
			"interactive", `{"type":"view_submission","user":{"id":"U1"},"view":{"type":"modal","callback_id":"deny","private_metadata":"7","state":{"values":{}}}}`,
			interaction{ID: "e", Kind: kindSubmission, Person: "U1", Modal: "deny", Metadata: "7", State: []byte(`{"values":{}}`)},
		},
		"event, by its own identity": {
			"events_api", `{"event_id":"Ev1","event":{"type":"app_home_opened","tab":"home","user":"U1"}}`,
			interaction{ID: "Ev1", Kind: kindHomeOpened, Person: "U1"},
		},
		"deactivation": {
			"events_api", `{"event_id":"Ev1","event":{"type":"user_change","user":{"id":"U1","deleted":true}}}`,
			interaction{ID: "Ev1", Kind: kindUserChange, Person: "U1", standing: access.Deactivated},
		},
		"member who is a guest now": {
			"events_api", `{"event_id":"Ev1","event":{"type":"user_change","user":{"id":"U1","is_restricted":true,"profile":{"odd":[]}}}}`,
			interaction{ID: "Ev1", Kind: kindUserChange, Person: "U1", standing: access.Guest},
		},
		"account that is active again": {
			"events_api", `{"event_id":"Ev1","event":{"type":"user_change","user":{"id":"U1","deleted":false}}}`,
			interaction{ID: "Ev1", Kind: kindUserChange, Person: "U1", standing: access.Member},
		},
	} {
		got, err := readInteraction(socket.Envelope{ID: "e", Type: tc.kind, Payload: []byte(tc.payload)})
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(interaction{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestIrrelevantAndUnreadable(t *testing.T) {
	t.Parallel()
	for payload, kind := range map[string]string{
		`{"event":{"type":"user_change","user":{}}}`:                             "events_api",
		`{"event":{"type":"team_join","user":{"id":"U1"}}}`:                      "events_api",
		`{"event":{"type":"app_home_opened","tab":"messages","user":"U1"}}`:      "events_api",
		`{"type":"view_closed","user":{"id":"U1"}}`:                              "interactive",
		`{"type":"block_actions","user":{"id":"U1"},"actions":[]}`:               "interactive",
		`{"type":"block_actions","user":{},"actions":[{"action_id":"approve"}]}`: "interactive",
		`{"text":"list"}`: "slash_commands",
	} {
		if _, err := readInteraction(socket.Envelope{ID: "e", Type: kind, Payload: []byte(payload)}); !errors.Is(err, errIrrelevant) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	for _, kind := range []string{"slash_commands", "interactive", "events_api"} {
		if _, err := readInteraction(socket.Envelope{Type: kind, Payload: []byte(`[]`)}); err == nil || errors.Is(err, errIrrelevant) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
