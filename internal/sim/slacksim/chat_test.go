package slacksim

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPostErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.AddUser(User{ID: "UX", Name: "gone", Deleted: true})
	for _, c := range []struct{ channel, extra, value, code string }{
		{"C404", "text", "x", "channel_not_found"},
		{"G1", "text", "x", "channel_not_found"},
		{"C9", "text", "x", "is_archived"},
		{"UX", "text", "x", "user_disabled"},
		{"C1", "text", "", "no_text"},
		{"C1", "text", strings.Repeat("ä", 4001), "msg_too_long"},
		{"C1", "blocks", "{", "invalid_blocks_format"},
		{"C1", "blocks", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "invalid_blocks"},
	} {
		b.wantError(b.form("chat.postMessage", "channel", c.channel, c.extra, c.value), c.code)
	}
	b.post("channel", "C2", "text", "chat:write.public")
	b.w.SetScopes("chat:write")
	b.wantError(b.form("chat.postMessage", "channel", "C2", "text", "x"), "not_in_channel")
	b.wantError(b.form("chat.postMessage", "channel", "C1", "text", "x", "thread_ts", "1.1"), "thread_not_found")
	if v := b.w.Violations(); len(v) < 3 {
		t.Errorf("violations: %v", v)
	}
}

func TestUpdateAndDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	ts := b.post("channel", "C1", "text", "first", "blocks", `[{"type":"divider"}]`)
	if got := b.form("chat.update", "channel", "C1", "ts", ts, "text", "second"); got["ok"] != true {
		t.Fatalf("update: %v", got)
	}
	m, _ := b.w.Message("C1", ts)
	if m.Text != "second" || len(m.Blocks) != 0 || len(m.Edits) != 1 || len(m.Edits[0].Blocks) != 1 {
		t.Errorf("after text without blocks: %+v", m)
	}
	b.wantError(b.form("chat.update", "channel", "C1", "ts", "1.1", "text", "x"), "message_not_found")
	b.wantError(b.form("chat.update", "channel", "UA", "ts", ts, "text", "x"), "channel_not_found")
	b.wantError(b.form("chat.update", "channel", "C1", "ts", ts, "text", strings.Repeat("x", 4001)), "msg_too_long")
	b.w.add(Message{Channel: "C1", User: "UA", Text: "mine"})
	mine := b.w.Messages("C1")[1].TS
	b.wantError(b.form("chat.update", "channel", "C1", "ts", mine, "text", "x"), "cant_update_message")
	b.wantError(b.form("chat.delete", "channel", "C1", "ts", mine), "cant_delete_message")
	if got := b.form("chat.delete", "channel", "C1", "ts", ts); got["ok"] != true || len(b.w.Messages("C1")) != 1 {
		t.Errorf("delete: %v", got)
	}
}

func TestThreadAndPermalink(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	ts := b.post("channel", "C1", "text", "parent")
	reply := b.post("channel", "C1", "text", "reply", "thread_ts", ts)
	b.post("channel", "C1", "text", "wrong parent", "thread_ts", reply)
	if got := b.w.Thread("C1", ts); len(got) != 3 || got[1].TS != reply {
		t.Errorf("thread: %+v", got)
	}
	if got := b.w.Messages("C1"); len(got) != 1 {
		t.Errorf("top level has %d messages, want the parent", len(got))
	}
	if v := b.w.Violations(); len(v) != 1 {
		t.Errorf("violations: %v", v)
	}
}

func TestPermalink(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Now: newClock().now})
	b.w.SetScopes() // it needs none
	parent := b.w.add(Message{Channel: "C1", User: "UA", Text: "parent"}).TS
	reply := b.w.add(Message{Channel: "C1", User: "UA", Text: "reply", ThreadTS: parent}).TS
	for ts, want := range map[string]string{
		parent: "https://sim.slack.com/archives/C1/p1800000000000000",
		reply:  "https://sim.slack.com/archives/C1/p1800000000000001?thread_ts=1800000000.000000&cid=C1",
	} {
		if got := b.form("chat.getPermalink", "channel", "C1", "message_ts", ts); got["permalink"] != want || got["channel"] != "C1" {
			t.Errorf("%s: %v", ts, got)
		}
		linked := string(b.w.HTML(Message{User: "UA", Text: "see <" + escapeText(want) + "|there>"}, Viewer{}))
		if !strings.Contains(linked, `<a href="#" data-open="C1" data-message="`+ts+`">there</a>`) {
			t.Errorf("it is drawn as %s", linked)
		}
	}
	if answer := b.get("chat.getPermalink?channel=C1&message_ts=" + reply); answer["ok"] != true {
		t.Errorf("by GET: %v", answer)
	}
	b.wantError(b.form("chat.getPermalink", "channel", "C1", "message_ts", "1.1"), "message_not_found")
	b.wantError(b.form("chat.getPermalink", "channel", "C404", "message_ts", parent), "channel_not_found")
	b.wantError(b.form("chat.getPermalink", "channel", "G1", "message_ts", parent), "channel_not_found")
}

func TestEphemeral(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.form("chat.postEphemeral", "channel", "C1", "user", "UB", "text", "psst")
	if got := b.w.Ephemeral("UB"); len(got) != 1 || got[0].Channel != "C1" || len(b.w.Messages("C1")) != 0 {
		t.Errorf("ephemeral: %+v", got)
	}
	b.wantError(b.form("chat.postEphemeral", "channel", "C2", "user", "UA", "text", "x"), "not_in_channel")
	b.w.AddUser(User{ID: "UC", Name: "carol"})
	b.wantError(b.form("chat.postEphemeral", "channel", "C1", "user", "UC", "text", "x"), "user_not_in_channel")
}

func TestMissingTextIsWarnedOf(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	got := b.form("chat.postMessage", "channel", "C1", "blocks", `[{"type":"divider"}]`)
	if got["ok"] != true || got["warning"] != "missing_text_in_message" || len(b.w.Violations()) != 1 {
		t.Errorf("got %v, violations %v", got, b.w.Violations())
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	ts := b.post("channel", "C1", "text", "parent")
	content := "all results\n"
	begun := b.form("files.getUploadURLExternal", "filename", "run.txt", "length", strconv.Itoa(len(content)))
	id, _ := begun["file_id"].(string)
	files := `[{"id":"` + id + `","title":"All results"}]`
	b.wantError(b.form("files.completeUploadExternal", "files", files, "channel_id", "C1"), "file_not_found")
	for size, status := range map[int]int{len(content) - 1: 400, len(content): 200} {
		if got := b.upload(begun["upload_url"].(string), content[:size]); got != status {
			t.Errorf("upload of %d bytes: status %d, want %d", size, got, status)
		}
	}
	b.wantError(b.form("files.completeUploadExternal", "files", files, "channel_id", "C2"), "not_in_channel")
	done := b.form("files.completeUploadExternal", "files", files, "channel_id", "C1", "thread_ts", ts)
	if done["ok"] != true {
		t.Fatalf("complete: %v", done)
	}
	got := b.w.Files("C1")
	if len(got) != 1 || string(got[0].Content) != content || got[0].Title != "All results" {
		t.Errorf("files: %+v", got)
	}
	if thread := b.w.Thread("C1", ts); len(thread) != 2 || len(thread[1].Files) != 1 {
		t.Errorf("thread: %+v", thread)
	}
}

func TestResponseURL(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newBench(t, Options{Now: c.now})
	b.connect(always(nil))
	r, err := b.w.Command(b.ctx, "UA", "G1", "/sshkey list")
	if err != nil || r.responseURL == "" {
		t.Fatal(r, err)
	}
	say := func(body string) int {
		resp, _ := b.send(r.responseURL, "", "application/json", body)
		return resp.StatusCode
	}
	for range 4 {
		if got := say(`{"text":"answer"}`); got != 200 {
			t.Fatalf("status %d", got)
		}
	}
	if got := say(`{"text":"to all","response_type":"in_channel"}`); got != 200 {
		t.Fatalf("status %d", got)
	}
	if len(b.w.Ephemeral("UA")) != 4 || len(b.w.Messages("G1")) != 1 {
		t.Errorf("%d private, %d public", len(b.w.Ephemeral("UA")), len(b.w.Messages("G1")))
	}
	if got := say(`{"text":"sixth"}`); got != 404 {
		t.Errorf("sixth use: status %d", got)
	}
	r, err = b.w.Command(b.ctx, "UA", "G1", "/sshkey list")
	if err != nil {
		t.Fatal(err)
	}
	c.add(31 * time.Minute)
	if got := say(`{"text":"late"}`); got != 404 {
		t.Errorf("after half an hour: status %d", got)
	}
}
