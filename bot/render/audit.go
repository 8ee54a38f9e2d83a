package render

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const (
	findingsInMessage = 5  // of a sort, with buttons; the private pages have all
	findingsOnPage    = 10 // a finding takes two blocks of the 50 that a message holds
	onMessage         = -1 // stands for the page in the value of a button of the audit's message
)

// audit draws what an audit has found: what is to be decided, and what was done.
func audit(v workflow.RequestView) Message {
	p := &page{}
	a := v.Audit
	p.addHeading(title(v.Request))
	p.addText(auditState(v), unreadByAudit(v))
	if t := tallyOf(v.Results, access.PhaseRemove); t.servers > 0 {
		p.addText("*Keys that were over, and still there.* " + removing(t, false, removedFrom(v)) + halted(v))
	}
	p.missingKeys(v, a.Missing[:min(len(a.Missing), findingsInMessage)], onMessage)
	p.unknownKeys(a)
	if n := len(a.Groups); n > 0 {
		p.addText(unmanaged(a))
		p.findings(v, a.Groups[:min(n, findingsInMessage)], onMessage)
	}
	if a.Moving == 0 && len(a.Missing)+len(a.Groups)+len(a.Unknown) == 0 {
		p.addText("*Nothing is left to decide.*")
	}
	if a.Kept > 0 {
		p.addContext(count(a.Kept, "key stays", "keys stay") + ", as approvers have decided; they are listed again when they change.")
	}
	p.addButtonsAndRest(auditButtons(v)...)
	return p.message()
}

func auditState(v workflow.RequestView) string {
	who := "The weekly audit"
	if v.Request.Asker != "" {
		who = "The audit that " + mention(v.Request.Asker) + " asked for"
	}
	t := tallyOf(v.Results, access.PhaseAudit)
	switch {
	case v.Audit.Moving > 0:
		return fmt.Sprintf("%s reads %s, behind all other work: %d done so far.", who, t.count(t.servers), v.Audit.Read)
	case v.Audit.Read == t.servers:
		return fmt.Sprintf("%s has read %s.", who, t.all())
	}
	return fmt.Sprintf("%s has read %d of %s.", who, v.Audit.Read, t.count(t.servers))
}

// unreadByAudit names the servers that could not be read.
func unreadByAudit(v workflow.RequestView) string {
	if v.Audit.Moving > 0 {
		return ""
	}
	var names []string
	for _, o := range outcomes(v.Results) {
		if o.Phase == access.PhaseAudit && (!o.State.Final() || o.State == access.OutOfReach) {
			names = append(names, code(o.Name, nameLimit)+inBrackets(o.problem()))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "*Not read:* " + few(names, servers)
}

// missingKeys adds what somebody deleted on servers, each with its two ways on.
func (p *page) missingKeys(v workflow.RequestView, groups []workflow.MissingGroup, at int) {
	if len(groups) > 0 {
		p.addText("*Deleted on servers though access to them is live.* Somebody may have done it for a reason, so I place nothing again by myself.")
	}
	for i, g := range groups {
		p.addText(missingLine(g))
		value, which := findingValue(v, at, g.Digest), fmt.Sprintf("(number %d, key of request %d)", i+1, g.Grant.RequestID)
		buttons := []slack.BlockElement{about(button(ActionPlaceAgain, value, "Place again"), which), about(button(ActionEndThere, value, "End it there"), which)}
		p.addButtons(append(buttons, foundButton(v, g.Servers, g.Digest, which)...)...)
	}
}

func missingLine(g workflow.MissingGroup) string {
	return fmt.Sprintf("The key %s of %s%s, on %s (request %d)", shortPrint(g.Key.Fingerprint), holderOf(g.Grant), forUser(g.Grant.SystemUser), someServers(g.Servers), g.Grant.RequestID)
}

// foundServers is the number of servers up to which something that an audit found is shown with their names.
const foundServers = 5

// someServers names servers where they are few; where they are not, foundButton shows them.
func someServers(refs []access.ServerRef) string {
	if len(refs) <= foundServers {
		return serverNames(refs)
	}
	return fmt.Sprintf("%s: %s, …", servers(len(refs)), serverNames(refs[:foundServers]))
}

func foundButton(v workflow.RequestView, refs []access.ServerRef, digest, which string) []slack.BlockElement {
	if len(refs) <= foundServers {
		return nil
	}
	return []slack.BlockElement{about(button(ActionServers, findingValue(v, 0, digest), "Show all "+servers(len(refs))), which)}
}

// OnlyFound returns an audit with nothing but the servers of what it has found, by the digest of that; false where
// that has changed.
func OnlyFound(v workflow.RequestView, digest string) (workflow.RequestView, bool) {
	v.Results = nil
	for _, g := range v.Audit.Missing {
		if g.Digest == digest {
			v.Servers = g.Servers
			return v, true
		}
	}
	for _, g := range v.Audit.Groups {
		if g.Digest == digest {
			v.Servers = g.Servers
			return v, true
		}
	}
	return v, false
}

func (p *page) unknownKeys(a *workflow.AuditView) {
	if len(a.Unknown) == 0 {
		return
	}
	ids := make([]string, len(a.Unknown))
	for i, id := range a.Unknown {
		ids[i] = "request " + idValue(id)
	}
	in := few(ids, func(n int) string { return count(n, "request", "requests") })
	p.addText("*Keys that carry my label, and that my ledger does not know,* are to be decided in " + in + ".")
	p.rest = append(p.rest, undecidedButton("Show those keys"))
}

// unmanaged says how much there is that nobody manages.
func unmanaged(a *workflow.AuditView) string {
	all, fresh := 0, 0
	for _, g := range a.Groups {
		all += len(g.Findings)
		if g.New {
			fresh++
		}
	}
	text := fmt.Sprintf("*%s that nobody manages*, %s in all", count(len(a.Groups), "key", "keys"), count(all, "copy", "copies"))
	if fresh > 0 && fresh < len(a.Groups) {
		text += fmt.Sprintf(", %s of them new", grouped(fresh))
	}
	return text + ". They are told apart by their label and the part of the key that can be seen: equal beginnings may be different keys."
}

// findings adds credentials that nobody manages, each group with its two ways on.
func (p *page) findings(v workflow.RequestView, groups []workflow.FindingGroup, at int) {
	for i, g := range groups {
		p.addText(findingLine(g))
		var buttons []slack.BlockElement
		which := fmt.Sprintf("(number %d, %s)", i+1, g.Label)
		if value := findingValue(v, at, g.Digest); g.Asked == 0 {
			buttons = append(buttons, about(button(ActionRemoveFinding, value, "Remove"), which), about(button(ActionKeepFinding, value, "Keep"), which))
		}
		p.addButtons(append(buttons, foundButton(v, g.Servers, g.Digest, which)...)...)
	}
}

func findingLine(g workflow.FindingGroup) string {
	users := ""
	for i, user := range g.Users {
		users += []string{" for ", ", "}[min(i, 1)] + code(user, nameLimit)
	}
	text := fmt.Sprintf("%s, %s%s, on %s", code(g.Label, labelLimit), code(g.PublicKey, 56), users, someServers(g.Servers))
	if !g.Oldest.IsZero() {
		text += ", since " + date(g.Oldest)
	}
	switch {
	case g.Asked != 0:
		text += fmt.Sprintf(". *Its removal is request %d.*", g.Asked)
	case g.New:
		text += ". *New.*"
	}
	return text
}

func findingValue(v workflow.RequestView, at int, digest string) string {
	return fmt.Sprintf("%d:%d:%s", v.Request.ID, at, digest)
}

// ReadFinding returns what the value of a button of an audit stands for: the audit, the page that
// the button was on (below 0 for the audit's own message), and the digest of what was shown.
func ReadFinding(value string) (audit int64, at int, digest string) {
	number, rest, _ := strings.Cut(value, ":")
	pageText, digest, _ := strings.Cut(rest, ":")
	at, err := strconv.Atoi(pageText)
	if err != nil {
		at = onMessage
	}
	return ReadID(number), at, digest
}

func auditButtons(v workflow.RequestView) []slack.BlockElement {
	a := v.Audit
	all := len(a.Missing) + len(a.Groups)
	var buttons []slack.BlockElement
	if unreadByAudit(v) != "" {
		buttons = append(buttons, serversButton(v)...)
	}
	if all+a.Kept == 0 {
		return buttons
	}
	if len(a.Missing) > findingsInMessage || len(a.Groups) > findingsInMessage {
		buttons = append(buttons, button(ActionAuditPage, fmt.Sprintf("%d:0", v.Request.ID), fmt.Sprintf("Show all %s to me", grouped(all))))
	}
	return append(buttons, button(ActionAuditFile, idValue(v.Request.ID), "Send me everything as a file"))
}

// AuditPage draws one page, counted from 0, of what an audit has found, for one approver. First
// is what was done on it; empty for nothing.
func AuditPage(v workflow.RequestView, at int, first string) Message {
	a := v.Audit
	here := pageAt(at, len(a.Missing)+len(a.Groups), findingsOnPage)
	p := &page{}
	p.addText(first)
	p.addText(fmt.Sprintf("*What the audit of request %d found.*", v.Request.ID))
	split := len(a.Missing)
	p.missingKeys(v, a.Missing[min(here.from, split):min(here.to, split)], here.at)
	p.findings(v, a.Groups[max(here.from, split)-split:max(here.to, split)-split], here.at)
	if here.pages == 1 && here.to == 0 {
		p.addText("Nothing is left to decide.")
	}
	p.addTurning(here, ActionAuditPage, func(n int) string { return fmt.Sprintf("%d:%d", v.Request.ID, n) })
	return p.message()
}

// AuditFile is the message to which everything that an audit has found is attached.
func AuditFile(v workflow.RequestView) Message {
	return Say(fmt.Sprintf("What the audit of request %d found:", v.Request.ID))
}

// AuditCSV writes what an audit has found and nobody has decided about, a line for each key on
// each server, and the servers that could not be read. Times are in UTC.
func AuditCSV(v workflow.RequestView) []byte {
	var out bytes.Buffer
	writeRow(&out, "what", "server", "server_id", "system_user", "label", "key", "credential", "placed_at", "found_at", "person", "request")
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	for _, g := range v.Audit.Missing {
		for i, at := range g.Servers {
			writeRow(&out, "missing", at.Name, at.ExternalID, g.Grant.SystemUser, g.Placements[i].Label, g.Key.Fingerprint, g.Placements[i].CredentialID,
				stamp(g.Placements[i].PlacedAt), "", string(g.Grant.Person), idValue(g.Grant.RequestID))
		}
	}
	for _, g := range v.Audit.Groups {
		for i, f := range g.Findings {
			asked := ""
			if g.Asked != 0 {
				asked = idValue(g.Asked)
			}
			c := f.Credential
			writeRow(&out, "unmanaged", g.Servers[i].Name, g.Servers[i].ExternalID, c.SystemUser, c.Label, c.PublicKey, c.ID, stamp(c.CreatedAt), stamp(f.FoundAt), "", asked)
		}
	}
	for _, r := range v.Results {
		if r.Phase == access.PhaseAudit && r.State != access.Done {
			writeRow(&out, "not read", r.ServerName, v.ExternalIDs[r.ServerID], "", "", "", "", "", "", "", "")
		}
	}
	return out.Bytes()
}

// Kept returns what an approver is told who decided that so many copies of a key stay.
func Kept(copies int) string {
	return "*" + count(copies, "copy stays", "copies stay") + ".* It is listed again when something changes."
}

// RemovalAsked returns what an approver is told who had a key put before the others to be removed.
func RemovalAsked(r access.Request) string {
	return fmt.Sprintf("*Request %d asks another approver to remove it.*", r.ID)
}

// PlacedAgain returns what an approver is told who had a deleted key placed again.
func PlacedAgain(n int) string { return "*It is being placed again on " + servers(n) + ".*" }

// EndedThere returns what an approver is told who ended access where its key was deleted.
func EndedThere(n int) string { return "*The access with that key ends on " + servers(n) + ".*" }
