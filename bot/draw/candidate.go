package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

const (
	candidateButtons = 8   // more than that go into a menu
	menuOptions      = 100 // of a menu, at most
)

// candidates lists credentials that may be the person's and that a person has to judge.
func (p *page) candidates(v access.RequestView) {
	open, picked := splitCandidates(v.Candidates)
	if len(open)+len(picked) == 0 {
		return
	}
	p.say("*" + foundTitle(v) + "* I did not place them, and remove one only if an approver chooses it.")
	p.list("Chosen to be removed", pickedLines(picked), shortList, "")
	if len(open) <= candidateButtons {
		for _, c := range open {
			p.sayWith(slack.NewAccessory(button(ActionPick, candidateID(c), "Remove this key")), candidateLine(c))
		}
		return
	}
	p.choose(open)
}

func foundTitle(v access.RequestView) string {
	if v.Request.Person == "" {
		return "Keys that may be this one."
	}
	return "Other keys that may be theirs."
}

func splitCandidates(all []access.Candidate) (open, picked []access.Candidate) {
	for _, c := range all {
		if c.PickedBy == "" {
			open = append(open, c)
		} else {
			picked = append(picked, c)
		}
	}
	return open, picked
}

// choose offers many candidates in a menu; the text names those that have room in it.
func (p *page) choose(open []access.Candidate) {
	lines := make([]string, len(open))
	for i, c := range open {
		lines[i] = "• " + candidateLine(c)
	}
	p.lines = append(p.lines, fit(lines, "\n", 1200, "the menu holds them"))
	shown := min(len(open), menuOptions)
	label := fmt.Sprintf("Choose among %d keys.", shown)
	if left := len(open) - shown; left > 0 {
		label = fmt.Sprintf("Choose among the first %d keys; %d more come up as these go.", shown, left)
	}
	p.sayWith(slack.NewAccessory(menu(open[:shown])), label)
}

func menu(open []access.Candidate) *slack.SelectBlockElement {
	light := strings.NewReplacer("<", "‹", ">", "›", "&", "+") // Slack weighs the others four times or more
	options := make([]*slack.OptionBlockObject, len(open))
	for i, c := range open {
		text := light.Replace(flat(c.ServerName, 30) + ": " + flat(c.Credential.Label, 30))
		options[i] = slack.NewOptionBlockObject(candidateID(c), plain(text), nil)
	}
	return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Remove a key"), ActionPick, options...)
}

func candidateID(c access.Candidate) string {
	return fmt.Sprintf("%d:%d:%d", c.RequestID, c.ServerID, c.Credential.ID)
}

func candidateLine(c access.Candidate) string {
	return fmt.Sprintf("%s: label %s for %s, %s (%s)", code(c.ServerName, nameLimit), code(c.Credential.Label, labelLimit),
		code(c.Credential.SystemUser, nameLimit), code(c.Credential.PublicKey, 56), suspicion(c))
}

// suspicion says what made a credential a candidate, and what that is worth.
func suspicion(c access.Candidate) string {
	switch c.Why {
	case access.WhyLabel:
		return "its label names them"
	case access.WhyKey:
		return "the beginning of the key fits, which is no proof"
	case access.WhyType:
		return "what can be seen fits, but it is the same for every key of this type"
	}
	return "it may be theirs"
}

func pickedLines(picked []access.Candidate) []string {
	lines := make([]string, len(picked))
	for i, c := range picked {
		lines[i] = fmt.Sprintf("%s: label %s, chosen by %s %s", code(c.ServerName, nameLimit), code(c.Credential.Label, labelLimit), mention(c.PickedBy), date(c.PickedAt))
	}
	return lines
}
