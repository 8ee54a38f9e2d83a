package play

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// stream sends what changes on the page as server-sent events, until the browser leaves.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	var at viewpoint
	if !decode(w, r, &at) {
		return
	}
	at = at.corrected()
	w.Header().Set("Content-Type", "text/event-stream")
	flow := http.NewResponseController(w)
	sent := sentItems{}
	for r.Context().Err() == nil {
		next := p.changed.wait()
		g := p.current()
		t, err := g.truth(r.Context())
		var s screen
		if err == nil {
			g.see(at)
			s, err = g.draw(at, t)
		}
		if err == nil {
			err = sent.write(w, s)
		}
		if err == nil {
			err = flow.Flush()
		}
		if err != nil && p.current() == g {
			return // the browser connects again
		}
		pause(r.Context(), redrawAfter)
		sleepUntil(r.Context(), next, redrawWithin)
	}
}

const (
	redrawAfter  = 80 * time.Millisecond // at most so often, however much changes
	redrawWithin = 5 * time.Second       // as time goes by
)

func pause(ctx context.Context, d time.Duration) { sleepUntil(ctx, nil, d) }

// sentItems are the items that a browser has, by region and key.
type sentItems map[string]map[string]string

// patch is what changed in a region.
type patch struct {
	Order []string          `json:"order"` // the keys of all items
	HTML  map[string]string `json:"html"`  // of those that changed
}

// write writes what is not as it was sent before.
func (sent sentItems) write(w io.Writer, s screen) error {
	patches := map[string]patch{}
	for _, region := range regions {
		had, has := sent[region], map[string]string{}
		one := patch{Order: []string{}, HTML: map[string]string{}}
		for _, i := range s[region] {
			html := string(i.HTML)
			one.Order = append(one.Order, i.Key)
			has[i.Key] = html
			if before, there := had[i.Key]; !there || before != html {
				one.HTML[i.Key] = html
			}
		}
		if had == nil || len(one.HTML) > 0 || len(has) != len(had) {
			patches[region] = one
		}
		sent[region] = has
	}
	if len(patches) == 0 {
		_, err := io.WriteString(w, ":\n\n") // the browser sees that we are there
		return err
	}
	data, err := json.Marshal(patches)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "data: %s\n\n", strings.TrimSpace(string(data)))
	return err
}

// regions are the parts of the page that are drawn.
var regions = []string{"people", "places", "title", "messages", "thread", "shortcuts", "modal", "tour", "count", "toggles", "clock", "tiles", "accounts", "calls", "sizes"}
