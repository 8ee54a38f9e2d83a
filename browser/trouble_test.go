package browser

import (
	"fmt"
	"testing"
	"time"
)

// keysOnServers is an expression for how many keys of the bot's are in the authorized_keys of the servers.
const keysOnServers = `[...document.querySelectorAll("#tiles pre")].flatMap((e) => e.textContent.split("\n")).filter((line) => line.split(" ")[2] === "sshkeybot").length`

// inOrder is an expression for: the page says n, the servers have n, and nothing is left to do.
func inOrder(n int) string {
	return fmt.Sprintf(`document.querySelector("#count").innerText.startsWith("The bot says %d, the servers say %d.") && %s === %d && !document.querySelector("#tiles .unsettled")`, n, n, keysOnServers, n)
}

// agree waits until the bot and the servers say n, and nothing is left to do.
func (b *tab) agree(n int) {
	b.t.Helper()
	b.until(fmt.Sprintf("%d keys, and nothing left to do", n), inOrder(n))
}

// settles does as agree, and moves the clock as often as the bot waits for a while.
func (b *tab) settles(n int) {
	b.t.Helper()
	for range 7 {
		if b.within(3*time.Second, inOrder(n)) {
			return
		}
		b.press("#clock", "+15 min")
	}
	b.agree(n)
}

// turn moves a switch.
func (b *tab) turn(name string, on bool) {
	b.t.Helper()
	b.until("the switch "+name, fmt.Sprintf(`document.querySelector("[data-toggle=%s]").checked === %t`, name, !on))
	b.runs(fmt.Sprintf(`document.querySelector("[data-toggle=%s]").click()`, name))
	b.until("it is moved", fmt.Sprintf(`document.querySelector("[data-toggle=%s]").hasAttribute("checked") === %t`, name, on))
}

// gives gives a server that trouble.
func (b *tab) gives(server, trouble string) {
	b.t.Helper()
	tile := fmt.Sprintf(`[...document.querySelectorAll("#tiles .tile")].find((e) => e.querySelector(".name").innerText === %q).querySelector("select")`, server)
	b.runs(fmt.Sprintf(`{ const s = %s; s.value = %q; s.dispatchEvent(new Event("change", {bubbles: true})); }`, tile, trouble))
	b.until(server+" is "+trouble, fmt.Sprintf(`%s.querySelector("[selected]").value === %q`, tile, trouble))
}

// approves has Carol approve request n, as often as it takes until it counts.
func (b *tab) approves(n int) {
	b.t.Helper()
	request := fmt.Sprintf("Request %d:", n)
	b.is("U0CAROL", "C0OPS")
	b.shows(".message:not([data-only]) h3", request)
	for range 20 {
		b.runs(button(request, "Approve") + `?.click(); document.querySelector("#confirm[open] #confirm-yes")?.click()`)
		if b.within(3*time.Second, "!"+button(request, "Approve")) {
			return
		}
	}
	b.fatal("request %d cannot be approved", n)
}

// trouble is something that is switched while keys are placed. Every part but the name may be missing.
type trouble struct {
	name    string
	before  func(b *tab, request int) // it is approved
	after   func(b *tab, request int) // at once after it
	keys    int                       // that are there then; -1 where it depends
	right   func(b *tab, request int) // puts it right
	account bool                      // it is about the account, not the servers
}

func heal(b *tab, _ int) { b.gives("web-01", "none") }

// ill gives web-01 a trouble.
func ill(name string) func(*tab, int) { return func(b *tab, _ int) { b.gives("web-01", name) } }

// switched moves a switch.
func switched(name string, on bool) func(*tab, int) { return func(b *tab, _ int) { b.turn(name, on) } }

func TestTroublesOfServers(t *testing.T) {
	t.Parallel()
	goesOn(t, []trouble{
		{name: "offline", before: ill("offline"), keys: 2, right: heal},
		{name: "refuses", before: ill("refuses"), keys: 2, right: func(b *tab, n int) {
			heal(b, n)
			request := fmt.Sprintf("Request %d:", n)
			b.pressAt(request, "1 reply")
			b.press("#thread", "Retry")
		}},
		{name: "fails", before: ill("fails"), keys: -1},
		{name: "silent", before: ill("silent"), keys: -1},
		{name: "busy", before: ill("busy"), keys: -1},
	})
}

func TestTroublesOfTheWorld(t *testing.T) {
	t.Parallel()
	goesOn(t, []trouble{
		{name: "killed at work", before: ill("offline"), keys: 2, right: func(b *tab, n int) {
			b.turn("bot", false)
			b.shows("#title .banner", "The bot was killed")
			heal(b, n)
			b.turn("bot", true)
		}},
		{name: "killed at the press", after: switched("bot", false), keys: -1, right: func(b *tab, n int) {
			b.turn("bot", true)
			b.approves(n)
		}},
		{name: "Slack away", before: ill("offline"), keys: 2, right: func(b *tab, n int) {
			b.turn("slack", false)
			b.shows("#title .banner", "Slack is away")
			heal(b, n)
			b.settles(3)
			b.turn("slack", true)
			b.pressAt(fmt.Sprintf("Request %d:", n), "1 reply")
			b.shows("#thread", "placed on 3 servers")
		}},
		{name: "token", before: switched("token", false), keys: 0, right: switched("token", true)},
		{name: "sockets cut", before: func(b *tab, _ int) { b.press("#truth", "Cut the sockets") }, keys: -1},
		{name: "Scalingo away", account: true, before: switched("scalingo", false), keys: 0, right: switched("scalingo", true)},
	})
}

// goesOn checks that, once a trouble is put right, the servers have what the bot says.
func goesOn(t *testing.T, troubles []trouble) {
	t.Helper()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	for i, c := range troubles {
		n, keys := i+2, 3
		began := time.Now()
		b.until("the bot is connected to Slack", `!document.querySelector("#title .banner")`)
		if c.account {
			keys = 0
			b.asks("U0DAVE", "/sshkey grant @dave 8h on scalingo for "+c.name, n)
		} else {
			b.asks("U0ALICE", "/sshkey grant @alice 8h for "+c.name, n)
		}
		if c.before != nil {
			c.before(b, n)
		}
		if c.after != nil {
			b.is("U0CAROL", "C0OPS")
			b.until("Approve", button(fmt.Sprintf("Request %d:", n), "Approve"))
			b.runs(button(fmt.Sprintf("Request %d:", n), "Approve") + ".click()")
			c.after(b, n)
		} else {
			b.approves(n)
		}
		if c.keys >= 0 {
			b.shows("#count", fmt.Sprintf("The bot says %d, the servers say %d.", c.keys, c.keys))
		}
		if c.keys >= 0 && !c.account {
			b.shows("#tiles .unsettled", "web-01")
		}
		if c.right != nil {
			c.right(b, n)
		}
		b.settles(keys)
		if c.account {
			b.until("both say 2 of Scalingo", `document.querySelector("#accounts").textContent.includes("The bot says 2, the account says 2.")`)
		}
		b.press("#clock", "To the end")
		b.settles(0)
		t.Logf("%s: %v", c.name, time.Since(began).Round(time.Millisecond))
	}
}
