package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/workflow"
)

// Keys lists the registered keys of a person.
func Keys(all []access.Key, of access.UserID) Message {
	p := &page{}
	if len(all) == 0 {
		p.addText(mention(of) + " has no registered key. `/sshkey register` adds one.")
		return p.message()
	}
	lines := []string{"*Keys of* " + mention(of) + ": " + count(len(all), "key", "keys")}
	for _, k := range all {
		lines = append(lines, "• "+keyLine(k))
	}
	p.addText(lines...)
	return p.message()
}

func keyLine(k access.Key) string {
	return keyText(k) + ", registered " + date(k.RegisteredAt)
}

// List shows a page of what is owed, what waits and who has access now: everybody's where about is empty, or that
// of one person.
func List(o workflow.AccessPage, about, reader access.UserID) Message {
	p := &page{}
	owed := overdueLines(o.Debt)
	if o.First <= 1 {
		if o.Live() == 0 {
			p.addText(emptyList(o.Overview, cmp.Or(about, reader), about == "" || about == reader))
		}
		owed = append(owed, movingLines(o.Moving)...)
	}
	p.addAll("Still to remove: "+count(o.Overdue+o.Moving, "key", "keys"), owed)
	p.undecidedRequests("*Keys to decide about: "+count(o.ToDecide(), "request", "requests")+"*", o.Undecided)
	p.addAll("Waiting: "+count(o.Open(), "request", "requests"), waitingLines(o.Waiting))
	p.addAll("Access now: "+count(o.Live(), "grant", "grants"), grantLines(o.Grants, holderOf))
	if o.Complete && o.Overdue+o.Moving == 0 {
		p.addContext(nothingOwed)
	}
	p.addPlace(o.Page, ActionListPage, string(about))
	return p.message()
}

const (
	nothingOwed = "No key is left anywhere that should be gone."
	noAccess    = "You have no SSH access now. `/sshkey grant` asks for it."
)

func emptyList(o workflow.Overview, of access.UserID, own bool) string {
	switch {
	case o.Complete:
		return "Nobody has SSH access now."
	case own:
		return noAccess
	}
	return mention(of) + " has no SSH access now."
}

func grantLines(all []workflow.GrantView, holder func(access.Grant) string) []string {
	lines := make([]string, len(all))
	for i, g := range all {
		lines[i] = holder(g.Grant) + " " + grantText(g)
	}
	return lines
}

func grantText(g workflow.GrantView) string {
	on := fmt.Sprintf("as %s on %s%s", code(g.Grant.SystemUser, nameLimit), servers(g.Servers), grantServers(g))
	if g.Account != "" {
		on = "to " + theAccount(g.Account)
	}
	text := fmt.Sprintf("%s, %s (request %d)", on, until(g.Grant.EndsAt), g.Grant.RequestID)
	if g.Wanted > 0 {
		text += fmt.Sprintf("; %s still to place", count(g.Wanted, "key", "keys"))
	}
	return text
}

// grantServers returns the servers of a grant, by name where all of them are known and by
// pattern otherwise.
func grantServers(g workflow.GrantView) string {
	if len(g.Names) > 0 && len(g.Names) == g.Servers && len(g.Names) <= fewServers/2 {
		coded := make([]string, len(g.Names))
		for i, name := range g.Names {
			coded[i] = code(name, nameLimit)
		}
		return ": " + strings.Join(coded, ", ")
	}
	if g.Pattern != "" {
		return " (" + code(g.Pattern, labelLimit) + ")"
	}
	return ""
}

func waitingLines(all []access.Request) []string {
	lines := make([]string, len(all))
	for i, r := range all {
		lines[i] = waitingLine(r)
	}
	return lines
}

func waitingLine(r access.Request) string {
	who := ""
	if r.Asker != "" {
		who = " by " + mention(r.Asker)
	}
	where := ""
	if r.Kind == access.KindGrant {
		where = onPattern(r)
	}
	return fmt.Sprintf("Request %d%s: %s%s. %s", r.ID, who, describe(r), where, next(r))
}

func overdueLines(all []workflow.DebtView) (lines []string) {
	for _, d := range all {
		if !d.Moving {
			lines = append(lines, owedLine(d))
		}
	}
	return lines
}

func movingLines(n int) []string {
	if n == 0 {
		return nil
	}
	return []string{count(n, "key", "keys") + " being removed now"}
}

func owedLine(d workflow.DebtView) string {
	text := fmt.Sprintf("%s: the key %s%s%s", code(d.Server.Name, nameLimit), placedKey(d.Placement), ofPerson(d.Placement.Person), forUser(d.Placement.SystemUser))
	if !d.Placement.LeftAt.IsZero() {
		text += ", since " + date(d.Placement.LeftAt)
	}
	return text + outcomeReason(outcome{Title: d.Title, Setback: d.Placement.Setback})
}

// ofPerson continues the name of a key with whose it is, if it is a person's.
func ofPerson(id access.UserID) string {
	if id == "" {
		return ""
	}
	return " of " + mention(id)
}

// forUser continues the name of a key with its system user, if it has one.
func forUser(name string) string {
	if name == "" {
		return ""
	}
	return " for " + code(name, nameLimit)
}

// Pending shows a page of the requests that wait for a decision, each with its buttons. After is what to say
// first: what came of a button of an earlier page.
func Pending(all workflow.PendingPage, posts map[int64]Post, after string) Message {
	p := &page{}
	p.addText(after)
	if all.Open() == 0 {
		p.addText("No request is waiting for a decision.")
	} else {
		p.addText("*Waiting for a decision: " + count(all.Open(), "request", "requests") + "*")
	}
	for _, v := range all.Views {
		p.pendingRow(v, posts[v.Request.ID])
	}
	p.undecidedRequests("*Keys to decide about: "+count(all.ToDecide(), "request", "requests")+"*", all.Undecided)
	p.addPlace(all.Page, ActionPendingPage, "")
	return p.message()
}

// pendingRow shows a request to an approver, with its buttons if they may decide it.
func (p *page) pendingRow(v workflow.RequestView, at Post) {
	lines, buttons := decidable(v, roomInList)
	p.addText(append([]string{waits(v, at)}, lines...)...)
	if v.MayDecide {
		p.addButtons(buttons...)
	}
}

// waits says until when a request waits.
func waits(v workflow.RequestView, at Post) string {
	what := "*" + at.request("Request", v.Request.ID) + "* waits"
	if v.Request.ExpiresAt.IsZero() {
		return what + "."
	}
	return what + " " + until(v.Request.ExpiresAt) + "."
}

// tagRoom is how many characters the tags of all servers on a page may take: those of one alone are shown whole.
const tagRoom = 4500

// Servers shows a page of the servers that a pattern names.
func Servers(all workflow.ServersPage) Message {
	p := &page{}
	if all.Total() == 0 {
		text := fmt.Sprintf("No server matches. The account has %s.", servers(all.Listed))
		if all.Accounts > 0 {
			text = fmt.Sprintf("No server matches. There are %s in %s.", servers(all.Listed), count(all.Accounts, "account", "accounts"))
		}
		p.addText(text)
		return p.message()
	}
	lines := make([]string, len(all.Servers))
	for i, s := range all.Servers {
		lines[i] = serverLine(s, min(tagRoom/len(all.Servers), sectionLimit/2))
	}
	found := fmt.Sprintf("*%s* of %s in the account", servers(all.Total()), grouped(all.Listed))
	switch {
	case all.Alone > 0:
		found = fmt.Sprintf("*%s and %s* of %s in all", servers(all.Total()-all.Alone), count(all.Alone, "account", "accounts"), grouped(all.Listed))
	case all.Accounts > 0:
		found = fmt.Sprintf("*%s* of %s in %s", servers(all.Total()), grouped(all.Listed), count(all.Accounts, "account", "accounts"))
	}
	p.addText(fmt.Sprintf("%s, %s offline", found, orNo(all.Offline)))
	p.addText(lines...)
	p.addPlace(all.Page, ActionFoundPage, all.Pattern)
	return p.message()
}

func orNo(n int) string {
	if n == 0 {
		return "none"
	}
	return grouped(n)
}

func serverLine(s access.Server, room int) string {
	text := fmt.Sprintf("• %s #%s", code(s.Name, nameLimit), escape(s.ExternalID, externalLimit))
	if len(s.Tags) > 0 {
		tags := make([]string, len(s.Tags))
		for i, tag := range s.Tags {
			tags[i] = code(tag, 30)
		}
		shown, whole := fit(len(tags), tags, " ", room)
		if text += ", tags " + shown; !whole {
			text += ": `/sshkey servers #" + escape(s.ExternalID, externalLimit) + "`"
		}
	}
	if s.Alone {
		text += ", an account"
	}
	if !s.Online {
		text += ", offline"
	}
	return text
}

// Draft asks an approver to confirm what they are about to do, and says what will happen.
func Draft(v workflow.RequestView) Message {
	p := &page{}
	r := v.Request
	switch r.Kind {
	case access.KindReinstate:
		p.addText(fmt.Sprintf("*Reinstate %s?*", mention(r.Person)))
		p.addText(bullets(reinstatementFacts(v))...)
		p.addText("• No other approver is named here, so you decide it alone.", "• It is announced where the offboarding was.")
	case access.KindOffboard:
		p.addText(fmt.Sprintf("*Offboard %s?*", mention(r.Person)))
		p.addText("• All their access ends and their open requests are closed.",
			"• Every key that I placed for them is removed from every server.",
			"• Other keys that may be theirs are listed for you to decide on.",
			"• Nobody can give them access any more, and they approve nothing any more.",
			"• It is announced.")
	case access.KindRevoke, access.KindGrant, access.KindExtend, access.KindOrphan, access.KindPurge, access.KindAudit, access.KindRotate, access.KindRestore: // only revocations are drafts
		p.addText(fmt.Sprintf("*Revoke %s on %s?*", target(r), where(v)))
		p.addText("*Servers:* " + serverFact(v, patternLimit))
		p.addText("• It starts at once, without another approver.", "• Only keys that I placed are removed. If I find others that fit, you decide about each.", bullet(unregistered(v)))
	}
	if r.Person != "" && r.Kind != access.KindReinstate {
		p.addText(liveNow(v))
	}
	p.addText(orNone(reason(v)))
	id := idValue(r.ID)
	yes := about(button(ActionConfirm, id, confirmLabel(r)), "(request "+id+")").WithStyle(slack.StyleDanger)
	if r.Kind == access.KindOffboard {
		yes = withConfirm(yes, "Offboard this person?", "All their access ends, and every key that I placed for them is removed from every server. This cannot be undone by a button.", "Offboard")
	}
	p.addButtons(append([]slack.BlockElement{yes, button(ActionKeep, id, "Leave it as it is")}, factButtons(v)...)...)
	return p.message()
}

func bullet(line string) string {
	if line == "" {
		return ""
	}
	return "• " + line
}

func confirmLabel(r access.Request) string {
	switch r.Kind {
	case access.KindOffboard:
		return "Offboard"
	case access.KindReinstate:
		return "Reinstate"
	case access.KindRevoke, access.KindGrant, access.KindExtend, access.KindOrphan, access.KindPurge, access.KindAudit, access.KindRotate, access.KindRestore: // below
	}
	return "Revoke"
}

func liveNow(v workflow.RequestView) string {
	if len(v.Overlaps) == 0 {
		return mention(v.Request.Person) + " has no access now."
	}
	return mention(v.Request.Person) + " has access now: " + otherAccess(v.Overlaps) + "."
}

// durationRange returns how long access may be asked for, in the form that people type.
func durationRange(d workflow.Durations) string {
	text := "from " + duration.Format(d.Min) + " to " + duration.Format(d.Max)
	if d.Forever {
		text += ", or forever"
	}
	return text
}
