package slacksim

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func berlin() *time.Location { return time.FixedZone("CET", 3600) }

func TestMrkdwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now}) // 2027-01-15 08:00 UTC
	b.w.AddUserGroup("S1", "approvers")
	r := b.w.renderer(Viewer{TZ: berlin()})
	colour := b.w.renderer(Viewer{TZ: berlin(), Color: true})
	for in, want := range map[string]string{
		"*bold* _it_ ~gone~ a*b*c 2 * 3 * 4":                   "bold it gone a*b*c 2 * 3 * 4",
		"<@UA> <@U404> <#C1> <#C404|x> <!subteam^S1> <!here>":  "@alice @U404 #ops #x @approvers @here",
		"a &lt;b&gt; &amp;amp; `<x> &amp; *y*`":                "a <b> &amp; `<x> & *y*`",
		"<https://a.example/?x=1&amp;y|here> <mailto:a@b.c>":   "here a@b.c",
		"<!date^1800003600^{date_short_pretty} {time}|later>":  "today 10:00",
		"<!date^1800090000^{date_pretty} {time_secs} {ago}|x>": "tomorrow 10:00:00 in 25 hours",
		"<!date^1800600000^{date} {date_num}|x>":               "January 22, 2027 2027-01-22",
		"<!date^soon^{date}|fallback>":                         "fallback",
		"&gt; quoted\nnot":                                     "│ quoted\nnot",
		":white_check_mark: done :unknown_one: 10:30:00":       "✅ done :unknown_one: 10:30:00",
		"\x1b[31mred\x07":                                      "[31mred",
	} {
		if got := r.mrkdwn(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
	if got, want := colour.mrkdwn("*<@UA>* `x`"), "\x1b[1m\x1b[36m@alice\x1b[0m\x1b[1m\x1b[0m \x1b[33mx\x1b[0m"; got != want {
		t.Errorf("colour: %q", got)
	}
}

const gallery = `[
{"type":"header","text":{"type":"plain_text","text":":key: SSH access"}},
{"type":"section","text":{"type":"mrkdwn","text":"<@UA> asks for *12 hours* on every server of this rather long account name, which has to be wrapped."},
"accessory":{"type":"overflow","action_id":"o","options":[{"text":{"type":"plain_text","text":"x"},"value":"x"}]}},
{"type":"section","fields":[{"type":"mrkdwn","text":"*For*\n<@UB>"},{"type":"mrkdwn","text":"*Until*\n<!date^1800003600^{date_short} {time}|x>"},{"type":"plain_text","text":"alone"}]},
{"type":"divider"},
{"type":"table","column_settings":[{"align":"left"},{"align":"right"}],"rows":[
[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"server","style":{"bold":true}}]}]},{"type":"raw_text","text":"ms"}],
[{"type":"raw_text","text":"web-1"},{"type":"raw_text","text":"7"}],
[{"type":"raw_text","text":"日本 ✅"},{"type":"raw_number","value":1234}]]},
{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"See "},{"type":"user","user_id":"UA"},{"type":"emoji","name":"wave"},{"type":"link","url":"https://x.example"},{"type":"text","text":"rm","style":{"code":true}}]},
{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"two"}]}]},
{"type":"rich_text_quote","elements":[{"type":"text","text":"said"}]}]},
{"type":"context","elements":[{"type":"mrkdwn","text":"Request R1"},{"type":"plain_text","text":"SHA256:abc"}]},
{"type":"actions","elements":[{"type":"button","action_id":"a","style":"primary","text":{"type":"plain_text","text":"Approve"}},{"type":"button","action_id":"d","style":"danger","text":{"type":"plain_text","text":"Deny"}},
{"type":"users_select","action_id":"u","initial_user":"UB"},{"type":"static_select","action_id":"s","placeholder":{"type":"plain_text","text":"Pick"},"options":[{"text":{"type":"plain_text","text":"x"},"value":"x"}]}]}]`

func (b *bench) gallery() string {
	b.t.Helper()
	ts := b.post("channel", "C1", "text", "fallback", "blocks", gallery)
	b.post("channel", "C1", "text", "web-1: *done*", "thread_ts", ts)
	b.form("reactions.add", "channel", "C1", "timestamp", ts, "name", "eyes")
	begun := b.form("files.getUploadURLExternal", "filename", "run.txt", "length", "3")
	b.send(begun["upload_url"].(string), "", "text/plain", "abc")
	b.form("files.completeUploadExternal", "channel_id", "C1", "thread_ts", ts,
		"files", `[{"id":"`+begun["file_id"].(string)+`"}]`)
	return ts
}

func TestRenderThread(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	ts := b.gallery()
	golden(t, "thread", b.w.RenderThread("C1", ts, Viewer{TZ: berlin(), Width: 64}))
	golden(t, "thread-colour", b.w.RenderThread("C1", ts, Viewer{TZ: berlin(), Width: 64, Color: true}))
	if v := b.w.Violations(); len(v) > 0 {
		t.Errorf("violations: %v", v)
	}
}

func TestRenderView(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	b.connect(always(nil))
	b.open()
	golden(t, "modal", b.w.RenderView(b.w.Modals("UA")[0], Viewer{Width: 50}))
	view := `{"type":"home","blocks":` + gallery[:strings.Index(gallery, `{"type":"table"`)] + `{"type":"input","label":{"type":"plain_text","text":"Which"},
"element":{"type":"checkboxes","initial_options":[{"text":{"type":"plain_text","text":"one"},"value":"1"}],
"options":[{"text":{"type":"plain_text","text":"one"},"value":"1"},{"text":{"type":"plain_text","text":"two"},"value":"2"}]}}]}`
	if got := b.form("views.publish", "user_id", "UA", "view", view); got["ok"] != true {
		t.Fatalf("publish: %v", got)
	}
	home, _ := b.w.Home("UA")
	golden(t, "home", b.w.RenderView(home, Viewer{Width: 50}))
}

func TestRenderEphemeralEditedDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	b.form("chat.postEphemeral", "channel", "C1", "user", "UA", "text", "only you")
	if got := b.w.Render(b.w.Ephemeral("UA")[0], Viewer{}); got != "Only visible to @alice\nsshkey APP  08:00\nonly you\n" {
		t.Errorf("ephemeral: %q", got)
	}
	ts := b.post("channel", "C1", "text", "x")
	b.form("chat.update", "channel", "C1", "ts", ts, "text", "y")
	m, _ := b.w.Message("C1", ts)
	if got := b.w.Render(m, Viewer{}); got != "sshkey APP  08:00 (edited)\ny\n" {
		t.Errorf("edited: %q", got)
	}
	b.form("chat.delete", "channel", "C1", "ts", ts)
	m, _ = b.w.Message("C1", ts)
	if got := b.w.Render(m, Viewer{}); !strings.Contains(got, "was deleted") {
		t.Errorf("deleted: %q", got)
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.post("channel", "C1", "text", "<@UA> <!date^1^{date}|x> <https://x>",
		"blocks", `[{"type":"section","text":{"type":"mrkdwn","text":"<!channel> &lt;!here&gt;"}},{"type":"section","text":{"type":"plain_text","text":"<!here>"}}]`)
	if got := b.w.Messages("C1")[0].Mentions(); !cmp.Equal(got, []string{"<@UA>", "<!channel>"}) {
		t.Errorf("mentions: %v", got)
	}
}
