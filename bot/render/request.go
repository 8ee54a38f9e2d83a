package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// bigAccount is the number of servers from which on «all servers» is worth a second question.
const bigAccount = 20

// confirmLimit is how much text a confirmation holds (docs.slack.dev, confirmation dialog object).
const confirmLimit = 300

// Request draws the message of a request as it stands: what is asked and, once decided, what came of it. An
// offboarding that is under way or finished is drawn as its announcement. Equal states draw equal messages,
// whatever the time, but for a grant whose end has passed.
func Request(v workflow.RequestView, now time.Time) Message {
	switch v.Request.Kind {
	case access.KindOffboard:
		return offboard(v)
	case access.KindOrphan:
		return orphans(v)
	case access.KindReinstate:
		return reinstatement(v)
	case access.KindPurge:
		return purge(v)
	case access.KindAudit:
		return audit(v)
	case access.KindRotate:
		return rotation(v)
	case access.KindRestore:
		return restored(v)
	case access.KindGrant, access.KindExtend, access.KindRevoke: // below
	}
	p := &page{}
	p.addHeading(title(v.Request))
	p.addText(intro(v), askForDecision(v))
	p.addText(decision(v), unregistered(v), ending(v), workState(v, now), reading(v))
	p.addText(facts(v)...)
	p.addText(lending(v))
	p.addText(orNone(reason(v)), alsoAsked(v))
	p.addContext(changes(v)...)
	p.missing(v)
	p.candidates(v)
	p.addButtonsAndRest(requestButtons(v)...)
	return p.message()
}

func title(r access.Request) string {
	switch r.Kind {
	case access.KindExtend:
		return fmt.Sprintf("Request %d: more time", r.ID)
	case access.KindRevoke:
		return fmt.Sprintf("Request %d: revoke access", r.ID)
	case access.KindOffboard:
		return fmt.Sprintf("Request %d: offboarding", r.ID)
	case access.KindReinstate:
		return fmt.Sprintf("Request %d: reinstate somebody", r.ID)
	case access.KindPurge:
		return fmt.Sprintf("Request %d: %s", r.ID, plainText(purgeOf(r), nameLimit))
	case access.KindAudit:
		return fmt.Sprintf("Audit (request %d)", r.ID)
	case access.KindRotate:
		return fmt.Sprintf("Request %d: another key of an account", r.ID)
	case access.KindOrphan:
		return fmt.Sprintf("Keys that my ledger does not know (request %d)", r.ID)
	case access.KindRestore:
		return fmt.Sprintf("My ledger was restored (request %d)", r.ID)
	case access.KindGrant: // below
	}
	if r.SystemUser == "" {
		return fmt.Sprintf("Request %d: access to an account", r.ID)
	}
	return fmt.Sprintf("Request %d: SSH access", r.ID)
}

// intro says in one sentence what is asked.
func intro(v workflow.RequestView) string {
	if v.Request.Kind == access.KindRestore {
		return restoredIntro(v)
	}
	if v.Request.Asker == "" {
		return slackSaid(v.Request) + " Shall all their access and every key go?"
	}
	if byApproverAlone(v.Request) {
		return mention(v.Request.Asker) + " revokes " + target(v.Request) + " on *" + where(v) + "*."
	}
	return mention(v.Request.Asker) + " " + requestClause(v) + "."
}

// byApproverAlone reports whether an approver ordered and confirmed a revocation without
// anybody else.
func byApproverAlone(r access.Request) bool {
	return r.Kind == access.KindRevoke && r.State == access.Approved && r.Asker == r.DecidedBy
}

// requestClause continues a sentence that begins with who asks.
func requestClause(v workflow.RequestView) string {
	r := v.Request
	switch r.Kind {
	case access.KindExtend:
		return fmt.Sprintf("asks for *%s* more %s%s%s", durationText(r.Duration), accessTo(v), receiver(r), extendedWhere(v))
	case access.KindRevoke:
		return fmt.Sprintf("asks to revoke %s on *%s*", target(r), where(v))
	case access.KindOffboard:
		return "asks to offboard " + mention(r.Person) + ": all access and every key goes"
	case access.KindPurge:
		return "asks to " + purgeClause(v)
	case access.KindRotate:
		return rotateClause(v)
	case access.KindReinstate:
		return "asks to reinstate " + mention(r.Person) + ", who was offboarded"
	case access.KindGrant, access.KindOrphan, access.KindAudit, access.KindRestore: // below; the others nobody asks for
	}
	return asksFor(v, " to *"+where(v)+"*")
}

// asksFor continues a sentence that begins with who asks for access; to says to what, if anything.
func asksFor(v workflow.RequestView, to string) string {
	r := v.Request
	return "asks for " + accessTo(v) + receiver(r) + to + asUser(r.SystemUser) + " " + howLong(r.Duration, "*")
}

// lending says what it means that an account is lent.
func lending(v workflow.RequestView) string {
	if v.Lending == "" || v.Request.Kind == access.KindRevoke {
		return ""
	}
	return "*Note:* " + sentence(v.Lending, reasonLimit)
}

// accessTo says what kind of access a request is about.
func accessTo(v workflow.RequestView) string {
	if v.Account != "" {
		return "access"
	}
	return "SSH access"
}

// asUser continues a sentence with the system user of a key, if it has one.
func asUser(name string) string {
	if name == "" {
		return ""
	}
	return " as " + code(name, nameLimit)
}

// receiver names who gets access where that is somebody else than who asks.
func receiver(r access.Request) string {
	if r.Person == r.Asker {
		return ""
	}
	return " for " + mention(r.Person)
}

func extendedWhere(v workflow.RequestView) string {
	if len(v.Servers) == 0 {
		return asUser(v.Request.SystemUser)
	}
	return " to " + where(v) + asUser(v.Request.SystemUser)
}

// howLong continues a sentence with how long a grant lasts, between two marks.
func howLong(d time.Duration, mark string) string {
	if d == 0 {
		return "with " + mark + durationText(d) + mark
	}
	return "for " + mark + durationText(d) + mark
}

// target says what a revocation is about.
func target(r access.Request) string {
	switch {
	case r.Fingerprint != "" && r.Person != "":
		return "the key " + shortPrint(r.Fingerprint) + " of " + mention(r.Person)
	case r.Fingerprint != "":
		return "the key " + shortPrint(r.Fingerprint)
	case r.PublicKey != "":
		return "a key that nobody has registered"
	}
	return "the access of " + mention(r.Person)
}

// unregistered says of a key that is revoked as such that no later grant places it.
func unregistered(v workflow.RequestView) string {
	r := v.Request
	switch {
	case !r.Unregisters():
		return ""
	case r.State == access.Approved && v.Refused:
		return "The key is refused from now on: nobody can register it again, until an approver allows it."
	case r.State == access.Approved:
		return "The key may be registered again, as an approver allowed."
	case r.State.Open():
		return "The key will be refused from then on: nobody can register it again, until an approver allows it."
	}
	return ""
}

// where says on how many servers, and on which in the words of who asked.
func where(v workflow.RequestView) string {
	if v.Account != "" {
		return theAccount(v.Account)
	}
	if v.Request.Pattern == "" && len(v.Servers) == 0 {
		return "all servers"
	}
	if v.Request.Pattern == "" && len(v.Servers) > 1 && v.Request.Kind != access.KindExtend {
		return allServers(len(v.Servers))
	}
	return servers(len(v.Servers))
}

// theAccount names an account that is lent instead of servers.
func theAccount(title string) string { return "the " + escape(title, nameLimit) + " account" }

func askForDecision(v workflow.RequestView) string {
	switch v.Request.State {
	case access.Pending:
		if v.Request.Undecidable {
			return "*Nobody is left who may decide this:* it waits " + until(v.Request.ExpiresAt) + " for whoever runs me to name more people in `SSHKEYBOT_APPROVERS`, or for an approver to come back." + approvals(v)
		}
		return fmt.Sprintf("%s: please approve or deny %s.%s", orApprovers(v.Asked()), until(v.Request.ExpiresAt), approvals(v))
	case access.WaitingForKey:
		return "Waiting for a key: " + mention(v.Request.Person) + " has none registered yet and was asked for one. The request then goes to the approvers by itself."
	case access.Draft:
		return "This waits for " + mention(v.Request.Asker) + " to confirm it."
	case access.Approved, access.Denied, access.Cancelled, access.Expired: // nothing is left to decide
	}
	return ""
}

func orApprovers(ids []string) string {
	if all := mentionAll(ids); all != "" {
		return all
	}
	return "Approvers"
}

func approvals(v workflow.RequestView) string { return approvalsGiven(v, approvers(v.Approvals)) }

// approvalsGiven says how many approvals there are where several are needed, and by whom.
func approvalsGiven(v workflow.RequestView, by string) string {
	if v.Needed < 2 && len(v.Approvals) == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of %d approvals given%s.", len(v.Approvals), v.Needed, by)
}

func approvers(all []access.Approval) string {
	var names []string
	for _, a := range all {
		if a.Verdict == access.Approve {
			names = append(names, mention(a.Approver))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " by " + strings.Join(names, ", ")
}

func reason(v workflow.RequestView) string {
	if text := reasonText(v.Request.Reason, v.TicketURL, reasonLimit); text != "" {
		return "*Reason:* " + text
	}
	return ""
}

// alsoAsked names who asks for the same, and why, where they are few.
func alsoAsked(v workflow.RequestView) string {
	if len(v.Askers) == 0 {
		return ""
	}
	names := make([]string, len(v.Askers))
	for i, a := range v.Askers {
		names[i] = mention(a.Asker)
		if why := reasonText(a.Reason, v.TicketURL, detailLimit); why != "" {
			names[i] += " (" + why + ")"
		}
	}
	return "*Also asked by* " + few(names, func(n int) string { return count(n, "other", "others") })
}

// orNone says so where a reason would help an approver and none was given.
func orNone(reason string) string {
	if reason == "" {
		return "*Reason:* none given"
	}
	return reason
}

func requestButtons(v workflow.RequestView) []slack.BlockElement {
	id := idValue(v.Request.ID)
	switch v.Request.State {
	case access.Pending:
		return slices.Concat(decideButtons(v), factButtons(v), withdrawMenu(v.Request))
	case access.WaitingForKey:
		return slices.Concat(factButtons(v), withdrawMenu(v.Request))
	case access.Approved:
		var buttons []slack.BlockElement
		if failed(v, phaseOf(v)) || failed(v, access.PhaseInspect) {
			buttons = append(buttons, button(ActionRetry, id, "Retry failed"))
		}
		if v.Request.Unregisters() && v.Refused {
			buttons = append(buttons, freeButton(v.Request))
		}
		return append(buttons, factButtons(v)...)
	case access.Draft, access.Denied, access.Cancelled, access.Expired: // nothing to press
	}
	return nil
}

// freeButton lets a revoked key be registered again.
func freeButton(r access.Request) *slack.ButtonBlockElement {
	return withConfirm(button(ActionFreeKey, idValue(r.ID), "Let it be registered again"), "Let it be registered again?",
		"Only do this if the private key was never in wrong hands. A new key pair is the safer way.", "Let it")
}

// withdrawMenu is for who asked; where that is Slack itself, for nobody. It stands apart from what
// approvers press.
func withdrawMenu(r access.Request) []slack.BlockElement {
	if r.Asker == "" {
		return nil
	}
	withdraw := slack.NewOptionBlockObject(idValue(r.ID), plain("Withdraw"), nil)
	return []slack.BlockElement{slack.NewOverflowBlockElement(ActionCancel, withdraw)}
}

// decideButtons are those that an approver needs.
func decideButtons(v workflow.RequestView) []slack.BlockElement {
	id := decisionValue(v)
	deny := button(ActionDeny, id, "Deny").WithStyle(slack.StyleDanger)
	buttons := []slack.BlockElement{aboutRequest(approveButton(v), v.Request.ID), aboutRequest(deny, v.Request.ID)}
	if k := v.Request.Kind; k == access.KindGrant || k == access.KindExtend {
		buttons = append(buttons, aboutRequest(button(ActionEdit, id, "Edit"), v.Request.ID))
	}
	return buttons
}

func failed(v workflow.RequestView, phase access.Phase) bool {
	return tallyOf(v.Results, phase).by[access.Failed] > 0
}

// approveButton asks again where the damage would be large, and only there.
func approveButton(v workflow.RequestView) *slack.ButtonBlockElement {
	r := v.Request
	b := button(ActionApprove, decisionValue(v), "Approve").WithStyle(slack.StylePrimary)
	title := fmt.Sprintf("Approve request %d?", r.ID)
	all := r.Pattern == "" && len(v.Servers) > bigAccount
	switch {
	case r.Kind == access.KindRotate && !v.Rotation.Created:
		return withConfirm(b, title, "Once the account has the new key there is no way back: the old private key is lost.", "Approve")
	case r.Kind == access.KindOffboard:
		return withConfirm(b, title, "All access of this person ends, and every key that I placed for them is removed from every server.", "Approve")
	case v.Lending != "" && (r.Kind == access.KindGrant || r.Kind == access.KindExtend):
		return withConfirm(b, title, plainText(v.Lending, confirmLimit), "Approve")
	case r.Kind == access.KindGrant && (r.SystemUser == "root" || r.Forever() || all):
		text := fmt.Sprintf("This lets the person log in as %s on %s %s.", plainText(r.SystemUser, nameLimit), where(v), howLong(r.Duration, ""))
		return withConfirm(b, title, text, "Approve")
	}
	return b
}
