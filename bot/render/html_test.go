package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"sshkeybot/internal/sim/slacksim"
)

// Everything there is to draw can be shown on the page that plays Slack.
func TestEverythingIsShownAsHTML(t *testing.T) {
	t.Parallel()
	w := slacksim.New(slacksim.Options{})
	t.Cleanup(w.Close)
	for variant, cases := range allCases() {
		for name, drawn := range cases {
			for _, html := range asHTML(t, w, drawn) {
				if html == "" || strings.Contains(html, `class="unknown"`) {
					t.Errorf("%s %s: %s", variant, name, html)
				}
			}
		}
	}
}

// asHTML returns messages and views as the page shows them, and nothing of files.
func asHTML(t *testing.T, w *slacksim.Workspace, drawn any) []string {
	t.Helper()
	var content struct{ Blocks []slacksim.Block }
	read := func(x any) {
		content.Blocks = nil
		if err := json.Unmarshal(encode(t, x), &content); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	switch d := drawn.(type) {
	case Message:
		read(d)
		out = append(out, string(w.HTML(slacksim.Message{Text: d.Text, Blocks: content.Blocks}, slacksim.Viewer{})))
	case []Message:
		for _, m := range d {
			out = append(out, asHTML(t, w, m)...)
		}
	case slack.ModalViewRequest, slack.HomeTabViewRequest:
		read(d)
		out = append(out, string(w.ViewHTML(slacksim.View{Blocks: content.Blocks}, slacksim.Viewer{})))
	case []byte:
	default:
		t.Errorf("what of %T is shown?", d)
	}
	return out
}
