package browser

import (
	"fmt"
	"testing"
	"time"
)

// tabsTo presses Tab until what has the focus is as an expression of e says.
func (b *tab) tabsTo(what, expression string) {
	b.t.Helper()
	for range 150 {
		b.keys("Tab")
		if value[bool](b, `((e) => !!(`+expression+`))(document.activeElement)`) {
			b.seen()
			return
		}
	}
	b.fatal("Tab does not lead to %s", what)
}

// seen checks that what has the focus is visible, and that it shows that it has it.
func (b *tab) seen() {
	b.t.Helper()
	// It may glide there.
	if !b.within(5*time.Second, `((e) => { const r = e.getBoundingClientRect(); return e.checkVisibility() && r.bottom > 0 && r.top < innerHeight && getComputedStyle(e).outlineStyle === "solid" && parseFloat(getComputedStyle(e).outlineWidth) >= 2; })(document.activeElement)`) {
		b.fatal("the focus cannot be seen: %s", b.focus())
	}
}

// focus returns what has the focus.
func (b *tab) focus() string {
	b.t.Helper()
	return value[string](b, `document.activeElement.outerHTML.slice(0, 300)`)
}

// chooses presses the arrow key until a suggestion is chosen, and takes it.
func (b *tab) chooses(label, line string) {
	b.t.Helper()
	b.until("suggestion "+label, fmt.Sprintf(`[...document.querySelectorAll("#suggestions b")].some((e) => e.innerText === %q)`, label))
	for range 15 {
		b.keys("ArrowDown")
		if value[bool](b, fmt.Sprintf(`document.querySelector("#suggestions [aria-selected=true] b").innerText === %q && document.querySelector("#text").getAttribute("aria-activedescendant") === document.querySelector("#suggestions [aria-selected=true]").id`, label)) {
			b.keys("Enter")
			b.until("the line is "+line, fmt.Sprintf(`document.querySelector("#text").value === %q`, line))
			return
		}
	}
	b.fatal("%s cannot be chosen", label)
}

const isText = `e.id === "text"`

// Everything can be done without a mouse, and the focus is never lost.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	b.keys("Tab")
	b.until("the way around", `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().width > 50`)
	b.keys("Enter", "Tab")
	b.until("the field for commands or what follows it has the focus", `document.querySelector("#composer").contains(document.activeElement)`)
	b.asksByKey()
	b.approvesByKey()
	b.readsByKey()
	b.fillsByKey()
	b.confirmsByKey()
	b.breaksByKey()
	b.jumpsByKey()
}

// asksByKey asks by completion.
func (b *tab) asksByKey() {
	b.t.Helper()
	b.runs(`document.querySelector("#text").focus()`)
	b.seen()
	b.insert("/ss")
	b.chooses("/sshkey", "/sshkey ")
	b.chooses("grant", "/sshkey grant ")
	b.chooses("@alice", "/sshkey grant @alice ")
	b.chooses("12h", "/sshkey grant @alice 12h ")
	b.chooses("for", "/sshkey grant @alice 12h for ")
	b.insert("the keyboard")
	b.tabsTo("Send", `e.innerText === "Send"`)
	b.keys("Enter")
	b.shows(".message:not([data-only])", "Reason: the keyboard")
}

// approvesByKey is another person, and approves.
func (b *tab) approvesByKey() {
	b.t.Helper()
	b.keys("Shift+Tab")
	b.until("the field", `document.activeElement.id === "text"`)
	b.tabsTo("Bob", `e.dataset.as === "U0BOB"`)
	b.keys(" ")
	b.until("one is Bob", `document.querySelector("[data-as=U0BOB][aria-pressed=true]")`)
	b.until("the focus is kept", `document.activeElement.dataset.as === "U0BOB"`)
	b.shows(".message:not([data-only]) h3", "Request 2:")
	b.tabsTo("Approve", `e.innerText === "Approve" && e.closest(".entry").innerText.includes("Request 2:")`)
	b.keys("Enter")
	b.agree(3)
	b.until("the button is gone", "!"+button("Request 2:", "Approve"))
	b.until("the message has the focus", `document.activeElement.matches(".entry") && document.activeElement.innerText.includes("Request 2:")`)
	b.seen()
}

// readsByKey opens and closes the thread.
func (b *tab) readsByKey() {
	b.t.Helper()
	b.tabsTo("the replies", `e.matches(".replies") && e.closest(".entry").innerText.includes("Request 2:")`)
	b.keys("Enter")
	b.shows("#thread", "placed on 3 servers")
	b.until("the focus is kept", `document.activeElement.matches(".replies[aria-expanded=true]")`)
	b.tabsTo("the thread's close button", `e.dataset.close === "thread"`)
	b.keys("Enter")
	b.until("the thread is closed", `document.querySelector("#drawer").hidden && document.activeElement.matches(".replies[aria-expanded=false]")`)
	b.keys("Enter")
	b.shows("#thread", "placed on 3 servers")
	b.tabsTo("the thread", `e.id === "thread"`)
	b.keys("Escape")
	b.until("the thread is closed", `document.querySelector("#drawer").hidden && document.activeElement.matches(".replies[aria-expanded=false]")`)
}

// fillsByKey fills a form, wrongly at first.
func (b *tab) fillsByKey() {
	b.t.Helper()
	b.tabsTo("the field", isText)
	b.insert("/sshkey grant")
	b.keys("Escape", "Enter")
	b.until("the form has the focus", `document.querySelector("#modal form")?.contains(document.activeElement)`)
	b.keys("Escape")
	b.until("the form is closed and the field has the focus", `!document.querySelector("#modal form") && !document.querySelector("#modal-frame").open && document.activeElement.id === "text"`)
	b.insert("/sshkey grant")
	b.keys("Escape", "Enter")
	b.until("the form", `document.querySelector("#modal form")?.contains(document.activeElement)`)
	b.tabsTo("Ask", `e.type === "submit"`)
	b.keys("Enter")
	const wrong = `document.activeElement.getAttribute("aria-invalid") === "true" && document.activeElement.getAttribute("aria-describedby").split(" ").some((id) => document.getElementById(id).matches(".error:not([hidden])") && document.getElementById(id).innerText !== "")`
	b.until("the empty field is told and has the focus", wrong)
	b.keys("End")
	b.until("there is a field for another duration, and the focus is kept", `document.querySelector("[data-block=other_duration] input") && document.activeElement.matches("[data-block=duration]")`)
	b.tabsTo("the other duration", `e.matches("input[data-block=other_duration]")`)
	b.insert("a while")
	b.tabsTo("the servers", `e.matches("[data-block=servers][data-least]")`)
	b.until("every server is offered first", `document.querySelector("[role=option][aria-selected=true]")?.innerText.includes("Every server (3)")`)
	b.keys("Enter")
	b.tabsTo("Ask", `e.type === "submit"`)
	b.keys("Enter")
	b.until("the bot's word on the field is told", wrong+` && document.activeElement.value === "a while" && !document.activeElement.closest(".field").querySelector(".error").innerText.includes("Fill this in")`)
	b.runs(`document.activeElement.value = ""`)
	b.insert("2h")
	b.keys("Enter")
	b.until("the form is closed", `!document.querySelector("#modal-frame").open`)
	b.shows(".message:not([data-only]) h3", "Request 3:")
	b.until("the field has the focus", `document.activeElement.id === "text"`)
}

// confirmsByKey says no, and then yes, to a question before something is done.
func (b *tab) confirmsByKey() {
	b.t.Helper()
	b.insert("/sshkey offboard @dave")
	b.keys("Escape", "Enter")
	b.shows(".message[data-only]", "Offboard @dave?")
	b.tabsTo("Offboard", `e.innerText === "Offboard"`)
	b.keys("Enter")
	b.until("the question has the focus", `document.querySelector("#confirm").open && document.activeElement.id === "confirm-no"`)
	b.keys("Escape")
	b.until("nothing is done", `!document.querySelector("#confirm").open && document.activeElement.innerText === "Offboard"`)
	b.keys("Enter", "Tab")
	b.until("yes has the focus", `document.activeElement.id === "confirm-yes"`)
	b.keys("Enter")
	b.until("it is done", `!document.querySelector("#confirm").open && ![...document.querySelectorAll("#messages button")].some((e) => e.innerText === "Offboard")`)
	b.until("the focus is not lost", `document.activeElement !== document.body`)
}

// breaksByKey opens a server, and breaks it.
func (b *tab) breaksByKey() {
	b.t.Helper()
	b.tabsTo("a server", `e.matches("#tiles summary")`)
	b.keys("Enter")
	b.until("it is open", `document.activeElement.closest("details").open`)
	b.tabsTo("its state", `e.dataset.trouble`)
	b.keys("ArrowDown")
	b.until("it is offline, open and has the focus", `document.activeElement.value === "offline" && document.activeElement.querySelector("[selected]").value === "offline" && document.activeElement.closest("details").open`)
	b.keys("ArrowUp")
	b.until("it is in order", `document.activeElement.querySelector("[selected]").value === "none"`)
	b.tabsTo("what copies", `e.dataset.copy`)
}

// jumpsByKey moves the clock, whose buttons are drawn anew.
func (b *tab) jumpsByKey() {
	b.t.Helper()
	b.runs(`document.querySelector("#title").tabIndex = -1; document.querySelector("#title").focus()`)
	b.tabsTo("the clock", `e.dataset.clock === "quarter"`)
	b.keys("Enter")
	b.shows("#clock", "moved by")
	b.until("the focus is kept", `document.activeElement.dataset.clock === "quarter"`)
	b.tabsTo("the end", `e.dataset.clock === "end"`)
	b.keys("Enter")
	b.agree(0)
	b.until("the focus is not lost", `document.querySelector("#clock").contains(document.activeElement)`)
}
