package render

import (
	"strings"

	"sshkeybot/internal/workflow"
)

// headLimit lets a head of the audit log be read whole: a number and 64 digits.
const headLimit = 90

// Daily is the summary of the day; ok is false when there is nothing to say.
func Daily(o workflow.Overview) (m Message, ok bool) {
	if len(o.Grants)+len(o.Waiting)+len(o.Undecided)+o.Overdue+o.Moving == 0 {
		return Message{}, false
	}
	p := &page{}
	p.addHeading("SSH access today")
	p.addText(upper(strings.Join(counts(o), ", ")) + ".")
	moving := movingLines(o.Moving)
	p.addListOf(len(moving)+o.Overdue, "Still to remove", append(moving, overdueLines(o.Debt)...), list, debtButton(o))
	p.addButtonsAndRest()
	p.undecidedRequests("*Keys to decide about*, "+orApprovers(o.Deciders)+":", o.Undecided[:min(len(o.Undecided), undecidedInDaily)])
	if more := len(o.Undecided) - undecidedInDaily; more > 0 {
		p.addText("… and " + grouped(more) + " more")
		p.addButtons(undecidedButton("Show all " + count(len(o.Undecided), "request", "requests")))
	}
	p.addList("Access now", grantLines(o.Grants, holderByName), list, grantsButton(workflow.Everybody, "Show all "+count(len(o.Grants), "grant", "grants")))
	p.addButtonsAndRest()
	p.addList("Waiting", waitingLines(o.Waiting), list, listButton(workflow.PartWaiting, workflow.Everybody, "Show all "+count(len(o.Waiting), "request", "requests")))
	p.addButtonsAndRest()
	p.addContext("Audit log: " + code(o.Log.String(), headLimit))
	return p.message(), true
}

// counts returns how many there are of each thing, without those of which there is none.
func counts(o workflow.Overview) []string {
	var parts []string
	if n := o.Overdue + o.Moving; n > 0 {
		parts = append(parts, count(n, "key", "keys")+" still to remove")
	}
	if n := len(o.Undecided); n > 0 {
		parts = append(parts, count(n, "request", "requests")+" with keys to decide about")
	}
	if n := len(o.Waiting); n > 0 {
		parts = append(parts, count(n, "request", "requests")+" waiting")
	}
	if n := len(o.Grants); n > 0 {
		parts = append(parts, count(n, "live grant", "live grants"))
	}
	return parts
}
