package browser

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the pictures of the README anew")

// pictures is where the README finds them.
const pictures = "../docs/demo"

// picture keeps what the tab shows.
func (b *tab) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if !*update {
		return
	}
	if err := os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// The five steps of the tour, each ticked when it was done.
func TestFiveSteps(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)

	b.press("#tour", "Be Alice")
	b.until("the command is typed", `document.querySelector("#text").value.startsWith("/sshkey grant @alice 12h")`)
	b.press("#composer", "Send")
	b.shows("#messages", "Request 2")
	b.shows("#tour .done", "Ask as Alice")
	b.picture("1-ask")

	b.press("#tour", "Be Bob")
	b.pressAt("Request 2", "Approve")
	b.shows("#tour .done", "Approve as Bob")
	b.shows("#count", "The bot says 3, the servers say 3.")
	b.pressAt("Request 2", "1 reply")
	b.shows("#thread", "Placed on 3 servers")
	b.picture("2-approve")

	b.press("#tour", "Take web-01 offline")
	b.press("#tour", "Be Dave")
	b.press("#composer", "Send")
	b.shows("#messages", "Request 3")
	b.press("#tour", "Be Carol")
	b.pressAt("Request 3", "Approve")
	b.shows("#tiles .unsettled", "web-01")
	b.shows("#count", "The bot says 5, the servers say 5.")
	b.pressAt("Request 3", "1 reply")
	b.shows("#thread", "offline")
	b.picture("3-break")
	b.press("#tour", "Put web-01 in order")
	b.shows("#count", "The bot says 6, the servers say 6.")
	b.shows("#tour .done", "Break a server")

	b.press("#tour", "Jump to the end")
	b.shows("#tour .done", "Jump to the end")
	b.shows("#count", "The bot says 0, the servers say 0.")
	b.picture("4-end")

	b.press("#tour", "Deactivate Alice")
	b.shows("#tour .done", "Deactivate Alice")
	b.shows("#messages", "left")
	b.picture("5-left")
}
