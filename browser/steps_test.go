package browser

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the pictures of the README anew")

// pictures is where the README finds them.
const pictures = "../docs/demo"

// picture keeps what the tab shows, with -update.
func (b *tab) picture(name string) {
	b.t.Helper()
	if !*update {
		return
	}
	raw, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must(err)
	whole, err := png.Decode(bytes.NewReader(raw))
	b.must(err)
	file, err := os.Create(filepath.Join(pictures, name+".png"))
	b.must(err)
	defer func() { b.must(file.Close()) }()
	b.must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(file, simplified(whole)))
}

// simplified returns a picture in the colours that are most frequent in it, which are enough for text on plain
// ground and take half the room.
func simplified(whole image.Image) image.Image {
	count := map[color.Color]int{}
	bounds := whole.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[whole.At(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return cmp.Compare(count[b], count[a]) })
	few := image.NewPaletted(bounds, frequent[:min(len(frequent), 256)])
	draw.Draw(few, bounds, whole, bounds.Min, draw.Src)
	return few
}

// The five steps of the tour, each ticked when it was done.
func TestFiveSteps(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)

	b.until("what was before is drawn", "!"+button("Request 1:", "Approve"))

	b.press("#tour", "Be Alice")
	b.until("the command is typed", `document.querySelector("#text").value.startsWith("/sshkey grant @alice 12h")`)
	b.press("#composer", "Send")
	b.shows("#messages", "Request 2")
	b.shows("#tour .done", "Ask as Alice")
	b.until("what to press is in sight", `((r) => r && r.top > 0 && r.bottom < innerHeight)(`+button("Request 2:", "Approve")+`?.getBoundingClientRect())`)
	b.picture("1-ask")

	b.press("#tour", "Be Bob")
	b.pressAt("Request 2", "Approve")
	b.shows("#tour .done", "Approve as Bob")
	b.shows("#count", "The bot says 3, the servers say 3.")
	b.pressAt("Request 2", "1 reply")
	b.shows("#thread", "placed on 3 servers")
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
	b.until("both are told", `[...document.querySelectorAll(".message")].filter((e) => e.innerText.includes("Removed on all 3 servers")).length === 2`)
	b.picture("4-end")

	b.press("#tour", "Deactivate Alice")
	b.shows("#tour .done", "Deactivate Alice")
	b.shows("#messages", "left")
	b.picture("5-left")
}
