package play

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"sshkeybot/internal/sim/slacksim"
)

// standIn has an app of the test's own take the place of the bot. It acknowledges each envelope with what answer
// returns for its payload.
func (v *visitor) standIn(answer func(payload map[string]any) any) {
	v.t.Helper()
	v.must(v.process().stop())
	opened := v.calls("apps.connections.open", v.Slack.AppToken(), nil)
	conn, response, err := websocket.DefaultDialer.DialContext(v.t.Context(), opened["url"].(string), nil)
	v.must(err)
	_ = response.Body.Close()
	ended := make(chan struct{})
	v.t.Cleanup(func() { _ = conn.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			var e struct {
				EnvelopeID string `json:"envelope_id"`
				Payload    map[string]any
			}
			if conn.ReadJSON(&e) != nil {
				return
			}
			if e.EnvelopeID != "" {
				_ = conn.WriteJSON(map[string]any{"envelope_id": e.EnvelopeID, "payload": answer(e.Payload)})
			}
		}
	}()
	v.must(v.Slack.Wait(v.t.Context(), func(w *slacksim.Workspace) bool { return w.Sockets() == 1 }))
}

// calls makes a call to Slack, as the bot does.
func (v *visitor) calls(method, token string, body any) map[string]any {
	v.t.Helper()
	text, err := json.Marshal(body)
	v.must(err)
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.cfg.Slack.APIURL+method, bytes.NewReader(text))
	v.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	v.must(err)
	defer response.Body.Close()
	var got map[string]any
	v.must(json.NewDecoder(response.Body).Decode(&got))
	if got["ok"] != true {
		v.t.Fatalf("%s: %v", method, got)
	}
	return got
}

const askForm = `{"type":"modal","title":{"type":"plain_text","text":"Ask"},"submit":{"type":"plain_text","text":"Send"},"blocks":[
{"type":"input","block_id":"servers","label":{"type":"plain_text","text":"Servers"},"element":{"type":"multi_external_select","action_id":"names","min_query_length":1}},
{"type":"input","block_id":"long","dispatch_action":true,"label":{"type":"plain_text","text":"How long"},"element":{"type":"static_select","action_id":"duration","options":[{"text":{"type":"plain_text","text":"Another"},"value":"other"}]}},
{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"reason"}}]}`

// opensForm has somebody see the form, as the stand-in opens it.
func (v *visitor) opensForm(person string) (id string) {
	v.t.Helper()
	v.types(person, "form")
	all := v.Slack.Deliveries()
	var payload struct {
		Trigger string `json:"trigger_id"`
	}
	v.must(json.Unmarshal(all[len(all)-1].Payload, &payload))
	opened := v.calls("views.open", v.Slack.BotToken(), map[string]any{"trigger_id": payload.Trigger, "view": json.RawMessage(askForm)})
	return opened["view"].(map[string]any)["id"].(string)
}

// What the bot suggests in a form is chosen on the page, and sent with it.
func TestForm(t *testing.T) {
	t.Parallel()
	v := visit(t, 1)
	sent := make(chan map[string]any, 2)
	v.standIn(func(payload map[string]any) any {
		switch payload["type"] {
		case "block_suggestion":
			options := []any{}
			for _, name := range []string{"web-01", "web, 02"} {
				options = append(options, map[string]any{"text": map[string]any{"type": "plain_text", "text": name + " of " + fmt.Sprint(payload["value"])}, "value": name})
			}
			return map[string]any{"options": options}
		case "view_submission", "block_actions":
			sent <- payload["view"].(map[string]any)["state"].(map[string]any)["values"].(map[string]any)
		}
		return nil
	})
	at := viewpoint{As: Dave, Place: Ops}
	id := v.opensForm(Dave)
	search := call{viewpoint: at, Act: "suggest", View: id, Block: "servers", Action: "names", Text: "we"}
	if diff := cmp.Diff([]suggestion{{"web-01", "web-01 of we", ""}, {"web, 02", "web, 02 of we", ""}}, v.acts(search).Suggestions); diff != "" {
		t.Errorf("suggested (-want +got):\n%s", diff)
	}
	search.Text = ""
	if told := v.acts(search); told.Error != "The app is asked from character 1 on." {
		t.Errorf("for nothing: %+v", told)
	}
	entered := map[string]map[string][]string{"servers": {"names": {"web, 02", "web-01"}}, "why": {"reason": {"a reason"}}}
	for _, act := range []call{
		{viewpoint: at, Act: "click", In: "view", View: id, Values: entered, Action: "duration", Choose: "other"},
		{viewpoint: at, Act: "submit", View: id, Values: entered},
	} {
		if told := v.acts(act); told.Error != "" {
			t.Fatal(told.Error)
		}
		values := <-sent
		chosen := values["servers"].(map[string]any)["names"].(map[string]any)["selected_options"].([]any)
		duration := values["long"].(map[string]any)["duration"].(map[string]any)["selected_option"].(map[string]any)["value"]
		reason := values["why"].(map[string]any)["reason"].(map[string]any)["value"]
		if len(chosen) != 2 || chosen[0].(map[string]any)["value"] != "web, 02" || reason != "a reason" || duration != "other" {
			t.Errorf("%s sent %v", act.Act, values)
		}
	}
}

// The shortcuts of the app are those of its manifest.
func TestShortcuts(t *testing.T) {
	t.Parallel()
	v := visit(t, 1)
	used := make(chan any, 1)
	v.standIn(func(payload map[string]any) any {
		if payload["type"] == "shortcut" {
			used <- payload["callback_id"]
		}
		return nil
	})
	s, err := v.draw(viewpoint{As: Dave, Place: Ops}, truth{tiles: []tile{{}}})
	v.must(err)
	if all := s["shortcuts"]; len(all) != 1 || !strings.Contains(string(all[0].HTML), "Ask for SSH access") || !strings.Contains(string(all[0].HTML), `data-shortcut="grant"`) {
		t.Errorf("drawn are %v", all)
	}
	if told := v.acts(call{viewpoint: viewpoint{As: Dave, Place: Ops}, Act: "shortcut", Name: "grant"}); told.Error != "" || <-used != "grant" {
		t.Errorf("told %q", told.Error)
	}
	if told := v.acts(call{viewpoint: viewpoint{As: Dave, Place: Ops}, Act: "shortcut", Name: "other"}); told.Error != "There is no such shortcut." {
		t.Errorf("told %q of another", told.Error)
	}
}

// A link to a message leads to where the one who follows it reads that message.
func TestFollow(t *testing.T) {
	t.Parallel()
	v := visit(t, 1)
	inOps, err := v.Slack.Say(Bob, Ops, "hello")
	v.must(err)
	inSecurity, err := v.Slack.Say(Bob, Security, "hello")
	v.must(err)
	direct, err := v.Slack.Say(Dave, v.Slack.DM(Dave), "hello")
	v.must(err)
	request := v.request(1)
	v.must(v.Slack.Wait(t.Context(), func(w *slacksim.Workspace) bool { return len(w.Thread(Ops, request.TS)) > 1 }))
	reply := v.Slack.Thread(Ops, request.TS)[1]
	for name, c := range map[string]struct {
		as     string
		to     slacksim.Message
		place  string
		thread string
	}{
		"channel":              {Dave, inOps, Ops, ""},
		"another channel":      {Dave, inSecurity, Security, ""},
		"direct message":       {Dave, direct, placeDM, ""},
		"reply":                {Dave, reply, Ops, request.TS},
		"hidden channel":       {Gus, inSecurity, "", ""},
		"others' message":      {Bob, direct, "", ""},
		"of another channel":   {Bob, slacksim.Message{Channel: Security, TS: inOps.TS}, "", ""},
		"of no message at all": {Bob, slacksim.Message{Channel: Ops, TS: "1.1"}, "", ""},
	} {
		got := v.acts(call{viewpoint: viewpoint{As: c.as, Place: Ops}, Act: "follow", Channel: c.to.Channel, TS: c.to.TS})
		if got.Place != c.place || got.Thread != c.thread || (got.Error == "") != (c.place != "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
