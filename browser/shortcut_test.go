package browser

import "testing"

// The shortcuts of the app are reached by the keyboard, and lead on without a mouse.
func TestShortcut(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	b.is("U0DAVE", "C0OPS")
	b.runs(`document.querySelector("#text").focus()`)
	b.tabsTo("the shortcuts", `e.matches("#composer summary")`)
	b.keys("Enter")
	b.shows("#shortcuts", "Ask for SSH access")
	b.fits("the shortcuts")
	b.keys("Escape")
	b.until("they are closed", `!document.querySelector("#shortcuts").checkVisibility() && document.activeElement.matches("#composer summary")`)
	b.keys("Enter")
	b.tabsTo("the shortcut", `e.dataset.shortcut === "grant"`)
	b.keys("Enter")
	b.until("it is used", `!document.querySelector("#shortcuts").checkVisibility() && document.activeElement !== document.body && document.querySelectorAll("[aria-busy=true]").length === 0`)
	if told := b.text("#toast"); told != "" {
		t.Errorf("told %q", told)
	}
}
