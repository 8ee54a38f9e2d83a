package browser

import "testing"

// pane shows one of the three parts of the page.
func (b *tab) pane(name string) {
	b.t.Helper()
	b.runs(`document.querySelector("[data-pane-of=` + name + `]").click()`)
	b.until(name+" is shown", `document.querySelector("#`+name+`").checkVisibility()`)
	b.fits(name)
}

// onScreen checks that an element is wholly on the screen.
func (b *tab) onScreen(selector string) {
	b.t.Helper()
	b.until(selector+" is wholly on the screen", `((r) => r.width > 0 && r.left >= 0 && r.top >= 0 && r.right <= innerWidth + 1 && r.bottom <= innerHeight + 1)(document.querySelector("`+selector+`").getBoundingClientRect())`)
}

// On a phone and on a tablet every part can be reached, and nothing is wider than the screen.
func TestNarrow(t *testing.T) {
	t.Parallel()
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 844}, {"tablet", 768, 1024}} {
		t.Run(screen.name, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			b := d.open(d.address, screen.width, screen.height)
			phone := screen.name == "phone"
			back := func() {
				if phone {
					b.pane("who")
				}
			}
			for _, name := range []string{"who", "slack", "truth"} {
				if name != "who" || phone {
					b.pane(name)
				}
			}
			back()

			b.press("#tour", "Be Alice")
			b.until("the command is typed", `document.querySelector("#text").value.startsWith("/sshkey grant @alice 12h")`)
			b.onScreen("#composer [type=submit]")
			b.press("#composer", "Send")
			b.shows("#messages", "Request 2")
			back()
			b.shows("#tour .done", "Ask as Alice")
			b.press("#tour", "Be Bob")
			b.pressAt("Request 2", "Approve")
			b.until("it is approved", "!"+button("Request 2", "Approve"))
			b.pressAt("Request 2", "1 reply")
			b.shows("#thread", "placed on 3 servers")
			b.onScreen("#drawer")
			b.fits("a thread")
			b.press("#drawer", "×")
			b.until("the thread is closed", `!document.querySelector("#drawer").checkVisibility()`)
			b.pane("truth")
			b.agree(3)
			b.runs(`document.querySelectorAll("#truth details").forEach((e) => { e.open = true; })`)
			b.fits("an open server")

			back()
			b.press("#tour", "Take web-01 offline")
			b.press("#tour", "Be Dave")
			b.press("#composer", "Send")
			b.shows("#messages", "Request 3")
			back()
			b.press("#tour", "Be Carol")
			b.pressAt("Request 3", "Approve")
			back()
			b.until("the server is waited for", `document.querySelector("#tiles .unsettled")`)
			b.press("#tour", "Put web-01 in order")
			b.until("every key is there", inOrder(6))
			b.press("#tour", "Jump to the end")
			back()
			b.shows("#tour .done", "Jump to the end")
			b.press("#tour", "Deactivate Alice")
			b.shows("#messages", "@alice")
			back()
			b.shows("#tour .done", "Deactivate Alice")

			b.pane("slack")
			b.types("/sshkey grant")
			b.until("a form", `document.querySelector("#modal form")`)
			b.onScreen("#modal-frame")
			b.fits("a form")
			b.press("#modal", "Ask")
			b.onScreen("#modal [aria-invalid=true]")
			b.press("#modal", "Cancel")
			b.until("the form is closed", `!document.querySelector("#modal-frame").open`)
			back()
			b.is("U0CAROL", "home")
			b.shows("#messages", "SSH access")
			b.fits("Home")
		})
	}
}
