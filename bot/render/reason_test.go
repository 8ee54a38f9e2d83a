package render

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestLinksInAReason(t *testing.T) {
	t.Parallel()
	const tickets = "https://tickets.example.com/browse/%s"
	for reason, want := range map[string]string{
		"see https://a.example/x?y=1&z=2#top now":              "see <https://a.example/x?y=1&amp;z=2#top> now",
		"https://a.example":                                    "<https://a.example>",
		"https://a.example:8443/x.":                            "<https://a.example:8443/x>.",
		"(https://a.example/x),":                               "(<https://a.example/x>),",
		"see:https://a.example/x; https://b.example!":          "see:<https://a.example/x>; <https://b.example>!",
		"https://en.example.org/wiki/Go_(game)":                "<https://en.example.org/wiki/Go_(game)>",
		"(https://en.example.org/wiki/Go_(game))":              "(<https://en.example.org/wiki/Go_(game)>)",
		"“https://a.example/x”?!":                              "“<https://a.example/x>”?!",
		"https://a.example/*_~:tada:":                          "<https://a.example/*_~:tada>:",
		"https://a.example/ü":                                  "<https://a.example/ü>",
		"https://xn--bcher-kva.example/":                       "<https://xn--bcher-kva.example/>",
		"<https://a.example>":                                  "&lt;<https://a.example>&gt;",
		"https://a.example/a b":                                "<https://a.example/a> b",
		"https://a.example\u200b/x":                            "<https://a.example/x>",
		"https://good.example|https://evil.example":            "https://good.example|https://evil.example",
		"<https://good.example|https://evil.example>":          "&lt;https://good.example|https://evil.example&gt;",
		"https://good.example><https://evil.example":           "https://good.example&gt;&lt;https://evil.example",
		"https://good.example`/x":                              "https://good.exampleˋ/x",
		"http://a.example ftp://a.example HTTPS://a.example":   "http://a.example ftp://a.example HTTPS://a.example",
		"https://user@a.example https://user:secret@b.example": "https://user@a.example https://user:secret@b.example",
		"https://good.example\\@evil.example":                  "https://good.example\\@evil.example",
		"https://bücher.example https://gооd.example":          "https://bücher.example https://gооd.example",
		"https://good.example／@evil.example/":                  "https://good.example／@evil.example/",
		"https://localhost/x https://[::1]/ https:///x":        "https://localhost/x https://[::1]/ https:///x",
		"https://a.example:port/ https://a.example:/":          "https://a.example:port/ https://a.example:/",
		"https://a.example/%zz https://a%2eb.example":          "https://a.example/%zz https://a%2eb.example",
		"xhttps://a.example javascript://https://a.example":    "xhttps://a.example javascript://https://a.example",
		"https:// https://. https://..":                        "https:// https://. https://..",
		"<!channel> *b* _i_ :tada: web_1 & @here":              "&lt;!channel&gt; ∗b∗ ＿i＿ ∶tada∶ web_1 &amp; @here",

		"OPS-123":                      "<https://tickets.example.com/browse/OPS-123|OPS-123>",
		"(OPS-123), A1-7: disk":        "(<https://tickets.example.com/browse/OPS-123|OPS-123>), <https://tickets.example.com/browse/A1-7|A1-7>: disk",
		"OPS-1,OPS-2.":                 "<https://tickets.example.com/browse/OPS-1|OPS-1>,<https://tickets.example.com/browse/OPS-2|OPS-2>.",
		"*OPS-1*":                      "∗<https://tickets.example.com/browse/OPS-1|OPS-1>∗",
		"xOPS-123 OPS-123x OPS-12_3":   "xOPS-123 OPS-123x OPS-12_3",
		"ÜOPS-123 OPS-123ü A-1 ops-1":  "ÜOPS-123 OPS-123ü A-1 ops-1",
		"my-OPS-1 OPS-1-fix OPS-1/2":   "my-OPS-1 OPS-1-fix OPS-1/2",
		"OPS-12345678 ABCDEFGHIJKLM-1": "OPS-12345678 ABCDEFGHIJKLM-1",
		"a.example/OPS-1":              "a.example/OPS-1",
		"http://a.example/?OPS-1":      "http://a.example/?OPS-1",
		"https://a.example/OPS-1":      "<https://a.example/OPS-1>",
		"https://me@a.example?x,OPS-1": "https://me@a.example?x,OPS-1",
	} {
		if got := reasonText(reason, tickets, 600); got != want {
			t.Errorf("%q became\n%q, want\n%q", reason, got, want)
		}
	}
	if got := reasonText("OPS-123", "", 600); got != "OPS-123" {
		t.Errorf("without an address a ticket became %q", got)
	}
	if got := reasonText("OPS-1", "https://a.example/?a&q=%s", 600); got != "<https://a.example/?a&amp;q=OPS-1|OPS-1>" {
		t.Errorf("a ticket became %q", got)
	}
}

func TestNoLinkIsCut(t *testing.T) {
	t.Parallel()
	const address = "https://a.example/0123456789"
	for reason, want := range map[string]string{
		"a " + address:        "a <" + address + ">",
		"abc " + address:      "abc " + address,
		"abcde " + address:    "abcde https://a.example/01234567…",
		address + " " + "abc": "<" + address + "> a…",
	} {
		if got := reasonText(reason, "", 33); got != want {
			t.Errorf("%q became %q, want %q", reason, got, want)
		}
	}
}

// Whoever gave a reason, what it links to is shown alike in the text and in the blocks.
func TestEveryReasonLinks(t *testing.T) {
	t.Parallel()
	const link = "<https://a.example/x>"
	ask := func(kind access.RequestKind, state access.RequestState, change func(*workflow.RequestView)) workflow.RequestView {
		v := small().request(kind, state)
		v.Request.Reason, v.Request.Note = "", ""
		change(&v)
		return v
	}
	said := "look: https://a.example/x."
	given := func(v *workflow.RequestView) { v.Request.Reason = said }
	denied := func(v *workflow.RequestView) { v.Request.Note = said }
	joined := func(v *workflow.RequestView) { v.Askers = []access.Asker{{Asker: carol, Reason: said}} }
	deny := access.Notice{Kind: access.NoticeDecided, RequestID: 12, To: alice}
	refusal := ask(access.KindGrant, access.Denied, denied)
	revoked := ask(access.KindRevoke, access.Approved, given)
	page := workflow.LogPage{Entries: []workflow.LogEntry{{Event: access.Event{Action: access.DidRequestDenied, Actor: carol, Detail: said}}}}
	for name, m := range map[string]Message{
		"a grant":            Request(ask(access.KindGrant, access.Pending, given), noon()),
		"a revocation":       Request(ask(access.KindRevoke, access.Pending, given), noon()),
		"who else asks":      Request(ask(access.KindRevoke, access.Pending, joined), noon()),
		"an offboarding":     Request(ask(access.KindOffboard, access.Pending, given), noon()),
		"an announcement":    Request(ask(access.KindOffboard, access.Approved, given), noon()),
		"a reinstatement":    Request(ask(access.KindReinstate, access.Pending, given), noon()),
		"a denial":           Request(refusal, noon()),
		"what is to confirm": Draft(ask(access.KindRevoke, access.Draft, given)),
		"pending":            Pending(workflow.PendingPage{Page: workflow.Page{Parts: []int{1, 0}}, Views: []workflow.RequestView{ask(access.KindGrant, access.Pending, given)}}, nil, ""),
		"who asked is told":  Notice(deny, &refusal, nil, Post{}),
		"who lost access":    Notice(access.Notice{Kind: access.NoticeRevoked, To: bob, Detail: string(carol)}, &revoked, nil, Post{}),
		"the log":            Log(page),
	} {
		if !strings.Contains(m.Text, "look: "+link+".") || !strings.Contains(strings.Join(texts(t, Message{Blocks: m.Blocks}), "\n"), "look: "+link+".") {
			t.Errorf("%s has no link:\n%s", name, m.Text)
		}
	}
	if line := EventText(page.Entries[0]); strings.ContainsAny(line, "<>") {
		t.Errorf("there is markup in plain text: %s", line)
	}
}

var reasonLink = regexp.MustCompile(`<https://([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(:\d+)?([/?#][^<>|]*)?>|<https://tickets\.example\.com/[A-Z0-9]+-\d+\|[A-Z0-9]+-\d+>`)

func FuzzReason(f *testing.F) {
	f.Add(attack, 40)
	f.Add("https://a.b/c OPS-1 (https://d.e)", 60)
	f.Add("<https://a.b|https://c.d> https://e@f.g", 600)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 5 + abs(limit)%500
		shown := reasonText(text, "https://tickets.example.com/%s", limit)
		if n := utf8.RuneCountInString(shown); n > limit {
			t.Errorf("%q became %d characters, limit %d", text, n, limit)
		}
		if rest := reasonLink.ReplaceAllString(shown, ""); strings.ContainsAny(rest, "<>*~`\n\r") {
			t.Errorf("%q became %q, which leaves %q", text, shown, rest)
		}
	})
}
