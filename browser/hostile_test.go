package browser

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// evil are texts that would be something else than text, or break the page, where they are not written down as text.
var evil = []string{
	`<script>window.hit=1</script>`,
	`<img src=x onerror=window.hit=1>`,
	`"><svg onload=window.hit=1>`,
	`javascript:window.hit=1`,
	`<javascript:window.hit=1|click>`,
	`&lt;b&gt;bold&lt;/b&gt;`,
	`'"</textarea></template><b>`,
	strings.Repeat("W", 180),
	"שלום עולם",
}

// newKey returns a public key as it is registered.
func newKey(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for _, part := range [][]byte{[]byte("ssh-ed25519"), public} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(part))), part...)
	}
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(wire)
}

// harmless checks that nothing of the texts became an element, ran, or made the page wider.
func (b *tab) harmless(where string) {
	b.t.Helper()
	if made := value[string](b, `[...document.querySelectorAll("img, svg, iframe, object, embed, link:not(head *), style, #slack b:not(.author), #modal b, a[href^='javascript' i], [onerror], [onload]")].map((e) => e.outerHTML).join("\n")`); made != "" {
		b.t.Errorf("%s: a text became %s", where, made)
	}
	if n := value[int](b, `document.scripts.length`); n != 1 {
		b.t.Errorf("%s: there are %d scripts", where, n)
	}
	if hit := value[bool](b, `window.hit !== undefined`); hit {
		b.t.Errorf("%s: a text was run", where)
	}
	b.fits(where)
}

// fits checks that nothing that is shown is wider than its place.
func (b *tab) fits(where string) {
	b.t.Helper()
	const tooWide = `[document.documentElement, ...document.querySelectorAll("#who, #slack, #title, #messages, #thread, #truth, dialog, #modal, .tile, .entry, #panes")]
		.filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map((e) => (e.id || e.className || e.localName) + ": " + e.scrollWidth + " in " + e.clientWidth).join(", ")`
	if wide := value[string](b, tooWide); wide != "" {
		b.t.Errorf("%s: wider than its place: %s", where, wide)
	}
}

// reads waits until every evil text is read in an element.
func (b *tab) reads(where, selector string, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.until(where+" shows "+text, fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
	}
	b.harmless(where)
}

// What people type is shown as text, wherever it occurs.
func TestHostileText(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	reason := strings.Join(evil, " ")
	b.is("U0ALICE", "C0OPS")
	b.types("/sshkey register " + newKey(t) + " " + reason)
	b.shows(".message[data-only]", "Registered")
	b.types(reason)
	b.reads("a message", "#messages", evil...)
	b.asks("U0ALICE", "/sshkey grant @alice 2h for "+reason, 2)
	b.reads("a request", "#messages", evil[:8]...)
	b.harmless("a request")

	b.is("U0CAROL", "C0OPS")
	b.pressAt("Request 2:", "Edit")
	b.until("the form", `document.querySelector("#modal form")`)
	b.harmless("a form")
	b.press("#modal", "Cancel")
	b.until("the form is closed", `!document.querySelector("#modal form")`)

	b.approves(2)
	b.agree(6) // she has two keys
	b.pressAt("Request 2:", "1 reply")
	b.shows("#thread", "placed on")
	b.reads("a thread", "#thread", evil[:8]...)

	b.is("U0ALICE", "dm")
	b.shows("#messages", "Request 2")
	b.harmless("direct messages")
	b.is("U0ALICE", "home")
	b.shows("#messages", "script window.hit 1 script") // the note of the key, without what no comment may have
	b.harmless("Home")
	b.is("U0ALICE", "C0OPS")
	for _, command := range []string{"/sshkey list", "/sshkey " + reason, "/sshkey register " + reason, "/sshkey grant @" + evil[1] + " 2h"} {
		before := value[int](b, `document.querySelectorAll(".message[data-only]").length`)
		b.types(command)
		b.until("an answer", fmt.Sprintf(`document.querySelectorAll(".message[data-only]").length > %d`, before))
		b.harmless("the answer to " + command)
	}
	b.runs(`document.querySelectorAll("#truth details").forEach((e) => { e.open = true; })`)
	b.harmless("the servers")
}
