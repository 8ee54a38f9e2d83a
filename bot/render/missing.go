package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// missingButtons is how many missing servers have a button each; more go into a menu.
const missingButtons = 5

// missing offers an approver to settle that a server that its target does not find is gone
// for good.
func (p *page) missing(v workflow.RequestView) {
	if len(v.Missing) == 0 {
		return
	}
	titles, several := targets(v, func(r access.Result) bool { return access.HasServer(v.Missing, r.ServerID) })
	if several {
		titles += " do"
	} else {
		titles += " does"
	}
	p.addText(fmt.Sprintf("*%s not find %s now.* What is owed there stays owed: I ask again, and believe that a server is gone when it has not been found for an hour. "+
		"An approver who knows that one is gone for good can say so now.", titles, servers(len(v.Missing))))
	if len(v.Missing) > missingButtons {
		p.addButtons(missingMenu(v))
		if len(v.Missing) > menuOptions {
			p.addContext(fmt.Sprintf("The menu has the first %d; the others come into it as these are settled.", menuOptions))
		}
		return
	}
	for _, at := range v.Missing {
		p.addButtons(withConfirm(button(ActionGone, goneID(v, at), plainText(at.Name, 40)+" is gone for good"), "Gone for good?", goneMeans, "It is gone"))
	}
}

const goneMeans = "I stop removing and looking there. Nobody has confirmed that a key is off it: make sure that the machine is really gone. Should it be found again, I go on."

func missingMenu(v workflow.RequestView) *slack.SelectBlockElement {
	shown := v.Missing[:min(len(v.Missing), menuOptions)]
	options := make([]*slack.OptionBlockObject, len(shown))
	for i, at := range shown {
		options[i] = slack.NewOptionBlockObject(goneID(v, at), plain(fmt.Sprintf("%s #%s", plainText(at.Name, 50), plainText(at.ExternalID, externalLimit))), nil)
	}
	m := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("A server is gone for good"), ActionGone, options...)
	m.Confirm = slack.NewConfirmationBlockObject(plain("Gone for good?"), plain(goneMeans), plain("It is gone"), plain("Go back")).WithStyle(slack.StyleDanger)
	return m
}

func goneID(v workflow.RequestView, at access.ServerRef) string {
	return fmt.Sprintf("%d:%d", v.Request.ID, at.ID)
}

// ServerGone returns the reply to an approver who settled that a server is gone.
func ServerGone(server access.Server) Message {
	return Say(code(server.Name, nameLimit) + " counts as gone for good. Nothing waits for it any more; should it be found again, I go on there.")
}
