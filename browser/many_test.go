package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// counts has the page count the bytes of its streams, in window.bytes.
const counts = `window.bytes = 0; {
	const read = ReadableStreamDefaultReader.prototype.read;
	ReadableStreamDefaultReader.prototype.read = async function (...rest) {
		const got = await read.apply(this, rest);
		window.bytes += got.value?.length ?? 0;
		return got;
	};
}`

// A page of 500 servers stays light, and somebody can type while it is drawn.
func TestManyServers(t *testing.T) {
	t.Parallel()
	d := start(t, "--servers", "500")
	began := time.Now()
	b := d.open(d.address, 1280, 800)
	first := time.Since(began)
	if n := value[int](b, `document.querySelectorAll("#tiles > *").length`); n != 500 {
		t.Fatalf("%d servers are shown", n)
	}
	b.runs(counts)
	b.is("U0DAVE", "C0OPS") // another person sees times of another zone: all is drawn anew
	b.until("a whole page", `window.bytes > 100_000`)
	b.until("it is drawn", `document.querySelector("[data-as=U0DAVE][aria-pressed=true]")`)
	whole := value[int](b, `window.bytes`)

	b.asks("U0DAVE", "/sshkey grant @dave 12h for all of them", 2)
	// What is typed appears at once, while 500 servers change.
	b.is("U0CAROL", "C0OPS")
	b.until("Approve", button("Request 2:", "Approve"))
	b.runs(`window.bytes = 0; window.slowest = 0; document.querySelector("#text").value = "";
		(function frame(before) { requestAnimationFrame((now) => { window.slowest = Math.max(window.slowest, now - before); frame(now); }); })(performance.now());` +
		button("Request 2:", "Approve") + `.click(); document.querySelector("#confirm[open] #confirm-yes")?.click()`)
	b.until("nothing is asked", `!document.querySelector("#confirm").open`)
	b.runs(`document.querySelector("#text").focus()`)
	const typed = "somebody types while all of it changes, and loses nothing"
	for _, r := range typed {
		b.do(chromedp.KeyEvent(string(r)))
	}
	b.until("what is typed", fmt.Sprintf(`document.querySelector("#text").value === %q`, typed))
	b.agree(500)
	grant, slowest := value[int](b, `window.bytes`), value[float64](b, `window.slowest`)
	if slowest > 2000 {
		t.Errorf("the page stood still for %.0f ms", slowest)
	}
	if kept := value[string](b, `document.querySelector("#text").value`); kept != typed {
		t.Errorf("typed: %q", kept)
	}

	// One key: a tile, the count, and what else it changes.
	b.asks("U0ALICE", "/sshkey grant @alice 12h on web-01 for one of them", 3)
	b.is("U0CAROL", "C0OPS")
	b.until("Approve", button("Request 3:", "Approve"))
	b.runs(`window.bytes = 0; ` + button("Request 3:", "Approve") + `.click(); document.querySelector("#confirm[open] #confirm-yes")?.click()`)
	b.agree(501)
	one := value[int](b, `window.bytes`)
	t.Logf("first paint %v; bytes: the page %d, 500 keys %d, one key %d; slowest frame %.0f ms", first.Round(time.Millisecond), whole, grant, one, slowest)
	if one > whole/8 {
		t.Errorf("one key takes %d bytes, the whole page %d", one, whole)
	}
	b.runs(`document.querySelector("#tiles details:last-child").open = true; document.querySelector("#tiles details:last-child").scrollIntoView()`)
	b.fits("500 servers")
}
