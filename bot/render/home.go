package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// HomeData is what the Home tab of a person shows.
type HomeData struct {
	Me       access.UserID
	Approver bool
	Grants   []workflow.GrantView   // own live access
	Keys     []access.Key           // own keys
	Asked    []access.Request       // own open requests
	Past     []access.Request       // what they asked for before, and may ask for again
	Waiting  []workflow.RequestView // requests that this person may decide, or has approved
	Posts    map[int64]Post         // where these are shown, by request
	Team     workflow.Overview      // for approvers: everybody's access and what is owed
	Refused  string                 // why this person cannot take part; the rest is empty then
	Page     int                    // 0 is the first
}

// What keeps a page short, and within the hundred blocks that Slack takes: rows, and their blocks. A title
// takes two blocks, the frame of a page five.
const (
	rowsOnPage   = 40
	blocksOnPage = 90
)

// row is one entry of the Home tab with its buttons.
type row struct {
	title   string   // of the part it belongs to
	lines   []string // of text
	buttons []slack.BlockElement
}

// Home draws one page of a person's Home tab. A page that does not exist any more shows the last one.
func Home(d HomeData) slack.HomeTabViewRequest {
	pages := pagesOf(d.rows())
	here := pageAt(d.Page, len(pages), 1)
	p := &page{}
	p.addHeading("SSH access")
	if d.Refused != "" {
		p.addText(sentence(d.Refused, 1500))
		return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: p.blocks}}
	}
	p.addButtons(button(ActionAsk, "home", "Ask for access").WithStyle(slack.StylePrimary))
	part := ""
	for _, r := range pages[here.at] {
		if r.title != part {
			p.blocks = append(p.blocks, slack.NewDividerBlock())
			p.addHeading(r.title)
			part = r.title
		}
		p.addText(r.lines...)
		p.addButtons(r.buttons...)
	}
	p.addTurning(here, ActionHomePage, strconv.Itoa)
	p.addContext("`/sshkey help` shows everything that I can do.")
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: p.blocks}}
}

// pagesOf cuts rows into pages; there is always one.
func pagesOf(rows []row) (pages [][]row) {
	pages, blocks, part := [][]row{nil}, 0, ""
	for _, r := range rows {
		last := len(pages) - 1
		need := r.blocks()
		if r.title != part {
			need += 2
		}
		if blocks+need > blocksOnPage || len(pages[last]) == rowsOnPage {
			pages, blocks, last = append(pages, nil), 0, last+1
			need = r.blocks() + 2
		}
		pages[last] = append(pages[last], r)
		blocks, part = blocks+need, r.title
	}
	return pages
}

func (r row) blocks() int {
	n := len(sections(nonEmpty(r.lines)))
	if len(r.buttons) > 0 {
		n++
	}
	return n
}

func (d HomeData) rows() []row {
	rows := d.waitingRows()
	for _, u := range d.Team.Undecided {
		rows = append(rows, row{"Keys to decide about", []string{upper(undecidedLine(u))}, []slack.BlockElement{decideCandidates(u)}})
	}
	rows = append(rows, d.accessRows()...)
	rows = append(rows, d.keyRows()...)
	for _, r := range d.Asked {
		text := fmt.Sprintf("Request %d: %s. %s", r.ID, describe(r), next(r))
		rows = append(rows, row{"My open requests", []string{text}, []slack.BlockElement{aboutRequest(button(ActionCancel, idValue(r.ID), "Withdraw"), r.ID)}})
	}
	for _, r := range d.Past {
		text := fmt.Sprintf("%s%s (request %d)", upper(describe(r)), onPattern(r), r.ID)
		rows = append(rows, row{"Asked for before", []string{text}, askAgain(r)})
	}
	if d.Approver {
		rows = append(rows, d.teamRows()...)
	}
	return rows
}

// onPattern continues a description of a grant with its servers as they were written; an account
// is in the description.
func onPattern(r access.Request) string {
	switch {
	case r.SystemUser == "":
		return ""
	case r.Pattern == "":
		return " on all servers"
	}
	return " on " + code(r.Pattern, reasonLimit/2)
}

// waitingRows show everything that a decision needs.
func (d HomeData) waitingRows() []row {
	var open, approved []row
	for _, v := range d.Waiting {
		head := waits(v, d.Posts[v.Request.ID])
		switch {
		case v.MayDecide:
			lines, buttons := decidable(v, roomInHome)
			open = append(open, row{"Waiting for your decision", append([]string{head}, lines...), buttons})
		case approvedBy(v, d.Me):
			approved = append(approved, row{"Approved by you, waiting for another approver", []string{head, intro(v) + approvals(v)}, nil})
		}
	}
	return append(open, approved...)
}

func approvedBy(v workflow.RequestView, id access.UserID) bool {
	return slices.ContainsFunc(v.Approvals, func(a access.Approval) bool { return a.Approver == id && a.Verdict == access.Approve })
}

func (d HomeData) accessRows() []row {
	if len(d.Grants) == 0 {
		return []row{{title: "My access", lines: []string{noAccess}}}
	}
	var rows []row
	for _, g := range d.Grants {
		id := idValue(g.Grant.ID)
		buttons := []slack.BlockElement{aboutAccess(button(ActionDone, id, "Give back"), g.Grant)}
		if !g.Grant.EndsAt.IsZero() {
			buttons = append([]slack.BlockElement{aboutAccess(button(ActionExtend, id, "Extend"), g.Grant)}, buttons...)
		}
		rows = append(rows, row{"My access", []string{"Access " + grantText(g)}, buttons})
	}
	return rows
}

func aboutAccess(b *slack.ButtonBlockElement, g access.Grant) *slack.ButtonBlockElement {
	return about(b, "access of request "+idValue(g.RequestID))
}

func (d HomeData) keyRows() []row {
	var rows []row
	for _, k := range d.Keys {
		which := strings.TrimSpace(plainText(k.Note, nameLimit/2) + " " + plainText(k.Fingerprint, len("SHA256:")+11))
		remove := about(button(ActionRemoveKey, k.Fingerprint, "Remove"), "key "+which)
		rows = append(rows, row{"My keys", []string{keyLine(k)}, []slack.BlockElement{remove}})
	}
	add := button(ActionRegister, "home", "Add a key")
	if len(d.Keys) == 0 {
		return append(rows, row{"My keys", []string{"You have no key registered yet. Access needs one."}, []slack.BlockElement{add}})
	}
	return append(rows, row{"My keys", []string{count(len(d.Keys), "key", "keys") + " registered."}, []slack.BlockElement{add}})
}

func (d HomeData) teamRows() []row {
	var rows []row
	overdue := overdueLines(d.Team.Debt)
	for _, line := range overdue {
		rows = append(rows, row{title: "Still to remove", lines: []string{line}})
	}
	if more := d.Team.Overdue - len(overdue); more > 0 {
		rows = append(rows, row{"Still to remove", []string{"… and " + grouped(more) + " more"}, []slack.BlockElement{debtButton(d.Team)}})
	}
	for _, line := range movingLines(d.Team.Moving) {
		rows = append(rows, row{title: "Still to remove", lines: []string{line}})
	}
	if len(rows) == 0 {
		rows = append(rows, row{title: "Still to remove", lines: []string{nothingOwed}})
	}
	if len(d.Team.Grants) == 0 {
		return append(rows, row{title: "Who has access now", lines: []string{emptyList(d.Team, "", false)}})
	}
	for _, line := range grantLines(d.Team.Grants, holderOf) {
		rows = append(rows, row{title: "Who has access now", lines: []string{line}})
	}
	return rows
}
