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

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", file)
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
		t.Errorf("%s (-want +got):\n%s", file, diff)
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
		"*bold* _it_ ~gone~ a*b*c 2 * 3 * 4":                       "bold it gone a*b*c 2 * 3 * 4",
		"<@UA> <@U404> <#C1> <#C404|x> <!subteam^S1> <!here>":      "@alice @U404 #ops #x @approvers @here",
		"a &lt;b&gt; &amp;amp; `<x> &amp; *y*`":                    "a <b> &amp; `<x> & *y*`",
		"<https://a.example/?x=1&amp;y|here> <https://a.b/c>":      "here https://a.b/c",
		"<!date^1800003600^{date_short_pretty} {time}|later>":      "today 10:00",
		"<!date^1800090000^{date_short_pretty} {time}|x>":          "tomorrow 10:00",
		"<!date^1799910000^{date_short_pretty}|x>":                 "yesterday",
		"<!date^1800600000^{date_short_pretty}, not {date_num}|x>": "Jan 22, 2027, not {date_num}",
		"<!date^soon^{time}|fallback>":                             "fallback",
		"\x1b[31mred\x07":                                          "[31mred",
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
{"type":"header","text":{"type":"plain_text","text":"SSH access"}},
{"type":"section","text":{"type":"mrkdwn","text":"<@UA> asks for *12 hours* on every server of this rather long account name, which has to be wrapped, and of 日本 ✅."}},
{"type":"section","text":{"type":"mrkdwn","text":"*Until*\n<!date^1800003600^{date_short_pretty} {time}|x>\nand ` + "`" + `no longer` + "`" + `"}},
{"type":"divider"},
{"type":"context","elements":[{"type":"mrkdwn","text":"Request R1"},{"type":"plain_text","text":"SHA256:abc"}]},
{"type":"actions","elements":[{"type":"button","action_id":"a","style":"primary","text":{"type":"plain_text","text":"Approve"}},{"type":"button","action_id":"d","style":"danger","text":{"type":"plain_text","text":"Deny"}},
{"type":"button","action_id":"m","text":{"type":"plain_text","text":"More"}},
{"type":"users_select","action_id":"u","initial_user":"UB"},{"type":"static_select","action_id":"s","placeholder":{"type":"plain_text","text":"Pick"},"options":[{"text":{"type":"plain_text","text":"x"},"value":"x"}]}]}]`

func (b *bench) gallery() string {
	b.t.Helper()
	ts := b.post("channel", "C1", "text", "fallback", "blocks", gallery)
	b.post("channel", "C1", "text", "web-1: *done*", "thread_ts", ts)
	begun := b.form("files.getUploadURLExternal", "filename", "run.txt", "length", "3")
	b.upload(begun["upload_url"].(string), "abc")
	b.form("files.completeUploadExternal", "channel_id", "C1", "thread_ts", ts,
		"files", `[{"id":"`+begun["file_id"].(string)+`"}]`)
	return ts
}

func TestRenderThread(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	ts := b.gallery()
	golden(t, "thread.txt", b.w.RenderThread("C1", ts, Viewer{TZ: berlin(), Width: 64}))
	golden(t, "thread-colour.txt", b.w.RenderThread("C1", ts, Viewer{TZ: berlin(), Width: 64, Color: true}))
	if v := b.w.Violations(); len(v) > 0 {
		t.Errorf("violations: %v", v)
	}
}

func TestRenderOverflow(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	golden(t, "overflow.txt", b.w.Render(b.posts("text", "x", "blocks", overflows), Viewer{Width: 50}))
}

func TestRenderView(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	b.connect(always(nil))
	b.open()
	golden(t, "modal.txt", b.w.RenderView(b.w.Modals("UA")[0], Viewer{Width: 50}))
	view := `{"type":"home","blocks":` + gallery + `}`
	if got := b.form("views.publish", "user_id", "UA", "view", view); got["ok"] != true {
		t.Fatalf("publish: %v", got)
	}
	home, _ := b.w.Home("UA")
	golden(t, "home.txt", b.w.RenderView(home, Viewer{Width: 50}))
}

func TestRenderEphemeralEditedDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	b.form("chat.postEphemeral", "channel", "C1", "user", "UA", "text", "only you")
	if got := b.w.Render(b.w.Ephemeral("UA")[0], Viewer{}); got != "Only visible to @alice\nsshkeybot APP  08:00\nonly you\n" {
		t.Errorf("ephemeral: %q", got)
	}
	ts := b.post("channel", "C1", "text", "x")
	b.form("chat.update", "channel", "C1", "ts", ts, "text", "y")
	m, _ := b.w.Message("C1", ts)
	if got := b.w.Render(m, Viewer{}); got != "sshkeybot APP  08:00 (edited)\ny\n" {
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
