package slacksim

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const decision = `[
{"type":"header","text":{"type":"plain_text","text":"Request 1 <b>"}},
{"type":"section","text":{"type":"mrkdwn","text":"<@UA> asks <@UB> in <#C1> for *12 _long_ hours*, ~not 2~.\nUntil <!date^1800003600^{date_short_pretty} {time}|x>: <https://a.example/?x=1&amp;y=%20|see here> and <https://sim.slack.com/archives/C1/p1800000000000001|there>"}},
{"type":"section","text":{"type":"mrkdwn","text":"Run\n` + "```" + `ssh a &amp;&amp;\n  b` + "```" + `\nthen\n&gt; said ` + "`x &lt; y`" + `\n&gt; twice\nand <!here>, <!subteam^S1>, <@U404>, <#C404|lost>, <mailto:a@b.example|a@b.example>"}},
{"type":"section","text":{"type":"plain_text","text":"*plain*\n<@UA> &amp;"}},
{"type":"divider"},
{"type":"context","elements":[{"type":"mrkdwn","text":"Request *R1*"},{"type":"plain_text","text":"SHA256:abc"}]},
{"type":"actions","elements":[
{"type":"button","action_id":"approve","style":"primary","value":"1.x","accessibility_label":"Approve request <1>","text":{"type":"plain_text","text":"Approve"}},
{"type":"button","action_id":"deny:a b/%","style":"danger","value":"1 \"2\" javascript:","text":{"type":"plain_text","text":"Deny"},
"confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"mrkdwn","text":"*Really* <@UB> of ` + "`web-1`" + `?\n\"Yes\""},"confirm":{"type":"plain_text","text":"Deny it"},"deny":{"type":"plain_text","text":"Go back"},"style":"danger"}},
{"type":"button","action_id":"more","text":{"type":"plain_text","text":"More"},
"confirm":{"title":{"type":"plain_text","text":"More?"},"text":{"type":"plain_text","text":"*All*"},"confirm":{"type":"plain_text","text":"Yes"},"deny":{"type":"plain_text","text":"No"}}}]}]`

const menus = `[{"type":"actions","elements":[
{"type":"static_select","action_id":"pick","placeholder":{"type":"plain_text","text":"Remove a key"},
"options":[{"text":{"type":"plain_text","text":"2"},"value":"1"},{"text":{"type":"plain_text","text":"1"},"value":"2"}],
"confirm":{"title":{"type":"plain_text","text":"Gone?"},"text":{"type":"plain_text","text":"For good."},"confirm":{"type":"plain_text","text":"It is"},"deny":{"type":"plain_text","text":"No"},"style":"danger"}},
{"type":"static_select","action_id":"first","options":[{"text":{"type":"plain_text","text":"x"},"value":"x"},{"text":{"type":"plain_text","text":"y"},"value":"y"}],
"initial_option":{"text":{"type":"plain_text","text":"y"},"value":"y"}},
{"type":"users_select","action_id":"who","placeholder":{"type":"plain_text","text":"Choose a person"}},
{"type":"users_select","action_id":"gone","initial_user":"UL"}]}]`

const overflows = `[
{"type":"section","text":{"type":"mrkdwn","text":"*web-1* for <@UA>, and for a while which takes more than a line"},"accessory":{"type":"button","action_id":"again","value":"r1","text":{"type":"plain_text","text":"Ask again"}}},
{"type":"section","block_id":"row","text":{"type":"plain_text","text":"web-2"},"accessory":{"type":"overflow","action_id":"menu",
"options":[{"text":{"type":"plain_text","text":"Withdraw <b>"},"value":"w \"1\""},{"text":{"type":"plain_text","text":"Edit"},"value":"e1"}],
"confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"plain_text","text":"It ends."},"confirm":{"type":"plain_text","text":"Yes"},"deny":{"type":"plain_text","text":"No"}}}},
{"type":"actions","elements":[
{"type":"button","action_id":"approve","style":"primary","text":{"type":"plain_text","text":"Approve"}},
{"type":"overflow","action_id":"more","options":[{"text":{"type":"plain_text","text":"Log"},"value":"l1"}]}]}]`

const allInputs = `{"type":"modal","title":{"type":"plain_text","text":"Ask"},"submit":{"type":"plain_text","text":"Send"},"close":{"type":"plain_text","text":"Stop"},"blocks":[
{"type":"section","text":{"type":"mrkdwn","text":"For <@UA>"}},
{"type":"input","block_id":"who","label":{"type":"plain_text","text":"Who"},"hint":{"type":"plain_text","text":"A person"},"element":{"type":"users_select","action_id":"u","initial_user":"UB","placeholder":{"type":"plain_text","text":"Choose"}}},
{"type":"input","block_id":"a \"b\" & c","label":{"type":"plain_text","text":"How long"},"element":{"type":"static_select","action_id":"s",
"options":[{"text":{"type":"plain_text","text":"One hour"},"value":"1h"},{"text":{"type":"plain_text","text":"Two"},"value":"2h"}],"initial_option":{"text":{"type":"plain_text","text":"Two"},"value":"2h"}}},
{"type":"input","block_id":"why","optional":true,"label":{"type":"plain_text","text":"Why"},"hint":{"type":"plain_text","text":"In a word"},
"element":{"type":"plain_text_input","action_id":"t","max_length":50,"initial_value":"a \"b\"","placeholder":{"type":"plain_text","text":"Ticket"}}},
{"type":"input","block_id":"key","label":{"type":"plain_text","text":"Key"},"element":{"type":"plain_text_input","action_id":"t","multiline":true,"initial_value":"\na</textarea>\nb"}},
{"type":"actions","block_id":"act","elements":[{"type":"button","action_id":"b","text":{"type":"plain_text","text":"Look"}}]}]}`

const hostile = `</p><script>alert(1)</script> <javascript:alert(1)|click> <https://x.example/\"onmouseover=\"a|<b>> <data:text/html,x> ` +
	`<https:evil|no host> &lt;img src=x onerror=a&gt; \"'&quot; \u202egnp.exe\u202c \u0000\u0007\u001b[31m <@UA|<i>> *<!date^1^{time}<i>|x>* ` + "`</code>` ```</pre>```"

// posts posts blocks in C1 and returns the message.
func (b *bench) posts(pairs ...string) Message {
	b.t.Helper()
	m, found := b.w.Message("C1", b.post(append([]string{"channel", "C1"}, pairs...)...))
	if !found {
		b.t.Fatal("the message is not there")
	}
	return m
}

// peopled is a bench with a group and somebody who left.
func peopled(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, Options{Now: newClock().now}) // 2027-01-15 08:00 UTC
	b.w.AddUserGroup("S1", "approvers")
	b.w.AddUser(User{ID: "UL", Name: "left", Deleted: true})
	return b
}

func (b *bench) noViolations() {
	b.t.Helper()
	if v := b.w.Violations(); len(v) > 0 {
		b.t.Errorf("violations: %v", v)
	}
}

func TestHTMLOfMessages(t *testing.T) {
	t.Parallel()
	b := peopled(t)
	alice := Viewer{TZ: berlin(), User: "UA"}
	golden(t, "buttons.html", string(b.w.HTML(b.posts("text", "x", "blocks", decision), alice)))
	golden(t, "menus.html", string(b.w.HTML(b.posts("text", "x", "blocks", menus), alice)))
	golden(t, "hostile.html", string(b.w.HTML(b.posts("text", unquoteJSON(t, hostile)), alice)))
	golden(t, "hostile-blocks.html", string(b.w.HTML(b.posts("text", "x", "blocks", hostileBlocks(t)), alice)))
	b.form("chat.postEphemeral", "channel", "C1", "user", "UA", "text", "*only* you", "blocks", buttons)
	golden(t, "ephemeral.html", string(b.w.HTML(b.w.Ephemeral("UA")[0], alice)))
	m := b.posts("text", "x")
	b.form("chat.update", "channel", "C1", "ts", m.TS, "text", "*y*")
	edited, _ := b.w.Message("C1", m.TS)
	golden(t, "edited.html", string(b.w.HTML(edited, Viewer{})))
	b.form("chat.delete", "channel", "C1", "ts", m.TS)
	deleted, _ := b.w.Message("C1", m.TS)
	golden(t, "deleted.html", string(b.w.HTML(deleted, Viewer{})))
	if said, err := b.w.Say("UA", "C1", "<b>@bob</b>"); err != nil {
		t.Error(err)
	} else {
		golden(t, "said.html", string(b.w.HTML(said, Viewer{User: "UB"})))
	}
	b.noViolations()
}

func TestHTMLOfOverflow(t *testing.T) {
	t.Parallel()
	b := peopled(t)
	golden(t, "overflow.html", string(b.w.HTML(b.posts("text", "x", "blocks", overflows), Viewer{TZ: berlin(), User: "UA"})))
}

// hostileBlocks has foreign text wherever a message can have it.
func hostileBlocks(t *testing.T) string {
	t.Helper()
	evil := obj{"type": "plain_text", "text": unquoteJSON(t, `\"><script>'</p>\u202e\u0000&lt;`)}
	sure := obj{"title": evil, "text": evil, "confirm": evil, "deny": evil}
	options := []any{obj{"text": evil, "value": evil["text"]}}
	return string(dump(t, []any{
		obj{"type": "header", "text": evil},
		obj{"type": "section", "text": evil},
		obj{"type": "context", "elements": []any{evil}},
		obj{"type": "actions", "elements": []any{
			obj{"type": "button", "action_id": evil["text"], "value": evil["text"], "text": evil, "accessibility_label": evil["text"], "confirm": sure},
			obj{"type": "static_select", "action_id": "s", "placeholder": evil, "options": options, "confirm": sure},
			obj{"type": "overflow", "action_id": "o", "options": options, "confirm": sure},
		}},
		obj{"type": "input", "block_id": evil["text"], "label": evil, "hint": evil, "element": obj{
			"type": "plain_text_input", "action_id": evil["text"], "placeholder": evil, "initial_value": evil["text"],
		}},
	}))
}

func unquoteJSON(t *testing.T, s string) string {
	t.Helper()
	var out string
	if err := json.Unmarshal([]byte(`"`+s+`"`), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHTMLOfFiles(t *testing.T) {
	t.Parallel()
	b := peopled(t)
	m := b.posts("text", "x")
	long := strings.Repeat("a", shownOfFile-1) + "日b"
	m.Files = []File{
		{Title: "run <1>.txt", Content: []byte("\na <b>\r\nc\x1b[31m")},
		{Title: "key.bin", Content: []byte{0xff, 0xfe}},
		{Title: "zero", Content: []byte("a\x00b")},
		{Title: "empty"},
	}
	golden(t, "files.html", string(b.w.HTML(m, Viewer{})))
	m.Files = []File{{Title: "long", Content: []byte(long)}}
	got := string(b.w.HTML(m, Viewer{}))
	if !strings.Contains(got, "aaa</pre>") || !strings.Contains(got, "Only the first 20 kB") || strings.Contains(got, "日") {
		t.Errorf("the file is not cut: %s", got[len(got)-200:])
	}
	for n, want := range map[int]string{0: "0 bytes", 999: "999 bytes", 1500: "2 kB", 999_499: "999 kB", 1_250_000: "1.2 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestHTMLOfViews(t *testing.T) {
	t.Parallel()
	b := peopled(t)
	b.connect(always(map[string]any{"response_action": "errors", "errors": map[string]string{"why": "no"}}))
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil {
		t.Fatal(err)
	}
	opened := b.form("views.open", "trigger_id", r.triggerID, "view", allInputs)
	if opened["ok"] != true {
		t.Fatal(opened)
	}
	v := b.w.Modals("UA")[0]
	if v.Title() != "Ask" || v.SubmitLabel() != "Send" || v.CloseLabel() != "Stop" {
		t.Errorf("labels: %+v", v)
	}
	golden(t, "modal.html", string(b.w.ViewHTML(v, Viewer{})))
	values := map[string]map[string]any{"who": {"u": "UA"}, `a "b" & c`: {"s": "1h"}, "why": {"t": ""}, "key": {"t": "new"}}
	if got, err := b.w.Submit(b.ctx, "UA", v.ID, values); err != nil || got.Errors["why"] == "" {
		t.Fatal(got, err)
	}
	golden(t, "modal-refused.html", string(b.w.ViewHTML(b.w.Modals("UA")[0], Viewer{})))
	home := `{"type":"home","blocks":` + gallery + `}`
	if got := b.form("views.publish", "user_id", "UA", "view", home); got["ok"] != true {
		t.Fatalf("publish: %v", got)
	}
	v, _ = b.w.Home("UA")
	if v.Title() != "" || v.SubmitLabel() != "" || v.CloseLabel() != "Cancel" {
		t.Errorf("labels: %+v", v)
	}
	golden(t, "home.html", string(b.w.ViewHTML(v, Viewer{User: "UA"})))
}

// The page sends action IDs and values back, so they must arrive as they are.
func TestAttributesAreExact(t *testing.T) {
	t.Parallel()
	b := peopled(t)
	for _, id := range []string{"a b", "javascript:x", "a%20b", `"<'>&+`, "日本", "//x?y=z"} {
		blocks := dump(t, []any{obj{"type": "actions", "elements": []any{
			obj{"type": "button", "action_id": id, "value": id, "text": obj{"type": "plain_text", "text": "x"}},
			obj{"type": "users_select", "action_id": "!" + id},
			obj{"type": "overflow", "action_id": "?" + id, "options": []any{obj{"text": words("o"), "value": id}}},
		}}})
		m := b.posts("text", "x", "blocks", string(blocks))
		found := parseHTML(t, b.w.HTML(m, Viewer{}))
		button, menu := found.first("button"), found.first("select")
		option := found.elements[len(found.elements)-1].attributes
		if button["data-action"] != id || button["data-value"] != id || menu["data-action"] != "!"+id || option["data-action"] != "?"+id || option["data-value"] != id {
			t.Errorf("%q: %v %v %v", id, button, menu, option)
		}
	}
}

// element is a start tag.
type element struct {
	name       string
	attributes map[string]string
}

type page struct {
	elements []element
	text     string
}

func (p page) first(name string) map[string]string {
	i := slices.IndexFunc(p.elements, func(e element) bool { return e.name == name })
	if i < 0 {
		return nil
	}
	return p.elements[i].attributes
}

// parseHTML fails when a tag is not closed.
func parseHTML(t *testing.T, h template.HTML) page {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<body>" + string(h) + "</body>"))
	d.Strict, d.AutoClose, d.Entity = false, []string{"hr", "br", "input"}, xml.HTMLEntity
	var p page
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("%v in %s", err, h)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := element{x.Name.Local, map[string]string{}}
			for _, a := range x.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			p.elements = append(p.elements, e)
			open = append(open, x.Name.Local)
		case xml.EndElement:
			if n := len(open); n == 0 || open[n-1] != x.Name.Local {
				t.Fatalf("</%s> closes nothing in %s", x.Name.Local, h)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			p.text += string(x)
		}
	}
}

// FuzzHTML checks that a text of any content becomes no markup but that of mrkdwn,
// links to nothing but https, and says what it says in a terminal.
func FuzzHTML(f *testing.F) {
	f.Add("*a* _b_ ~c~ `d` ```e``` <https://f|g> <@UA> <#C1> <!date^1^{time}|h> <!here>\n&gt; i\n> j <mailto:k@l>")
	f.Add("*```a```* _<b|c>_ &gt;\n\n&gt;&gt; `<script>` <javascript:x|y> <//z> <https://sim.slack.com/archives/C1/p1234567|m>")
	f.Add("</p><script>x</script>\"' onload=x &lt;b&gt; <!--")
	w := New(Options{})
	f.Cleanup(w.Close)
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || len(s) > 4000 || strings.ContainsAny(s, "\ufffe\uffff") {
			t.Skip("no JSON carries it, or no XML")
		}
		m := Message{Text: s, User: "UA"}
		p := parseHTML(t, w.HTML(m, Viewer{}))
		for _, e := range p.elements {
			checkElement(t, e)
		}
		header, bodyText, _ := strings.Cut(w.Render(m, Viewer{Width: 1 << 20}), "\n")
		if got, want := lettersOf(p.text), lettersOf(header)+lettersOf(bodyText); got != want {
			t.Errorf("%q says %q, in a terminal %q", s, got, want)
		}
	})
}

func checkElement(t *testing.T, e element) {
	t.Helper()
	tags := strings.Fields("body article header b time div p br strong em s code pre blockquote q a span")
	attributes := strings.Fields("class data-channel data-ts data-message data-user data-open datetime title href rel target")
	if !slices.Contains(tags, e.name) {
		t.Errorf("<%s> is no part of a message", e.name)
	}
	if e.attributes["class"] == "unknown" {
		t.Errorf("a <%s> is left out", e.name)
	}
	for name, value := range e.attributes {
		if !slices.Contains(attributes, name) {
			t.Errorf("%s=%q is no part of a message", name, value)
		}
	}
	to, linked := e.attributes["href"]
	if linked && to != "#" && !strings.HasPrefix(to, "https://") {
		t.Errorf("a link leads to %q", to)
	}
}

func lettersOf(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return c
		}
		return -1
	}, s)
}
