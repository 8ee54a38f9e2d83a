package render

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// restored draws the request to go on after the ledger was put back from a copy: what that means,
// what was found since, and once all was read the button.
func restored(v workflow.RequestView) Message {
	p := &page{}
	p.addHeading(title(v.Request))
	p.addText(intro(v), restoredState(v))
	if v.Request.State == access.Pending && v.Restored != nil {
		p.addText(bullets(restoredFacts(*v.Restored))...)
		p.addList("Access that is live by the copy", grantLines(v.Restored.Live, holderOf), list,
			grantsButton(workflow.Everybody, "Show all "+count(len(v.Restored.Live), "grant", "grants")))
		p.addButtonsAndRest(continueButton(v)...)
	}
	return p.message()
}

// restoredIntro says what happened.
func restoredIntro(v workflow.RequestView) string {
	r := v.Restored
	if r == nil || r.At.IsZero() {
		return "My ledger was restored from a copy."
	}
	text := fmt.Sprintf("My ledger was restored %s from a copy. The last event in it is of %s: %s.", date(r.At), date(r.HeadAt), code(r.Head.String(), headLimit))
	if v.Request.State == access.Pending {
		text += " *Until an approver goes on, I grant nothing:* no key is placed or renewed. What ends access goes on."
	}
	return text
}

// restoredState says what the request waits for, or who went on.
func restoredState(v workflow.RequestView) string {
	switch {
	case v.Request.State == access.Approved:
		return "*Continued* " + decidedBy(v.Request.DecidedBy) + " " + date(v.Request.DecidedAt) + ". I grant access again."
	case v.Request.State != access.Pending || v.Restored == nil:
		return decision(v)
	case !v.Restored.Ready():
		return reads(*v.Restored)
	case v.Request.Undecidable:
		return "*Nobody is left who may go on:* it waits for whoever runs me to name more people in `SSHKEYBOT_APPROVERS`."
	}
	return orApprovers(v.Asked()) + ": everything was read. Please read this, order again what is missing, and then press *Continue*."
}

// reads says what is still to be read.
func reads(v workflow.RestoredView) string {
	text := "I am reading every server now, for keys of mine that the copy does not know, and look up everybody in Slack. When that is done, the approvers can go on here."
	for _, t := range v.Unread.Targets {
		text += "\n• The list of servers of " + escape(t.Name, nameLimit) + " is still to be read"
		switch {
		case t.Halted():
			text += ": it refuses my token"
		case t.Doubt != "":
			text += ", since I doubt the last one: " + escape(t.Doubt, detailLimit)
		}
	}
	if n := len(v.Unread.Servers); n > 0 {
		text += "\n• Still to be read: " + servers(n) + inBrackets(few(serverCodes(v.Unread.Servers), servers))
	}
	if !v.People {
		text += "\n• Slack has not told me yet who left."
	}
	return text
}

func serverCodes(refs []access.ServerRef) []string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = code(ref.Name, nameLimit)
	}
	return names
}

// restoredFacts say what was found, and what cannot be found.
func restoredFacts(v workflow.RestoredView) []string {
	lines := []string{
		"*Not in the copy is what was decided after it.* Revocations and offboardings that were ordered since have to be ordered again, best before you press Continue: `/sshkey revoke`, `/sshkey offboard`. Keys that were registered since have to be registered again.",
	}
	if v.Ready() {
		lines = append(lines, unknownKeys(v), left(v))
	}
	if n := len(v.Gone); n > 0 {
		lines = append(lines, count(n, "key", "keys")+" of the copy "+isOrAre(n)+" not on the servers any more, perhaps for a reason, so I do not place them again by myself: `/sshkey audit` lists them, to be placed again or ended.")
	}
	if v.Closed > 0 {
		lines = append(lines, count(v.Closed, "request", "requests")+" that "+wasOrWere(v.Closed)+" open in the copy "+isOrAre(v.Closed)+" closed; buttons of what was asked after it do nothing.")
	}
	if v.Acts > 0 {
		lines = append(lines, count(v.Acts, "click or command", "clicks or commands")+" that waited in the copy "+wasOrWere(v.Acts)+" not carried out.")
	}
	return append(lines, fmt.Sprintf("New requests have numbers from %d on, so that none stands for two things.", v.Last.Skipped+1))
}

func unknownKeys(v workflow.RestoredView) string {
	if len(v.Found) == 0 {
		return "On no server is a key of mine that the copy does not know."
	}
	on := map[int64]bool{}
	requests := []string{}
	open := 0
	for _, c := range v.Found {
		on[c.ServerID] = true
		if id := idValue(c.RequestID); !slices.Contains(requests, id) {
			requests = append(requests, id)
		}
		if !c.Decided() {
			open++
		}
	}
	text := fmt.Sprintf("*%s with my label on %s, which the copy does not know* (request %s)", count(len(v.Found), "key", "keys"), servers(len(on)), few(requests, func(n int) string { return grouped(n) + " requests" }))
	if open == 0 {
		return text + ": approvers have decided about all of them."
	}
	return fmt.Sprintf("%s: %s still to decide.", text, grouped(open))
}

func left(v workflow.RestoredView) string {
	if len(v.Left) == 0 {
		return "Slack shows nobody as gone whom the copy has as a member."
	}
	var names []string
	for _, r := range v.Left {
		names = append(names, mention(r.Person)+" (request "+idValue(r.ID)+")")
	}
	return "Slack shows as gone: " + few(names, func(n int) string { return count(n, "person", "people") }) + "."
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// continueButton is there once everything was read.
func continueButton(v workflow.RequestView) []slack.BlockElement {
	if v.Restored == nil || !v.Restored.Ready() {
		return nil
	}
	b := button(ActionApprove, decisionValue(v), "Continue").WithStyle(slack.StylePrimary)
	return []slack.BlockElement{aboutRequest(withConfirm(b, "Grant access again?",
		"What is live by the copy is kept up again, also what was revoked after it, unless that was ordered again.", "Continue"), v.Request.ID)}
}
