package browser

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// tab is one tab of the browser, and who looks at it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	troubles []string // what the browser complained of
	expected []string // words of what it may complain of
}

// open opens the page in a tab of that size. At the end of the test it checks that the browser had nothing
// to complain of.
func (d *demo) open(address string, width, height int64) *tab {
	d.t.Helper()
	ctx, cancel := chromedp.NewContext(d.browser)
	d.t.Cleanup(cancel)
	b := d.watched(ctx)
	b.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(address))
	b.until("the page is drawn", `document.querySelectorAll("#tiles > *").length > 0`)
	return b
}

// watched returns a tab whose complaints are kept.
func (d *demo) watched(ctx context.Context) *tab {
	d.t.Helper()
	b := &tab{t: d.t, ctx: ctx}
	d.t.Cleanup(b.checkQuiet)
	d.must(chromedp.Listen(ctx, b.note))
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	d.must(err)
	return b
}

// note keeps what the browser logs: violations of the Content-Security-Policy, exceptions, failed calls.
func (b *tab) note(event any) {
	text := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		text = e.Entry.Text + " " + e.Entry.URL
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
	}
	if text != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.troubles = append(b.troubles, text)
	}
}

func (b *tab) checkQuiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.troubles {
		if !slices.ContainsFunc(b.expected, func(words string) bool { return strings.Contains(text, words) }) {
			b.t.Errorf("the browser says: %s", text)
		}
	}
}

// expects has the browser complain with those words.
func (b *tab) expects(words ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, words...)
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.fatal("%v", err)
	}
}

// fatal ends the test with a picture of the page, where a folder for it is set.
func (b *tab) fatal(format string, args ...any) {
	b.t.Helper()
	if dir := os.Getenv("SSHKEYBOT_TEST_PICTURES"); dir != "" {
		if picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); err == nil {
			_ = os.WriteFile(fmt.Sprintf("%s/%s.png", dir, strings.ReplaceAll(b.t.Name(), "/", "-")), picture, 0o600)
		}
	}
	b.t.Fatalf(format, args...)
}

// holds returns an expression that is true when that one holds. What fails, because a part of the page is not there
// yet, does not hold.
func holds(expression string) string {
	return "(() => { try { return !!(" + expression + "); } catch { return false; } })()"
}

// until waits until a JavaScript expression holds.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](holds(expression), chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(patience))); err != nil {
		b.fatal("this did not come: %s (%v)\n%s", what, err, b.text("body"))
	}
}

// within reports whether a JavaScript expression holds before that time has passed.
func (b *tab) within(d time.Duration, expression string) bool {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, d)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Poll[chromedp.Void](holds(expression), chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(d))) == nil
}

// shows waits until an element with those words in it is there.
func (b *tab) shows(selector, words string) {
	b.t.Helper()
	b.until(selector+" shows "+words, has(selector, words))
}

// has returns an expression that holds if an element has those words.
func has(selector, words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.checkVisibility() && e.innerText.includes(%q))`, selector, words)
}

// text returns what a person reads in an element.
func (b *tab) text(selector string) string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector)))
	if err != nil {
		return err.Error()
	}
	return text
}

// runs runs JavaScript in the page.
func (b *tab) runs(script string) { b.t.Helper(); b.do(chromedp.Evaluate[chromedp.Void](script)) }

// press clicks the visible button with this label in an element.
func (b *tab) press(selector, label string) {
	b.t.Helper()
	b.click(fmt.Sprintf(`[...document.querySelectorAll(%q)]`, selector+" button"), label)
}

// pressAt clicks the visible button with this label at the message that has those words.
func (b *tab) pressAt(words, label string) {
	b.t.Helper()
	b.click(fmt.Sprintf(`[...document.querySelectorAll(".entry")].filter((e) => e.innerText.includes(%q)).flatMap((e) => [...e.querySelectorAll("button")])`, words), label)
}

// click clicks the last of those buttons that is visible, can be pressed and begins with this label.
func (b *tab) click(buttons, label string) {
	b.t.Helper()
	find := fmt.Sprintf(`%s.filter((e) => e.checkVisibility() && !e.disabled && e.innerText.trim().startsWith(%q)).at(-1)`, buttons, label)
	b.until("a button "+label, find)
	b.runs(fmt.Sprintf(`{ const b = %s; b.scrollIntoView({block: "center"}); b.focus(); b.click(); }`, find))
}

// types types a text into the field for it and sends it, as with the keyboard.
func (b *tab) types(text string) {
	b.t.Helper()
	b.runs(`document.querySelector("#text").value = ""; document.querySelector("#text").focus()`)
	b.insert(text)
	b.keys("Enter")
	b.until("it is sent", `document.querySelector("#text").value === ""`)
}

// insert types a text where the focus is.
func (b *tab) insert(text string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text})
	b.must(err)
}

// keys presses keys by their names in JavaScript, such as Tab, one after the other. What a key types is
// not typed where the page prevents it, which chromedp.KeyEvent does not observe.
func (b *tab) keys(names ...string) {
	b.t.Helper()
	for _, name := range names {
		shift := int64(0)
		name, back := strings.CutPrefix(name, "Shift+")
		if back {
			shift = int64(chromedp.ModifierShift)
		}
		k := keyboard[name]
		event := input.DispatchKeyEventParams{Type: "keyDown", Key: name, Code: name, Text: k.text, WindowsVirtualKeyCode: k.code, Modifiers: shift}
		if name == " " {
			event.Code = "Space"
		}
		_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, event)
		b.must(err)
		event.Type, event.Text = "keyUp", ""
		_, err = chromedp.Call(b.ctx, input.DispatchKeyEvent, event)
		b.must(err)
	}
}

// keyboard has the keys that have a name.
var keyboard = map[string]struct {
	code int64
	text string
}{
	"Tab": {9, ""}, "Enter": {13, "\r"}, "End": {35, ""}, "Escape": {27, ""}, " ": {32, " "}, "ArrowUp": {38, ""}, "ArrowDown": {40, ""},
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.fatal("%v", err)
	}
}

// value returns what a JavaScript expression is.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	b.must(err)
	return v
}

// is has the tab be somebody in a place.
func (b *tab) is(person, place string) {
	b.t.Helper()
	b.runs(fmt.Sprintf(`document.querySelector('[data-as=%q]').click()`, person))
	b.until("one is "+person, fmt.Sprintf(`document.querySelector('[data-as=%q][aria-pressed=true]')`, person))
	b.runs(fmt.Sprintf(`document.querySelector('[data-place=%q]').click()`, place))
	b.until("one is in "+place, fmt.Sprintf(`document.querySelector('[data-place=%q][aria-pressed=true]')`, place))
}

// another opens another tab as somebody, by the page's own button.
func (d *demo) another(b *tab, person string) *tab {
	d.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(*target.Info) bool { return true })
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector("[data-tab=%s]").click()`, person), byHand))
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(<-opened))
	d.t.Cleanup(cancel)
	d.must(chromedp.Do(ctx)) // the tab lives as long as the context that it is first used with
	other := d.watched(ctx)
	other.do(chromedp.EmulateViewport(1280, 800))
	other.until("the other tab is "+person, fmt.Sprintf(`document.querySelector("[data-as=%s][aria-pressed=true]")`, person))
	return other
}

// byHand has the browser take a click for a person's: others open no tab.
func byHand(p *runtime.EvaluateParams) { yes := true; p.UserGesture = &yes }
