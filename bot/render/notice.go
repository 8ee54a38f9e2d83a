package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Notice draws a message that the bot sends by itself. v and g are the request and the grant it is about;
// either may be nil. NoticeSummary and NoticeHome answer an empty
// message: Daily and Home draw what they announce.
func Notice(n access.Notice, v *workflow.RequestView, g *access.Grant) Message {
	p := &page{}
	switch n.Kind {
	case access.NoticeKeyWanted:
		p.keyWanted(n, v)
	case access.NoticeEnding:
		p.endingSoon(v, g)
	case access.NoticeLapsed:
		p.say("*Your SSH access" + whose(v, g) + " has a gap" + gap(v) + ".* RunCloud removes keys by its own timer, and yours could not be renewed in time. I place it again as soon as I can." + wentWrong(n))
	case access.NoticeHalted:
		p.say("*RunCloud refuses every call of mine (401), so nothing can be placed or removed.* There are two possible causes:",
			"• The token is wrong or was revoked: set a valid RUNCLOUD_API_TOKEN and start me again.",
			"• My address is not on the workspace's IP allow list in RunCloud: add it there.",
			"Nothing is lost. I go on by myself once RunCloud accepts my calls again.")
	case access.NoticeResumed:
		p.say("*RunCloud accepts my calls again.* I go on with everything that waited.")
	case access.NoticeClock:
		p.say("*My clock.* " + escape(n.Detail, 3*detailLimit))
	case access.NoticeCorrected:
		p.corrected(v, g)
	case access.NoticeQuota:
		p.say("*I have made " + escape(n.Detail, detailLimit) + " calls that RunCloud allows this month.* When they are used up, keys can neither be placed nor removed. " +
			"Buy more calls in RunCloud, or find out what uses them: servers that stay offline, long grants on many servers, keys that RunCloud refuses.")
	case access.NoticeDecided:
		p.decided(v)
	case access.NoticeReminder:
		p.reminder(v)
	case access.NoticeDecidable:
		p.decidable(v)
	case access.NoticeChanged:
		p.voided(v)
	case access.NoticeUnsaid:
		p.unsaid(n)
	case access.NoticeReturned:
		p.returned(v)
	case access.NoticeGroup:
		p.group(n)
	case access.NoticeKeyMoved:
		p.keyMoved(n)
	case access.NoticeSummary, access.NoticeHome: // Daily and Home draw them
	}
	return p.message()
}

// wentWrong adds what RunCloud said.
func wentWrong(n access.Notice) string {
	if detail := escape(n.Detail, 2*detailLimit); detail != "" {
		return " What went wrong: " + detail
	}
	return ""
}

// gap names the servers where a key still has to be placed.
func gap(v *workflow.RequestView) string {
	var missing []access.ServerRef
	if v != nil {
		for _, r := range outcomes(v.Results) {
			if r.Phase == access.PhaseAdd && !r.State.Final() {
				missing = append(missing, access.ServerRef{ID: r.Server, Name: r.Name})
			}
		}
	}
	switch n := len(missing); {
	case n == 0:
		return ""
	case n <= fewServers/2:
		return " on " + serverNames(missing)
	default:
		return " on " + servers(n)
	}
}

// whose names a grant by its servers and its system user.
func whose(v *workflow.RequestView, g *access.Grant) string {
	switch {
	case g == nil:
		return ""
	case v == nil:
		return " as " + code(g.SystemUser, nameLimit)
	}
	return " to " + namedServers(*v) + " as " + code(g.SystemUser, nameLimit)
}

func (p *page) keyWanted(n access.Notice, v *workflow.RequestView) {
	if v == nil {
		return
	}
	r := v.Request
	switch {
	case r.State == access.WaitingForKey:
	case r.State.Open() || r.State == access.Approved:
		p.say(fmt.Sprintf("Your public key is registered, and request %d went to the approvers.", n.RequestID))
		return
	default:
		p.say(fmt.Sprintf("Request %d is closed, so it needs no key of yours any more.", n.RequestID))
		return
	}
	who := mention(r.Asker) + " asked for SSH access for you"
	if r.Asker == r.Person {
		who = "You asked for SSH access"
	}
	p.say(fmt.Sprintf("*I need your SSH public key.* %s (request %d), and you have no key registered yet. Press the button, or type `/sshkey register` followed by the key. "+
		"The request then goes to the approvers by itself; it waits %s.", who, n.RequestID, until(r.ExpiresAt)))
	p.press(button(ActionRegister, opaque(n.RequestID), "Register a key").WithStyle(slack.StylePrimary))
}

func (p *page) endingSoon(v *workflow.RequestView, g *access.Grant) {
	switch {
	case g == nil:
		return
	case g.State == access.Ended:
		p.say("Your SSH access" + whose(v, g) + " has ended.")
		return
	}
	p.say(fmt.Sprintf("*Your SSH access%s ends %s.* If you need more time, ask for it now. If you are done, give it back.", whose(v, g), date(g.EndsAt)))
	id := opaque(g.ID)
	p.press(button(ActionExtend, id, "Extend"), button(ActionDone, id, "I am done"))
}

// corrected tells of an end that was shown too late.
func (p *page) corrected(v *workflow.RequestView, g *access.Grant) {
	if g == nil {
		return
	}
	if g.State == access.Ended {
		p.say("Your SSH access" + whose(v, g) + " has ended: my clock was wrong, and the end that I had shown was too late.")
		return
	}
	p.say(fmt.Sprintf("*Your SSH access%s ends %s.* My clock was wrong, and the end that I had shown was too late: it lasts for as long as it was approved for.", whose(v, g), date(g.EndsAt)))
}

func (p *page) decided(v *workflow.RequestView) {
	if v == nil {
		return
	}
	line := decision(*v)
	switch {
	case v.Grant == nil:
	case v.Grant.State == access.Live:
		line += "\n" + outlook(*v)
	default:
		line += "\n" + ending(*v)
	}
	p.say(strings.Split(fmt.Sprintf("*Request %d* (%s)%s:\n%s", v.Request.ID, what(v.Request), inChannel(*v), line), "\n")...)
}

// outlook says what an approval came to for who receives access; who cannot read the
// channel of the request learns nowhere else where it failed.
func outlook(v workflow.RequestView) string {
	if v.Request.Kind == access.KindExtend {
		return "Your access" + whose(&v, v.Grant) + " goes on " + until(v.Grant.EndsAt) + "."
	}
	text := placing(v)
	if late := missing(v); late != "" {
		text += " Not yet on: " + late + "."
	}
	return text
}

// missing names the servers that a person has to do without for now.
func missing(v workflow.RequestView) string {
	var names []string
	for _, o := range outcomes(stillGranted(v)) {
		if o.Phase == access.PhaseAdd && !o.State.Final() && o.Problem != access.NoProblem {
			names = append(names, code(o.Name, nameLimit)+inBrackets(problemWord(o.Problem)))
		}
	}
	return fit(names, ", ", 600, "the thread of the request lists all")
}

// what names a request in a few words, for lists and answers.
func what(r access.Request) string {
	switch r.Kind {
	case access.KindExtend:
		return span(r.Duration) + " more for " + mention(r.Person)
	case access.KindRevoke:
		return "revoke " + target(r)
	case access.KindOffboard:
		return "offboard " + mention(r.Person)
	case access.KindOrphan:
		return "keys that my ledger does not know"
	case access.KindGrant: // below
	}
	return span(r.Duration) + " for " + mention(r.Person) + " as " + code(r.SystemUser, nameLimit)
}

// decidable mentions the approvers anew: Slack tells nobody of a mention that an edit brings.
func (p *page) decidable(v *workflow.RequestView) {
	if v == nil {
		return
	}
	p.say(fmt.Sprintf("%s: request %d can be decided now, %s has registered a key. %s It expires %s. The buttons are at the top of this thread.",
		orApprovers(v.Deciders), v.Request.ID, mention(v.Request.Person), intro(*v), date(v.Request.ExpiresAt)))
}

// voided has the approvers look again at a request that has changed since they approved it.
func (p *page) voided(v *workflow.RequestView) {
	if v == nil {
		return
	}
	p.say(fmt.Sprintf("%s: what request %d asks for has changed, so approvals given before do not count any more. Please look at it again and decide anew. The buttons are at the top of this thread.",
		orApprovers(v.Deciders), v.Request.ID))
}

// unsaid takes back that a request was done.
func (p *page) unsaid(n access.Notice) {
	where := ""
	if name := code(n.Detail, nameLimit); name != "" {
		where = " on " + name
	}
	p.say(fmt.Sprintf("*I take back that request %d was done%s.* A key has turned up, or a server that was gone is back. I do there what is left to do; the message of the request shows how far it is.", n.RequestID, where))
}

func (p *page) reminder(v *workflow.RequestView) {
	if v == nil {
		return
	}
	p.say(fmt.Sprintf("%s: request %d is still waiting. %s It expires %s. The buttons are at the top of this thread.",
		orApprovers(v.Deciders), v.Request.ID, intro(*v), date(v.Request.ExpiresAt)))
}

// group tells of a user group among the approvers that Slack refuses.
func (p *page) group(n access.Notice) {
	id, cause, _ := strings.Cut(n.Detail, " ")
	p.say("*The user group " + code(id, nameLimit) + " in `SSHKEYBOT_APPROVERS` cannot be read.* " + escape(cause, detailLimit) +
		" Until that is mended it counts as empty: nobody is an approver through it. Those who are named themselves still are.")
}
