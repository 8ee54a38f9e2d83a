package draw

import (
	"fmt"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// Notice draws a message that the bot sends by itself. v and g are the request and the grant it is about;
// either may be nil. NoticeSummary and NoticeHome answer an empty
// message: Daily and Home draw what they announce.
func Notice(n access.Notice, v *access.RequestView, g *access.Grant) Message {
	p := &page{}
	switch n.Kind {
	case access.NoticeKeyWanted:
		p.keyWanted(n, v)
	case access.NoticeEnding:
		p.endingSoon(n, g)
	case access.NoticeLapsed:
		p.say("*Your SSH access has a gap.* RunCloud removed your key by its own timer before I could renew it. I place it again as soon as I can." + about(n))
	case access.NoticeHalted:
		p.say("*RunCloud refuses every call of mine (401), so nothing can be placed or removed.* There are two possible causes:",
			"• The token is wrong or was revoked: set a valid RUNCLOUD_API_TOKEN and start me again.",
			"• My address is not on the workspace's IP allow list in RunCloud: add it there.",
			"Nothing is lost. I go on by myself once RunCloud accepts my calls again.")
	case access.NoticeResumed:
		p.say("*RunCloud accepts my calls again.* I go on with everything that waited.")
	case access.NoticeDecided:
		p.decided(v)
	case access.NoticeReminder:
		p.reminder(v)
	case access.NoticeDecidable:
		p.decidable(v)
	case access.NoticeSummary, access.NoticeHome: // Daily and Home draw them
	}
	return p.message()
}

// about adds what RunCloud said, and which grant it is about.
func about(n access.Notice) string {
	text := fmt.Sprintf(" This is about grant %d.", n.GrantID)
	if detail := escape(n.Detail, 2*detailLimit); detail != "" {
		text += " What went wrong: " + detail
	}
	return text
}

func (p *page) keyWanted(n access.Notice, v *access.RequestView) {
	who := "Somebody"
	if v != nil {
		who = mention(v.Request.Asker)
		if v.Request.Asker == v.Request.Person {
			who = "You"
		}
	}
	p.say(fmt.Sprintf("*I need your SSH public key.* %s asked for SSH access for you (request %d). Register your public key, and the request goes on by itself. "+
		"Press the button, or type `/sshkey register` followed by the key.", who, n.RequestID))
	p.press(button(ActionRegister, opaque(n.RequestID), "Register a key").WithStyle(slack.StylePrimary))
}

func (p *page) endingSoon(n access.Notice, g *access.Grant) {
	if g == nil {
		p.say(fmt.Sprintf("Your SSH access (grant %d) ends soon.", n.GrantID))
		return
	}
	p.say(fmt.Sprintf("*Your SSH access as %s ends %s.* If you need more time, ask for it now. If you are done, give it back.", code(g.SystemUser, nameLimit), date(g.EndsAt)))
	id := opaque(g.ID)
	p.press(button(ActionExtend, id, "Extend"), button(ActionDone, id, "I am done"))
}

func (p *page) decided(v *access.RequestView) {
	if v == nil {
		return
	}
	line := decision(*v)
	if v.Grant != nil && v.Grant.State == access.Live {
		line += " " + outlook(*v)
	}
	p.say(fmt.Sprintf("*Request %d* (%s):", v.Request.ID, what(v.Request)), line)
}

// outlook says what an approval means to who receives access.
func outlook(v access.RequestView) string {
	if v.Request.Kind == access.KindExtend {
		return "Access goes on " + until(v.Grant.EndsAt) + "."
	}
	return "Access lasts " + until(v.Grant.EndsAt) + ". " + orKeys(len(v.Keys)) + " being placed on " + where(v) + "; the thread of the request shows when each is ready."
}

func orKeys(n int) string {
	if n == 1 {
		return "The key is"
	}
	return "The keys are"
}

// what names a request in a few words, for lists and answers.
func what(r access.Request) string {
	switch r.Kind {
	case access.KindExtend:
		return span(r.Duration) + " more for " + mention(r.Person)
	case access.KindRevoke:
		return "take away " + target(r)
	case access.KindOffboard:
		return "offboard " + mention(r.Person)
	case access.KindGrant: // below
	}
	return span(r.Duration) + " for " + mention(r.Person) + " as " + code(r.SystemUser, nameLimit)
}

// decidable mentions the approvers anew: Slack tells nobody of a mention that an edit brings.
func (p *page) decidable(v *access.RequestView) {
	if v == nil {
		return
	}
	p.say(fmt.Sprintf("%s: request %d can be decided now, %s has registered a key. %s It expires %s. The buttons are at the top of this thread.",
		orApprovers(v.Deciders), v.Request.ID, mention(v.Request.Person), intro(*v), date(v.Request.ExpiresAt)))
}

func (p *page) reminder(v *access.RequestView) {
	if v == nil {
		return
	}
	p.say(fmt.Sprintf("%s: request %d is still waiting. %s It expires %s. The buttons are at the top of this thread.",
		orApprovers(v.Deciders), v.Request.ID, intro(*v), date(v.Request.ExpiresAt)))
}
