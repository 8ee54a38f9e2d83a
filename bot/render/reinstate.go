package render

import (
	"fmt"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// What somebody who was reinstated may do, and what they have not got back.
const (
	mayAsk   = " may be given access again, upon a new request."
	keysAnew = "The keys that they had are no longer registered, so they register one anew."
)

// reinstatement draws the request to let somebody who was offboarded be given access again.
func reinstatement(v workflow.RequestView) Message {
	p := &page{}
	p.addHeading(title(v.Request))
	p.addText(intro(v), askForDecision(v))
	p.addText(decision(v))
	p.addText(bullets(reinstatementFacts(v))...)
	p.addText(orNone(reason(v)))
	if v.Request.State == access.Pending {
		p.addButtons(requestButtons(v)...)
	}
	return p.message()
}

// reinstatementFacts say what follows from a reinstatement and, while it is open, when the person
// was offboarded.
func reinstatementFacts(v workflow.RequestView) []string {
	var lines []string
	if v.Request.State.Open() && v.Subject.Offboarded() {
		lines = append(lines, mention(v.Request.Person)+" was offboarded "+date(v.Subject.OffboardedAt)+".")
	}
	return append(lines, "They"+mayAsk, keysAnew, "If they are named as an approver, they decide again.")
}

func bullets(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = bullet(line)
	}
	return out
}

// reinstated says that an offboarding was taken back.
func (p *page) reinstated(n access.Notice, v *workflow.RequestView) {
	if v == nil {
		return
	}
	p.addText(fmt.Sprintf("*%s is reinstated* (request %s). They were offboarded (request %d). They%s %s",
		mention(v.Request.Person), escape(n.Detail, nameLimit), v.Request.ID, mayAsk, keysAnew))
}
