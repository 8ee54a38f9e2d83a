package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Notice draws a message that the bot sends by itself. v and g are the request and the grant it is about;
// either may be nil. At is where the request is shown. The message is empty for NoticeSummary, which Daily draws.
func Notice(n access.Notice, v *workflow.RequestView, g *access.Grant, at Post) Message {
	p := &page{}
	target := escape(n.Target, nameLimit)
	switch n.Kind {
	case access.NoticeKeyWanted:
		p.keyWanted(n, v)
	case access.NoticeEnding:
		p.endingSoon(v, g)
	case access.NoticeLapsed:
		p.lapsed(n, v, g)
	case access.NoticeHalted:
		p.addText("*"+target+" refuses every call of mine (401), so nothing can be placed or removed.* There are two possible causes:",
			"• The token is wrong or was revoked: set a valid one and start me again. `sshkeybot check` names the setting.",
			"• My address is not on the IP allow list in "+target+": add it there.",
			"Nothing is lost. I go on by myself once "+target+" accepts my calls again.")
	case access.NoticeResumed:
		p.addText("*" + target + " accepts my calls again.* I go on with everything that waited.")
	case access.NoticeClock:
		p.addText("*My clock.* " + escape(n.Detail, 3*detailLimit))
	case access.NoticeCorrected:
		p.endCorrected(v, g)
	case access.NoticeAdopted:
		p.addText("*" + target + " is what I knew as " + code(n.Detail, nameLimit) + " before:* it has the same servers, by ID and by name. Everything that I placed there goes on under its new name.")
	case access.NoticeQuota:
		p.addText("*I have made " + escape(n.Detail, detailLimit) + " calls that " + target + " allows this month.* When they are used up, keys can neither be placed nor removed. " +
			"Buy more calls in " + target + ", or find out what uses them: servers that stay offline, long grants on many servers, keys that " + target + " refuses.")
	case access.NoticeDecided:
		p.decided(v, at)
	case access.NoticeReady:
		p.ready(n, v, at)
	case access.NoticeEnded:
		p.ended(v, g, at)
	case access.NoticeRevoked:
		p.revokedBy(n, v, at)
	case access.NoticeReminder:
		p.callToDecide(n, v, "is still waiting.")
	case access.NoticeDecidable:
		p.callToDecide(n, v, decidableSince(v))
	case access.NoticeChanged:
		p.callToDecide(n, v, "has changed, so approvals given before do not count any more.")
	case access.NoticeReopened:
		p.retraction(n)
	case access.NoticeReturned:
		p.returned(v)
	case access.NoticeReinstated:
		p.reinstated(n, v)
	case access.NoticeRotation:
		p.rotationNews(n, v)
	case access.NoticeGroup:
		p.group(n)
	case access.NoticeKeyMoved:
		p.keyMoved(n)
	case access.NoticeSummary: // Daily draws it
	}
	return p.message()
}

// wentWrong adds what the target said.
func wentWrong(n access.Notice) string {
	if detail := escape(n.Detail, 2*detailLimit); detail != "" {
		return " What went wrong: " + detail
	}
	return ""
}

// lapsed says that keys of a grant are gone before their time.
func (p *page) lapsed(n access.Notice, v *workflow.RequestView, g *access.Grant) {
	gap, on := unplaced(v), ""
	if len(gap) > 0 {
		on = " on " + few(gap, servers)
	}
	target := escape(n.Target, nameLimit)
	p.addText("*Your SSH access" + grantName(v, g) + " has a gap" + on + ".* " + target + " removes keys by its own timer, and yours could not be renewed in time. I place it again as soon as I can." + wentWrong(n))
	if len(gap) > fewServers {
		p.addButtons(showServers(*v))
	}
}

// unplaced names the servers where a key still has to be placed.
func unplaced(v *workflow.RequestView) (names []string) {
	if v == nil {
		return nil
	}
	for _, o := range outcomes(v.Results) {
		if o.Phase == access.PhaseAdd && !o.State.Final() {
			names = append(names, code(o.Name, nameLimit))
		}
	}
	return names
}

// grantName names a grant by its servers and its system user.
func grantName(v *workflow.RequestView, g *access.Grant) string {
	switch {
	case g == nil:
		return ""
	case v == nil:
		return asUser(g.SystemUser)
	}
	return " to " + namedServers(*v) + asUser(g.SystemUser)
}

func (p *page) keyWanted(n access.Notice, v *workflow.RequestView) {
	if v == nil {
		return
	}
	r := v.Request
	switch {
	case r.State == access.WaitingForKey:
	case r.State.Open() || r.State == access.Approved:
		p.addText(fmt.Sprintf("Your public key is registered, and request %d went to the approvers.", n.RequestID))
		return
	default:
		p.addText(fmt.Sprintf("Request %d is closed, so it needs no key of yours any more.", n.RequestID))
		return
	}
	who := mention(r.Asker) + " asked for SSH access for you"
	if r.Asker == r.Person {
		who = "You asked for SSH access"
	}
	p.addText(fmt.Sprintf("*I need your SSH public key.* %s (request %d), and you have no key registered yet. Press the button, or type `/sshkey register` followed by the key. "+
		"The request then goes to the approvers by itself; it waits %s.", who, n.RequestID, until(r.ExpiresAt)))
	p.addButtons(button(ActionRegister, idValue(n.RequestID), "Register a key").WithStyle(slack.StylePrimary))
}

func (p *page) endingSoon(v *workflow.RequestView, g *access.Grant) {
	switch {
	case g == nil:
		return
	case g.State == access.Ended:
		p.addText("Your SSH access" + grantName(v, g) + " has ended.")
		return
	}
	p.addText(fmt.Sprintf("*Your SSH access%s ends %s.* If you need more time, ask for it now. If you are done, give it back.", grantName(v, g), date(g.EndsAt)))
	id := idValue(g.ID)
	p.addButtons(aboutAccess(button(ActionExtend, id, "Extend"), *g), button(ActionDone, id, "I am done"))
}

// endCorrected says that an end was shown too late.
func (p *page) endCorrected(v *workflow.RequestView, g *access.Grant) {
	if g == nil {
		return
	}
	if g.State == access.Ended {
		p.addText("Your SSH access" + grantName(v, g) + " has ended: my clock was wrong, and the end that I had shown was too late.")
		return
	}
	p.addText(fmt.Sprintf("*Your SSH access%s ends %s.* My clock was wrong, and the end that I had shown was too late: it lasts for as long as it was approved for.", grantName(v, g), date(g.EndsAt)))
}

// missing names the servers that a person has to do without for now.
func missing(v workflow.RequestView) (names []string) {
	for _, o := range outcomes(stillGranted(v)) {
		if o.Phase == access.PhaseAdd && !o.State.Final() && o.Problem != access.NoProblem {
			names = append(names, code(o.Name, nameLimit)+inBrackets(o.problem()))
		}
	}
	return names
}

// describe names a request in a few words, for lists and replies.
func describe(r access.Request) string {
	switch r.Kind {
	case access.KindExtend:
		return durationText(r.Duration) + " more for " + mention(r.Person)
	case access.KindRevoke:
		return "revoke " + target(r)
	case access.KindOffboard:
		return "offboard " + mention(r.Person)
	case access.KindReinstate:
		return "reinstate " + mention(r.Person)
	case access.KindPurge:
		if r.SystemUser == "" {
			return "remove keys that nobody manages"
		}
		return "purge " + code(r.SystemUser, nameLimit)
	case access.KindAudit:
		if r.Pattern != "" {
			return "audit of " + code(r.Pattern, nameLimit)
		}
		return "audit of everything"
	case access.KindRotate:
		return "another key of an account for " + code(r.SystemUser, nameLimit)
	case access.KindOrphan:
		return "keys that my ledger does not know"
	case access.KindRestore:
		return "go on with the ledger, which was restored from a copy"
	case access.KindGrant: // below
	}
	on := asUser(r.SystemUser)
	if on == "" { // on an account, which the pattern names alone
		on = " on " + code(r.Pattern, nameLimit)
	}
	if r.Forever() {
		return "access with no end date for " + mention(r.Person) + on
	}
	return durationText(r.Duration) + " for " + mention(r.Person) + on
}

// callToDecide asks the approvers to decide a request, with everything that a decision needs.
// Slack notifies nobody of a mention that an edit brings. Once it is decided, it says how.
func (p *page) callToDecide(n access.Notice, v *workflow.RequestView, why string) {
	if v == nil {
		return
	}
	if v.Request.State != access.Pending {
		p.addText(fmt.Sprintf("Request %d: %s", v.Request.ID, decision(*v)))
		return
	}
	mentioned := v.Asked()
	if n.Kind == access.NoticeReminder {
		mentioned = v.Reminded()
	}
	expires := ""
	if at := v.Request.ExpiresAt; !at.IsZero() {
		expires = " It expires " + date(at) + "."
	}
	p.addText(fmt.Sprintf("%s: *request %d* %s%s", orApprovers(mentioned), v.Request.ID, why, expires))
	lines, buttons := decidable(*v, roomInNotice)
	p.addText(lines...)
	p.addButtons(buttons...)
}

// decidableSince says why a request can be decided now.
func decidableSince(v *workflow.RequestView) string {
	if v != nil && v.Request.Kind == access.KindRestore {
		return "can be decided now: every server was read, and everybody was looked up."
	}
	return "can be decided now: the key that it waited for is registered."
}

// retraction says that a request is not done, as was said before.
func (p *page) retraction(n access.Notice) {
	where := ""
	if name := code(n.Detail, nameLimit); name != "" {
		where = " on " + name
	}
	p.addText(fmt.Sprintf("*I take back that request %d was done%s.* A key has turned up, or a server that was gone is back. I do there what is left to do; the message of the request shows how far it is.", n.RequestID, where))
}

// group says that Slack refuses a user group among the approvers.
func (p *page) group(n access.Notice) {
	id, cause, _ := strings.Cut(n.Detail, " ")
	p.addText("*The user group " + code(id, nameLimit) + " among the approvers cannot be read.* " + escape(cause, detailLimit) +
		" Until that is mended it counts as empty: nobody is an approver through it. Those who are named themselves still are.")
}
