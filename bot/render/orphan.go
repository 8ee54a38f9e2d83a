package render

import (
	"sshkeybot/internal/access"

	"sshkeybot/internal/workflow"
)

// orphans draws keys that carry the label of this ledger and that it does not know, for
// approvers to decide about.
func orphans(v workflow.RequestView) Message {
	p := &page{}
	p.addHeading(title(v.Request))
	if v.Undecided() > 0 {
		p.addText(orApprovers(v.Asked()) + ": there are keys on the servers that carry my label, and that my ledger does not know. " +
			"Most likely it was restored from a backup that is older than they are. I never remove them by myself: a label can be copied.")
	} else {
		p.addText("These keys carry my label, and my ledger did not know them. Approvers have decided about all of them.")
	}
	if t := tallyOf(v.Results, access.PhaseRemove); t.servers > 0 {
		p.addText(removing(t, false, removedFrom(v)) + halted(v))
	}
	p.candidates(v)
	p.addButtons(requestButtons(v)...)
	return p.message()
}
