package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// decided says how a request was decided, to somebody who waits for that.
func (p *page) decided(v *workflow.RequestView, at Post) {
	if v == nil {
		return
	}
	r := v.Request
	name := at.request("request", r.ID)
	switch r.State {
	case access.Approved:
		p.addText(fmt.Sprintf("*%s approved %s:* %s.%s", decidersOf(*v), name, asked(*v), approvalFollows(*v)))
	case access.Denied:
		p.addText(fmt.Sprintf("*%s denied %s:* %s.%s", mention(r.DecidedBy), name, asked(*v), noteClause(*v)))
	case access.Expired:
		p.addText(fmt.Sprintf("*%s has expired:* %s. %s", at.request("Request", r.ID), asked(*v), upper(unanswered(r))))
		p.addButtons(askAgain(r)...)
	case access.Cancelled:
		p.addText(fmt.Sprintf("*%s was cancelled automatically:* %s. %s", at.request("Request", r.ID), asked(*v), upper(ownNote(r.Note))))
	case access.Draft, access.WaitingForKey, access.Pending: // not decided
	}
}

// asked names a request in a few words, with its servers.
func asked(v workflow.RequestView) string {
	if v.Request.Kind == access.KindGrant && v.Account == "" && len(v.Servers) > 0 {
		return describe(v.Request) + " on " + namedServers(v)
	}
	return describe(v.Request)
}

// decidersOf names who approved a request.
func decidersOf(v workflow.RequestView) string {
	if named := strings.TrimPrefix(approvers(v.Approvals), " by "); named != "" {
		return named
	}
	return mention(v.Request.DecidedBy)
}

// approvalFollows says what comes of an approval.
func approvalFollows(v workflow.RequestView) string {
	switch r := v.Request; r.Kind {
	case access.KindExtend:
		if v.Grant != nil && v.Grant.State == access.Live {
			return " Access" + grantName(&v, v.Grant) + " goes on " + until(v.Grant.EndsAt) + "."
		}
	case access.KindReinstate:
		return " " + mention(r.Person) + mayAsk + " " + keysAnew
	case access.KindGrant:
		return " The keys are being placed; you hear from me once that is done."
	case access.KindRevoke, access.KindPurge:
		return " The thread of the request shows every server."
	case access.KindOffboard, access.KindRotate, access.KindOrphan, access.KindAudit, access.KindRestore: // told where they are announced
	}
	return ""
}

// ready says that access can be used, or where it cannot, and later that it has ended.
func (p *page) ready(n access.Notice, v *workflow.RequestView, at Post) {
	if v == nil || v.Grant == nil {
		return
	}
	what := "Your " + accessTo(*v)
	if n.To != v.Request.Person {
		what = "The " + accessTo(*v) + " of " + mention(v.Request.Person)
	}
	what += " to " + namedServers(*v) + asUser(v.Grant.SystemUser)
	t := tallyOf(stillGranted(*v), access.PhaseAdd)
	from := at.request("Request", v.Request.ID) + ", approved by " + decidersOf(*v) + "."
	if v.Grant.State == access.Ended {
		p.addText(fmt.Sprintf("*%s has ended* %s: %s.", what, date(v.Grant.EndedAt), endWord(*v.Grant)), from)
		return
	}
	late, where, without := "", "", missing(*v)
	if len(without) > 0 {
		late, where = "Not yet on: "+few(without, servers)+".", fmt.Sprintf(" on %d of %d", t.good(), t.servers)
	}
	if t.good() == 0 {
		p.addText("*"+what+" is approved, but cannot be used yet.*", late, from)
	} else {
		p.addText(fmt.Sprintf("*%s is ready%s* %s.%s", what, where, until(v.Grant.EndsAt), revoked(*v)), late, from)
	}
	if len(without) > fewServers {
		p.addButtons(showServers(*v))
	}
}

// ended says that the time of a grant is over.
func (p *page) ended(v *workflow.RequestView, g *access.Grant, at Post) {
	if v == nil || g == nil {
		return
	}
	p.addText(fmt.Sprintf("*Your %s%s has ended:* its time is over (%s).", accessTo(*v), grantName(v, g), at.request("request", v.Request.ID)))
	p.addButtons(askAgain(v.Request)...)
}

// revokedBy says to a person that somebody ended their access, or a part of it.
func (p *page) revokedBy(n access.Notice, v *workflow.RequestView, at Post) {
	if v == nil {
		return
	}
	r, who := v.Request, mention(access.UserID(n.Detail))
	under := inBrackets(at.request("request", r.ID) + askedBy(r, access.UserID(n.Detail)))
	switch {
	case r.Kind == access.KindPurge:
		p.addText(fmt.Sprintf("*%s has every key of %s removed on %s,* yours among them%s.%s", who, code(r.SystemUser, nameLimit), namedServers(*v), under, reasonClause(*v)))
	case r.Kind == access.KindAudit:
		p.addText(fmt.Sprintf("*%s ended your SSH access on servers where somebody had deleted your key*%s. `/sshkey list` shows what you have.", who, under))
	case r.Fingerprint != "":
		p.addText(fmt.Sprintf("*%s revoked your key %s on %s*%s.%s", who, shortPrint(r.Fingerprint), namedServers(*v), under, reasonClause(*v)))
	case r.Pattern == "":
		p.addText(fmt.Sprintf("*%s revoked all your SSH access*%s.%s", who, under, reasonClause(*v)))
	default:
		p.addText(fmt.Sprintf("*%s revoked your SSH access to %s*%s.%s", who, namedServers(*v), under, reasonClause(*v)))
	}
}

// reasonClause continues a sentence with the reason of a request.
func reasonClause(v workflow.RequestView) string {
	if why := reason(v); why != "" {
		return " " + why
	}
	return ""
}

// askedBy names who asked for what somebody else did.
func askedBy(r access.Request, did access.UserID) string {
	if r.Asker == "" || r.Asker == did {
		return ""
	}
	return ", asked for by " + mention(r.Asker)
}

// askAgain offers the form filled in with what a request asked for.
func askAgain(r access.Request) []slack.BlockElement {
	if r.Kind != access.KindGrant {
		return nil
	}
	return []slack.BlockElement{about(button(ActionAskAgain, idValue(r.ID), "Ask again"), "as in request "+idValue(r.ID))}
}
