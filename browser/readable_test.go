package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// prefers has the tab's reader prefer something, such as a dark page.
func (b *tab) prefers(feature, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
	b.must(err)
}

// faint lists the texts whose contrast to what is behind them is below 4.5 to 1. What cannot be pressed
// may be faint.
const faint = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const channels = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
	const light = ([r, g, b]) => { const f = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return channels("Canvas"); };
	const name = (e) => (e.id ? "#" + e.id : e.localName + (e.className ? "." + [...e.classList].join(".") : ""));
	const found = new Map();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest("button:disabled, [aria-busy=true], .hidden, .skip, option")) continue;
		const [a, b] = [light(channels(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
		const contrast = (a + 0.05) / (b + 0.05);
		if (contrast < 4.5) found.set((e.parentElement ? name(e.parentElement) + " > " : "") + name(e), contrast.toFixed(2));
	}
	for (const e of document.querySelectorAll("[placeholder]")) {
		const [a, b] = [light(channels(getComputedStyle(e, "::placeholder").color)), light(behind(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) found.set(name(e) + "::placeholder", (a + 0.05) / (b + 0.05));
	}
	return [...found].map((one) => one.join(" ")).join("\n");
})()`

// nameless lists what a screen reader has no words for, and IDs that occur twice.
const nameless = `(() => {
	const words = (e) => e.getAttribute("aria-label")?.trim() || (e.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent.trim() ?? "").join(" ").trim()
		|| [...(e.labels ?? [])].map((l) => l.textContent.trim()).join(" ").trim() || (e.matches("button, a, summary") ? e.textContent.trim() : "");
	const found = [];
	for (const e of document.querySelectorAll("button, a, summary, input, select, textarea, nav, aside, [role=log], [role=listbox], dialog[open]")) {
		if (e.checkVisibility() && !words(e)) found.push("no name: " + e.outerHTML.slice(0, 120));
	}
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) found.push("twice: #" + id);
	for (const e of document.querySelectorAll("[aria-describedby], [aria-controls], [aria-labelledby]")) for (const attribute of ["aria-describedby", "aria-controls", "aria-labelledby"])
		for (const id of (e.checkVisibility() ? e.getAttribute(attribute) ?? "" : "").split(" ").filter(Boolean)) if (!document.getElementById(id)) found.push(attribute + " leads nowhere: " + id);
	return found.join("\n");
})()`

// readable checks what is shown now, light and dark.
func (b *tab) readable(where string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.prefers("prefers-color-scheme", scheme)
		if texts := value[string](b, faint); texts != "" {
			b.t.Errorf("%s, %s: too faint:\n%s", where, scheme, texts)
		}
	}
	if list := value[string](b, nameless); list != "" {
		b.t.Errorf("%s:\n%s", where, list)
	}
}

// Everything that is shown can be read, light and dark, and has a name.
func TestReadable(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	b.readable("at first")
	b.gives("web-01", "offline")
	b.asks("U0ALICE", "/sshkey grant @alice 12h for a `code`, *bold* and https://example.com", 2)
	b.types("hello <@U0ALICE>")
	b.readable("a request")
	b.approves(2)
	b.pressAt("Request 2:", "1 reply")
	b.shows("#thread", "offline")
	b.shows("#tiles .unsettled", "web-01")
	b.runs(`document.querySelectorAll("#truth details").forEach((e) => { e.open = true; })`)
	b.readable("an open thread and a server that is offline")
	b.runs(`document.querySelector("#text").focus()`)
	b.insert("/sshkey ")
	b.until("suggestions", `document.querySelectorAll("#suggestions li").length > 3`)
	b.keys("ArrowDown")
	b.readable("suggestions")
	b.keys("Escape")
	b.types("/sshkey grant")
	b.until("a form", `document.querySelector("#modal form")`)
	b.press("#modal", "Ask")
	b.until("an error", `document.querySelector("#modal .error:not([hidden])")`)
	b.readable("a form")
	b.press("#modal", "Cancel")
	b.until("it is closed", `!document.querySelector("#modal-frame").open`)
	b.types("/sshkey offboard @dave")
	b.until("a question", `[...document.querySelectorAll("#messages [data-confirm-title]")].some((e) => e.innerText === "Offboard")`)
	b.press("#messages", "Offboard")
	b.until("a question", `document.querySelector("#confirm").open`)
	b.readable("a question")
	b.keys("Escape")
	b.is("U0ALICE", "home")
	b.shows("#messages", "My keys")
	b.readable("Home")
	b.turn("bot", false)
	b.turn("slack", false)
	b.shows("#title .banner", "The bot was killed")
	b.runs(`document.querySelector("#lost").hidden = false; document.querySelector("#toast").textContent = "A word."; document.querySelector("#toast").hidden = false`)
	b.readable("banners")

	b.until("nothing moves", `[...document.querySelectorAll("*")].every((e) => ((s) => s.scrollBehavior === "auto" && s.animationName === "none" && parseFloat(s.transitionDuration) === 0)(getComputedStyle(e)))`)
}
