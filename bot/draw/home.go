package draw

import (
	"fmt"
	"strconv"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// HomeData is what the Home tab of a person shows.
type HomeData struct {
	Me       access.UserID
	Approver bool
	Grants   []access.GrantView   // own live access
	Keys     []access.Key         // own keys
	Asked    []access.Request     // own open requests
	Waiting  []access.RequestView // requests that this person may decide
	Team     access.Overview      // for approvers: everybody's access and what is owed
	Page     int                  // 0 is the first
}

// rowsOnPage keeps a page under 100 blocks: a row takes two at most, titles and frame the rest.
const rowsOnPage = 40

// row is one entry of the Home tab with its buttons.
type row struct {
	title   string // of the part it belongs to
	text    string
	buttons []slack.BlockElement
}

// Home draws one page of a person's Home tab. A page that does not exist any more shows the last one.
func Home(d HomeData) slack.HomeTabViewRequest {
	rows := d.rows()
	pages := (len(rows) + rowsOnPage - 1) / rowsOnPage
	at := max(0, min(d.Page, pages-1))
	p := &page{}
	p.head("SSH access")
	p.say("Hello " + mention(d.Me) + ". Ask for access with `/sshkey grant`, or see `/sshkey help`.")
	part := ""
	for _, r := range rows[at*rowsOnPage : min(len(rows), (at+1)*rowsOnPage)] {
		if r.title != part {
			p.blocks = append(p.blocks, slack.NewDividerBlock())
			p.head(r.title)
			part = r.title
		}
		p.say(r.text)
		p.press(r.buttons...)
	}
	p.turnPage(at, pages)
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: p.blocks}}
}

func (p *page) turnPage(at, pages int) {
	if pages < 2 {
		return
	}
	p.small(fmt.Sprintf("Page %d of %d", at+1, pages))
	// Two blocks, since an action id may stand only once in a block.
	if at > 0 {
		p.press(button(ActionHomePage, strconv.Itoa(at-1), "Previous page"))
	}
	if at+1 < pages {
		p.press(button(ActionHomePage, strconv.Itoa(at+1), "Next page"))
	}
}

func (d HomeData) rows() []row {
	rows := d.waitingRows()
	rows = append(rows, d.accessRows()...)
	rows = append(rows, d.keyRows()...)
	for _, r := range d.Asked {
		text := fmt.Sprintf("Request %d: %s. %s", r.ID, what(r), next(r))
		rows = append(rows, row{"My open requests", text, []slack.BlockElement{button(ActionCancel, opaque(r.ID), "Cancel")}})
	}
	if d.Approver {
		rows = append(rows, d.teamRows()...)
	}
	return rows
}

func (d HomeData) waitingRows() []row {
	var rows []row
	for _, v := range d.Waiting {
		id := opaque(v.Request.ID)
		text := fmt.Sprintf("*Request %d*: %s It waits %s.\n%s", v.Request.ID, intro(v), until(v.Request.ExpiresAt), orNone(reason(v.Request)))
		buttons := []slack.BlockElement{approveButton(v), button(ActionDeny, id, "Deny").WithStyle(slack.StyleDanger)}
		rows = append(rows, row{"Waiting for your decision", text, buttons})
	}
	return rows
}

func (d HomeData) accessRows() []row {
	if len(d.Grants) == 0 {
		return []row{{title: "My access", text: "You have no SSH access through me now."}}
	}
	var rows []row
	for _, g := range d.Grants {
		id := opaque(g.Grant.ID)
		buttons := []slack.BlockElement{button(ActionDone, id, "Give back")}
		if !g.Grant.EndsAt.IsZero() {
			buttons = append([]slack.BlockElement{button(ActionExtend, id, "Extend")}, buttons...)
		}
		rows = append(rows, row{"My access", "Access " + grantText(g), buttons})
	}
	return rows
}

func (d HomeData) keyRows() []row {
	var rows []row
	for _, k := range d.Keys {
		remove := button(ActionRemoveKey, k.Fingerprint, "Remove")
		rows = append(rows, row{"My keys", keyLine(k), []slack.BlockElement{remove}})
	}
	add := button(ActionRegister, "home", "Add a key")
	if len(d.Keys) == 0 {
		return append(rows, row{"My keys", "You have no key registered yet. Access needs one.", []slack.BlockElement{add}})
	}
	return append(rows, row{"My keys", count(len(d.Keys), "key", "keys") + " registered.", []slack.BlockElement{add}})
}

func (d HomeData) teamRows() []row {
	var rows []row
	for _, line := range owedLines(d.Team.Debt) {
		rows = append(rows, row{title: "Still to remove", text: line})
	}
	if len(rows) == 0 {
		rows = append(rows, row{title: "Still to remove", text: "No key is left anywhere that should be gone."})
	}
	if len(d.Team.Grants) == 0 {
		return append(rows, row{title: "Who has access now", text: nobody(true)})
	}
	for _, line := range grantLines(d.Team.Grants) {
		rows = append(rows, row{title: "Who has access now", text: line})
	}
	return rows
}
