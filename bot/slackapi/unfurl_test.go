package slackapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A reason may hold a link, and a denial brings its reason by an edit.
func TestNothingIsUnfurled(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen[r.URL.Path]++
		if r.FormValue("unfurl_links") != "false" || r.FormValue("unfurl_media") != "false" {
			t.Errorf("%s: %v", r.URL.Path, r.Form)
		}
		answer := `{"ok":true,"channel":"C1","ts":"1.1"}`
		if seen[r.URL.Path] == 1 && r.URL.Path != "/chat.postEphemeral" {
			answer = `{"ok":false,"error":"invalid_blocks"}` // the text is sent alone then
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	api := New(Config{Token: "xoxb-1", URL: server.URL + "/", HTTP: server.Client(), Speed: unlimited, Log: slog.New(slog.DiscardHandler), Plain: func(m Message) string { return m.Text }})
	m := Message{Text: "<https://a.example/x>"}
	if _, err := api.Post(t.Context(), "C1", "", m); err != nil {
		t.Error(err)
	}
	if err := api.Update(t.Context(), Ref{"C1", "1.1"}, m); err != nil {
		t.Error(err)
	}
	if err := api.PostEphemeral(t.Context(), "C1", "U1", m); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]int{"/chat.postMessage": 2, "/chat.update": 2, "/chat.postEphemeral": 1} {
		if seen[path] != want {
			t.Errorf("%s was called %d times, want %d", path, seen[path], want)
		}
	}
}
