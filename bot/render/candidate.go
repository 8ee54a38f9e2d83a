package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const (
	candidateButtons = 8   // more than that go into menus
	menuOptions      = 100 // of a menu, at most
)

// candidates lists credentials that may be the person's and about which a person has to
// decide, and what was decided about the others.
func (p *page) candidates(v workflow.RequestView) {
	var open []access.Candidate
	var gone, going, left []string
	for _, c := range v.Candidates {
		switch {
		case c.PickedBy == "":
			open = append(open, c)
		case c.Spared:
			left = append(left, decidedLine(c))
		case isRemoved(v, c):
			gone = append(gone, decidedLine(c))
		default:
			going = append(going, decidedLine(c))
		}
	}
	p.open(v, open)
	p.addList("Other keys that an approver had removed", gone, shortList, "the log names all")
	p.addList("Other keys that are being removed, as an approver decided", going, shortList, "the log names all")
	p.addList("Other keys that stay, as an approver decided", left, shortList, "the log names all")
}

// isRemoved reports whether a credential that somebody chose is confirmed to be gone.
func isRemoved(v workflow.RequestView, c access.Candidate) bool {
	for _, r := range v.Results {
		if r.Phase == access.PhaseRemove && r.ServerID == c.ServerID && r.Picked == c.Credential.ID {
			return r.State == access.Done
		}
	}
	return false
}

func (p *page) open(v workflow.RequestView, open []access.Candidate) {
	if len(open) == 0 {
		return
	}
	p.addText("*" + stillToDecide(len(open)) + "* " + whyAsked(v, len(open)))
	if len(open) > candidateButtons {
		p.candidateMenus(open)
	} else {
		for _, c := range open {
			p.addText(candidateLine(c))
			p.addButtons(button(ActionPick, candidateID(c), "Remove this key"), button(ActionSpare, candidateID(c), "Leave it"))
		}
	}
	if len(open) > 1 && v.FullyInspected() {
		p.addButtons(spareRest(v, len(open)))
	}
}

func stillToDecide(n int) string { return count(n, "key", "keys") + " still to decide." }

// whyAsked returns why a person has to decide.
func whyAsked(v workflow.RequestView, n int) string {
	if v.Request.Kind == access.KindOrphan {
		return "An approver removes or leaves each."
	}
	whose := "may be theirs"
	if v.Request.Person == "" {
		whose = "may be this one"
	}
	if n == 1 {
		return "It " + whose + ", but I did not place it. An approver removes it or leaves it."
	}
	return "They " + whose + ", but I did not place them. An approver removes or leaves each."
}

func spareRest(v workflow.RequestView, n int) *slack.ButtonBlockElement {
	b := button(ActionSpareRest, idValue(v.Request.ID)+"."+v.OpenDigest(), "Leave them all")
	return withConfirm(b, "Leave all of them?", fmt.Sprintf("These %s stay on their servers. Whoever has the private key of one can still log in with it.", count(n, "key", "keys")), "Leave them")
}

// candidateMenus adds menus for many candidates; the text names those that have room in it.
func (p *page) candidateMenus(open []access.Candidate) {
	lines := make([]string, len(open))
	for i, c := range open {
		lines[i] = "• " + candidateLine(c)
	}
	p.lines = append(p.lines, fit(lines, "\n", 1200, "the menus hold them"))
	shown := min(len(open), menuOptions)
	label := fmt.Sprintf("Choose among %d keys.", shown)
	if left := len(open) - shown; left > 0 {
		label = fmt.Sprintf("Choose among the first %d keys; %d more come up as these go.", shown, left)
	}
	p.addText(label)
	p.addButtons(menu(ActionPick, "Remove a key", open[:shown]), menu(ActionSpare, "Leave a key", open[:shown]))
}

func menu(action, label string, open []access.Candidate) *slack.SelectBlockElement {
	light := strings.NewReplacer("<", "‹", ">", "›", "&", "+") // Slack weighs the others four times or more
	options := make([]*slack.OptionBlockObject, len(open))
	for i, c := range open {
		text := light.Replace(plainText(c.ServerName, 30) + ": " + plainText(c.Credential.Label, 30))
		options[i] = slack.NewOptionBlockObject(candidateID(c), plain(text), nil)
	}
	return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain(label), action, options...)
}

func candidateID(c access.Candidate) string {
	return fmt.Sprintf("%d:%d:%s", c.RequestID, c.ServerID, c.Credential.ID)
}

// ReadCandidate returns what the value of a button or of a menu's option stands for: the
// request, the server and the credential.
func ReadCandidate(value string) (request, server int64, credential string, ok bool) {
	parts := strings.SplitN(value, ":", 3)
	if len(parts) < 3 || parts[2] == "" {
		return 0, 0, "", false
	}
	request, requestErr := strconv.ParseInt(parts[0], 10, 64)
	server, serverErr := strconv.ParseInt(parts[1], 10, 64)
	return request, server, parts[2], requestErr == nil && serverErr == nil
}

func candidateLine(c access.Candidate) string {
	return fmt.Sprintf("%s, %s (%s)", labelled(c), code(c.Credential.PublicKey, 56), whyCandidate(c))
}

func labelled(c access.Candidate) string {
	return fmt.Sprintf("%s: label %s for %s", code(c.ServerName, nameLimit), code(c.Credential.Label, labelLimit), code(c.Credential.SystemUser, nameLimit))
}

// whyCandidate returns what made a credential a candidate, and what that is worth.
func whyCandidate(c access.Candidate) string {
	switch c.Why {
	case access.WhyLabel:
		return "its label names them"
	case access.WhyKey:
		return "the beginning of the key fits, which is no proof"
	case access.WhyWhole:
		return "it is this whole key, but nobody has proved whose that is"
	case access.WhyType:
		return "what can be seen fits, but it is the same for every key of this type"
	case access.WhyOrphan:
		return "its label is like mine" // whom it names is a stranger's word, and mentions nobody
	}
	return "it may be theirs"
}

func decidedLine(c access.Candidate) string {
	return fmt.Sprintf("%s, decided %s %s", labelled(c), decidedBy(c.PickedBy), date(c.PickedAt))
}
