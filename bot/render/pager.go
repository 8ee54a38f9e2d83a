package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

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
	var back, on string
	if g.at > 0 {
		back = value(g.at - 1)
	}
	if g.at+1 < g.pages {
		on = value(g.at + 1)
	}
	p.addBackAndOn(action, "Previous page", back, "Next page", on)
}

// addBackAndOn adds the buttons that have a value. They stand in two blocks, since an action id may stand only
// once in a block.
func (p *page) addBackAndOn(action, backLabel, back, onLabel, on string) {
	if back != "" {
		p.addButtons(button(action, back, backLabel))
	}
	if on != "" {
		p.addButtons(button(action, on, onLabel))
	}
}

// addPlace says which entries of a list a page shows, where it does not show all, and adds the buttons that turn to
// the pages beside it. What the list is about goes with them.
func (p *page) addPlace(at workflow.Page, action, about string) {
	if at.Last-at.First+1 >= at.Total() {
		return
	}
	p.addContext(fmt.Sprintf("%s–%s of %s", grouped(at.First), grouped(at.Last), grouped(at.Total())))
	var back, on string
	if at.First > 1 {
		back = pageValue(pageBefore, markText(at.From), about)
	}
	if at.Last < at.Total() {
		on = pageValue(pageAfter, markText(at.To), about)
	}
	p.addBackAndOn(action, "Previous page", back, "Next page", on)
}

// listButton shows who asks for it the list of a person's access, or of everybody's, from a part of it on.
func listButton(part int, of access.UserID, label string) *slack.ButtonBlockElement {
	return button(ActionListPage, pageValue(pageAfter, markText(workflow.Mark{Part: part}), string(of)), label)
}

func grantsButton(of access.UserID, label string) *slack.ButtonBlockElement {
	return listButton(workflow.PartGrants, of, label)
}

func debtButton(o workflow.Overview) *slack.ButtonBlockElement {
	return listButton(workflow.PartDebt, workflow.Everybody, "Show all "+count(o.Overdue+o.Moving, "key", "keys"))
}

// undecidedButton shows an approver the requests that have keys to decide about.
func undecidedButton(label string) *slack.ButtonBlockElement {
	return button(ActionPendingPage, pageValue(pageAfter, markText(workflow.Mark{Part: workflow.PartToDecide}), ""), label)
}

// The directions in which a page lies from an entry.
const (
	pageBefore = "before"
	pageAfter  = "after"
)

func pageValue(direction, entry, about string) string { return direction + ":" + entry + ":" + about }

// readPageValue reads what pageValue has made.
func readPageValue(value string) (direction, entry, about string, ok bool) {
	parts := strings.SplitN(value, ":", 3)
	if len(parts) != 3 || parts[0] != pageBefore && parts[0] != pageAfter {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

func markText(m workflow.Mark) string { return fmt.Sprintf("%d.%d", m.Part, m.ID) }

// ReadPage reads the value of a button for a page of a list, or for the list from one of its parts on, and what the
// list is about.
func ReadPage(value string) (q workflow.PageQuery, about string, ok bool) {
	direction, entry, about, ok := readPageValue(value)
	part, id, _ := strings.Cut(entry, ".")
	n, errPart := strconv.Atoi(part)
	m, errID := strconv.ParseInt(id, 10, 64)
	if !ok || errPart != nil || errID != nil || n < 0 || m < 0 {
		return q, "", false
	}
	if q.After = (workflow.Mark{Part: n, ID: m}); direction == pageBefore {
		q = workflow.PageQuery{Before: q.After}
	}
	return q, about, true
}
