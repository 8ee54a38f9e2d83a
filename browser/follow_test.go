package browser

import (
	"fmt"
	"strings"
	"testing"
)

// follows takes the link at the end of the messages, by key.
func (b *tab) follows(words string) {
	b.t.Helper()
	b.shows("#messages a[data-message]", words)
	b.runs(`[...document.querySelectorAll("#messages a[data-message]")].at(-1).focus()`)
	b.seen()
	b.keys("Enter")
}

// A link to a message leads to that message within the page, and nowhere where it is gone.
func TestFollow(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	b.is("U0DAVE", "C0OPS")
	b.pressAt("Request 1:", "1 reply")
	b.until("the thread", `document.querySelectorAll("#thread .message").length === 2`)
	parent := value[string](b, `document.querySelector("#thread .message").dataset.ts`)
	reply := value[string](b, `[...document.querySelectorAll("#thread .message")].at(-1).dataset.ts`)
	link := func(ts string) string {
		return "https://sim.slack.com/archives/C0OPS/p" + strings.ReplaceAll(ts, ".", "")
	}
	where := value[string](b, "location.href")

	b.is("U0DAVE", "dm")
	b.types("look at " + link(parent))
	b.follows(link(parent))
	b.until("one is in #ops, and the message has the focus", fmt.Sprintf(`document.querySelector("[data-place=C0OPS][aria-pressed=true]") && document.activeElement.matches("#messages .entry") && document.activeElement.querySelector(".message").dataset.ts === %q`, parent))
	b.seen()
	b.until("no thread is open", `document.querySelector("#drawer").hidden`)

	b.is("U0DAVE", "dm")
	b.types("look at " + link(reply) + "?thread_ts=" + parent + "&cid=C0OPS")
	b.follows("thread_ts=" + parent)
	b.until("the reply has the focus", fmt.Sprintf(`document.activeElement.matches("#thread .message") && document.activeElement.dataset.ts === %q`, reply))
	b.seen()

	b.is("U0DAVE", "dm")
	b.types("look at " + link("1.000001"))
	b.follows(link("1.000001"))
	b.shows("#toast", "That message is gone, or you are not in its channel.")
	if now := value[string](b, "location.href"); now != where {
		t.Errorf("the page is at %s, not at %s", now, where)
	}
}
