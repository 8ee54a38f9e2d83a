package render

import "fmt"

// pager is one page of a list that is shown in pages of the same size.
type pager struct {
	at, pages int // this page, counted from 0, and how many there are; at least one
	from, to  int // the entries that it shows are list[from:to]
}

// pageAt returns a page of a list; the nearest one when there is no such page.
func pageAt(at, entries, size int) pager {
	pages := max(1, (entries+size-1)/size)
	at = max(0, min(at, pages-1))
	return pager{at: at, pages: pages, from: at * size, to: min(entries, (at+1)*size)}
}

// addTurning adds the buttons that turn to the pages beside this one; value returns that of
// the button for a page. Nothing is added to a list of one page.
func (p *page) addTurning(g pager, action string, value func(at int) string) {
	if g.pages < 2 {
		return
	}
	p.addContext(fmt.Sprintf("Page %d of %d", g.at+1, g.pages))
	// Two blocks, since an action id may stand only once in a block.
	if g.at > 0 {
		p.addButtons(button(action, value(g.at-1), "Previous page"))
	}
	if g.at+1 < g.pages {
		p.addButtons(button(action, value(g.at+1), "Next page"))
	}
}
