package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// rotation draws a request for another key of an account: what was found and, once decided, where it stands.
func rotation(v workflow.RequestView) Message {
	p := &page{}
	p.addHeading(title(v.Request))
	p.addText(intro(v), askForDecision(v), decision(v))
	if v.Request.State == access.Approved {
		p.addText(rotationStage(v), heldUp(v), oldGoes(v)+halted(v))
		p.addList("Not proven", codes(v.Rotation.Unproven), shortList, showServers(v))
	}
	p.addText(accountFact(v), "*Logs in as:* "+code(v.Request.SystemUser, nameLimit)+" on "+serverFact(v, patternLimit))
	p.addList("Machines that use it", machineLines(v.Rotation.Found), shortList, showServers(v))
	p.addText(otherUses(v.Rotation.Found.Others), busyFact(v))
	if v.Request.State == access.Pending {
		p.addText(oldKeyFact(v), noWayBack(v))
	}
	p.missing(v)
	p.candidates(v)
	p.addButtonsAndRest(slices.Concat(halfwayButtons(v), requestButtons(v))...)
	return p.message()
}

func rotateClause(v workflow.RequestView) string {
	if v.Rotation.Created && v.Rotation.AccountID == "" {
		return fmt.Sprintf("asks to make the account %s in %s, with a key for %s on *%s*", accountName(v), system(v), code(v.Request.SystemUser, nameLimit), where(v))
	}
	return fmt.Sprintf("asks for another key of the account %s in %s, which logs in as %s on *%s*", accountName(v), system(v), code(v.Request.SystemUser, nameLimit), where(v))
}

func accountName(v workflow.RequestView) string { return code(v.Rotation.AccountName, nameLimit) }

// system names what the account is in.
func system(v workflow.RequestView) string {
	if v.System == "" {
		return "its system"
	}
	return escape(v.System, nameLimit)
}

func accountFact(v workflow.RequestView) string {
	text := "*Account:* " + accountName(v)
	if id := v.Rotation.AccountID; id != "" {
		text += " (" + code(id, nameLimit) + ")"
	} else if !v.Rotation.State.Over() {
		text += ", which does not exist yet and may then be used in every environment"
	}
	return text + ", " + system(v) + " " + code(v.Rotation.Found.Version, nameLimit)
}

// machineLines returns a line for each machine, the ones that are not checked last.
func machineLines(found access.AccountFindings) []string {
	var checked, unchecked []string
	for _, m := range found.Machines {
		if m.Disabled {
			unchecked = append(unchecked, machineLine(m))
			continue
		}
		checked = append(checked, machineLine(m))
	}
	return append(checked, unchecked...)
}

func machineLine(m access.AccountMachine) string {
	line := code(m.Name, nameLimit) + " at " + code(m.Host, nameLimit)
	if m.Worker {
		line += ", a worker"
	}
	if m.Disabled {
		return line + ": disabled, so it is not checked and stays unproven"
	}
	return line + ": " + escape(m.Health, nameLimit)
}

func otherUses(n int) string {
	if n == 0 {
		return ""
	}
	return "*Other uses:* " + count(n, "step or variable", "steps, variables and the like") + ". They follow the account by themselves."
}

// busyFact says what the system does on its machines, while that matters.
func busyFact(v workflow.RequestView) string {
	busy := v.Rotation.Found.Busy
	if v.Request.State != access.Pending {
		busy = v.Rotation.Busy
	}
	if len(busy) == 0 {
		return ""
	}
	label := "*Under way in " + system(v) + ":* "
	if s := v.Rotation.State; s == access.RotationRemoving || s == access.RotationProving || s == access.RotationDone {
		label = "*Still under way when the old key went:* "
	}
	return label + few(codes(busy), func(n int) string { return count(n, "task", "tasks") })
}

func codes(texts []string) []string {
	coded := make([]string, len(texts))
	for i, text := range texts {
		coded[i] = code(text, labelLimit)
	}
	return coded
}

// oldKeyFact says what is known of the key that the account has now.
func oldKeyFact(v workflow.RequestView) string {
	found := v.Rotation.Found
	switch {
	case v.Rotation.Created:
		return "*Unproven:* nothing uses the account yet, so nothing shows that the key works until a machine does."
	case found.Known:
		return "*Old key:* I placed it, and take it away by its ids once the new one is proven."
	case found.Edited:
		by := ""
		if found.ModifiedBy != "" {
			by = " by " + code(found.ModifiedBy, nameLimit)
		}
		return "*Changed since I wrote to it:* the account was changed" + by + " " + date(found.ModifiedAt) + ", so it may have a key that I do not know. " + anApproverPicks
	}
	return "*Old key:* I did not place it. " + anApproverPicks
}

const anApproverPicks = "Once the new one is proven, I list the keys of that user that were there before, and an approver picks which go. What nobody picks stays and still works."

func noWayBack(v workflow.RequestView) string {
	if v.Rotation.Created {
		return ""
	}
	return "*No way back:* once the account is updated there is none through " + system(v) + ": it shows no private key, so the old one is lost. Both public keys stay on the servers until every machine is healthy with the new one."
}

// rotationStage says in a sentence or two where a rotation stands, what is done and what is left.
func rotationStage(v workflow.RequestView) string {
	r := v.Rotation
	switch r.State {
	case access.RotationPreparing:
		return "*Beginning.* I look at the account once more, then I make a key pair."
	case access.RotationPlacing:
		t := tallyOf(stillGranted(v), access.PhaseAdd)
		return fmt.Sprintf("*Placing the new public key:* on %d of %s so far. Nothing is changed in %s yet.", t.by[access.Done]+t.by[access.AlreadyThere], t.count(t.servers), system(v))
	case access.RotationConfirming:
		return "*The new public key is placed everywhere.* I read the list of every server for it before I write the private one into the account."
	case access.RotationWriting:
		return "*Writing the new private key into the account.* Whether it is there, I find out from the account itself."
	case access.RotationChecking:
		return "*The account has the new key* " + shortPrint(r.Fingerprint) + ". " + system(v) + " checks every machine now. The old key stays until all are healthy."
	case access.RotationDraining:
		return "*Every machine is healthy with the new key* " + shortPrint(r.Fingerprint) + ". The old key stays while work is under way there, at most ten minutes."
	case access.RotationRemoving:
		return "*The new key* " + shortPrint(r.Fingerprint) + " *is proven.* " + removingOld(v)
	case access.RotationProving:
		return "*The old key is gone.* " + system(v) + " checks every machine once more."
	case access.RotationHalfway:
		return "*Half way:* " + sentence(orUnproven(r.Problem), reasonLimit) + " The account has, or may have, a key that I made. Nothing more is taken away: what is on the servers now stays there. Mend the cause and press Check again, or have another key made with Rotate again."
	case access.RotationDone:
		return rotated(v)
	case access.RotationFailed:
		return "*Not rotated:* " + sentence(r.Problem, reasonLimit) + " The account has the key that it had. The new public key is taken off the servers."
	case access.RotationAsked, access.RotationDropped: // the request says it
	}
	return ""
}

func orUnproven(problem string) string {
	if problem == "" {
		return "Not every machine is proven."
	}
	return problem
}

// removingOld says how the old key goes.
func removingOld(v workflow.RequestView) string {
	switch {
	case v.Rotation.Found.Known:
		return "The old one is being taken away."
	case v.Undecided() > 0:
		return "I do not know the old one: an approver picks it below. *Until then it still works.*"
	case !v.FullyInspected():
		return "I look for keys that may be the old one."
	}
	return "What was picked is being taken away."
}

// rotated says what a rotation that is done came to.
func rotated(v workflow.RequestView) string {
	r := v.Rotation
	text := "*Done:* the account has the new key " + shortPrint(r.Fingerprint) + "."
	switch {
	case len(r.Found.MachineIDs()) == 0:
		return text + " *It is unproven* until a machine uses it."
	case r.Removes:
		text += " The old key is gone, and every machine that is checked is healthy after that."
	case len(v.Candidates) > 0:
		text += " *The old key still works:* nothing was picked, so nothing was taken away."
	default:
		text += " Every machine that is checked is healthy. No other key of that user was found, so nothing was taken away."
	}
	return text
}

// oldGoes says how far keys were taken away, if any are.
func oldGoes(v workflow.RequestView) string {
	t := tallyOf(v.Results, access.PhaseRemove)
	if t.servers == 0 {
		return ""
	}
	return removing(t, false, "")
}

// heldUp says why a rotation does not go on by itself at the moment.
func heldUp(v workflow.RequestView) string {
	r := v.Rotation
	if r.Problem == "" || r.State.Over() || r.State == access.RotationHalfway {
		return ""
	}
	return "*What holds me up:* " + sentence(r.Problem, reasonLimit) + " I try again by myself."
}

func halfwayButtons(v workflow.RequestView) []slack.BlockElement {
	if v.Request.State != access.Approved || v.Rotation.State != access.RotationHalfway {
		return nil
	}
	id := idValue(v.Request.ID)
	again := withConfirm(button(ActionRotateAgain, id, "Rotate again"), "Make another key?",
		"Another pair is made and placed, and written into the account, whatever that has now. The old keys go once it is proven.", "Rotate")
	return []slack.BlockElement{button(ActionCheckAgain, id, "Check again"), again}
}

// rotationNews mentions the approvers where they have to do something.
func (p *page) rotationNews(n access.Notice, v *workflow.RequestView) {
	if v == nil || v.Rotation == nil || string(v.Rotation.State) != n.Detail {
		return // it has gone on since
	}
	who := ""
	if v.Rotation.State == access.RotationHalfway {
		who = orApprovers(v.Asked()) + ": "
	}
	p.addText(who + "*Account* " + accountName(*v) + ". " + rotationStage(*v))
	p.addList("Not proven", codes(v.Rotation.Unproven), shortList, showServers(*v))
	p.addButtonsAndRest()
}

// CheckedAgain is the receipt of a check that somebody asked for.
func CheckedAgain() Message {
	return Say("The machines are checked once more. The message of the request shows what comes of it.")
}

// RotatedAgain is the receipt of a rotation that begins anew.
func RotatedAgain() Message {
	return Say("I make another key pair for the account. The message of the request shows how far it is.")
}

// holderOf names whose access a grant is: a person, or an account.
func holderOf(g access.Grant) string {
	if g.OfAccount() {
		return "the account " + code(strings.TrimSpace(g.Alias), nameLimit)
	}
	return mention(g.Person)
}

// holderByName is holderOf without a mention, which would ring the person.
func holderByName(g access.Grant) string {
	if g.OfAccount() || g.Alias == "" {
		return holderOf(g)
	}
	return upper(escape(g.Alias, nameLimit))
}
