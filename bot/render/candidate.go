package render

import (
	"fmt"
	"slices"
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
	var open, gone, going, left []access.Candidate
	for _, c := range v.Candidates {
		switch {
		case !c.Decided():
			open = append(open, c)
		case c.Spared:
			left = append(left, c)
		case isRemoved(v, c):
			gone = append(gone, c)
		default:
			going = append(going, c)
		}
	}
	p.open(v, open)
	p.decidedLikewise("an approver had removed", gone)
	p.decidedLikewise("are being removed, as an approver decided", going)
	p.decidedLikewise("stay, as an approver decided", left)
}

// decidedLikewise lists credentials about which an approver decided the same.
func (p *page) decidedLikewise(what string, all []access.Candidate) {
	lines := make([]string, len(all))
	for i, c := range all {
		lines[i] = decidedLine(c)
	}
	p.addList("Other "+kinds(all)+" that "+what, lines, shortList, "the log names all")
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
	p.addText("*" + credentials(open) + " still to decide.* " + whyAsked(v, open))
	free, fixed := split(open)
	if len(free) > candidateButtons {
		p.candidateMenus(free)
	} else {
		for _, c := range free {
			p.addText(candidateLine(c))
			p.addButtons(button(ActionPick, candidateID(c), "Remove this "+noun(c)), button(ActionSpare, candidateID(c), "Leave it"))
		}
	}
	p.addList("API tokens that I do not remove, since one of them may be the one I use. Look at them in the dashboard", lines(fixed), shortList, "the file lists all")
	if len(open)+len(fixed) > 1 && v.FullyInspected() {
		p.addButtons(spareRest(v, open))
	}
}

// split returns the candidates that can be removed, and those that cannot.
func split(open []access.Candidate) (free, fixed []access.Candidate) {
	for _, c := range open {
		if c.Credential.Fixed {
			fixed = append(fixed, c)
		} else {
			free = append(free, c)
		}
	}
	return free, fixed
}

// undecided returns the candidates that nobody has decided about.
func undecided(v workflow.RequestView) []access.Candidate {
	return slices.DeleteFunc(slices.Clone(v.Candidates), func(c access.Candidate) bool { return c.Decided() })
}

// credentials counts candidates as what they are.
func credentials(all []access.Candidate) string {
	tokens := tokensAmong(all)
	switch tokens {
	case 0:
		return count(len(all), "key", "keys")
	case len(all):
		return count(tokens, "API token", "API tokens")
	}
	return count(len(all)-tokens, "key", "keys") + " and " + count(tokens, "API token", "API tokens")
}

// kinds returns what candidates are, in the plural.
func kinds(all []access.Candidate) string {
	switch tokensAmong(all) {
	case 0:
		return "keys"
	case len(all):
		return "API tokens"
	}
	return "keys and API tokens"
}

func tokensAmong(all []access.Candidate) (n int) {
	for _, c := range all {
		if c.Credential.Token {
			n++
		}
	}
	return n
}

func noun(c access.Candidate) string {
	if c.Credential.Token {
		return "token"
	}
	return "key"
}

// whyAsked returns why a person has to decide.
func whyAsked(v workflow.RequestView, open []access.Candidate) string {
	n := len(open)
	if v.Request.Kind == access.KindOrphan {
		return "An approver removes or leaves each."
	}
	if v.Request.Kind == access.KindRotate {
		return "They were there before the new key, and one may be the old one. An approver removes or leaves each; what stays still works."
	}
	if !slices.ContainsFunc(open, func(c access.Candidate) bool { return !c.Credential.Token }) {
		return "Made while " + mention(v.Request.Person) + " held a key of the account, and not ended with it. An approver removes or leaves each."
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

func spareRest(v workflow.RequestView, open []access.Candidate) *slack.ButtonBlockElement {
	b := button(ActionSpareRest, idValue(v.Request.ID)+"."+v.OpenDigest(), "Leave them all")
	return withConfirm(b, "Leave all of them?", "These stay: "+credentials(open)+". Whoever holds one can still use it.", "Leave them")
}

// candidateMenus adds menus for many candidates; the text names those that have room in it.
func (p *page) candidateMenus(open []access.Candidate) {
	p.lines = append(p.lines, fit(bullets(lines(open)), "\n", 1200, "the menus hold them"))
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

func lines(all []access.Candidate) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = candidateLine(c)
	}
	return out
}

func candidateLine(c access.Candidate) string {
	if c.Credential.Token {
		return fmt.Sprintf("%s (%s)", labelled(c), whyCandidate(c))
	}
	return fmt.Sprintf("%s, %s (%s)", labelled(c), code(c.Credential.PublicKey, 56), whyCandidate(c))
}

func labelled(c access.Candidate) string {
	what := "label "
	if c.Credential.Token {
		what = "API token "
	}
	return code(c.ServerName, nameLimit) + ": " + what + code(c.Credential.Label, labelLimit) + forUser(c.Credential.SystemUser)
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
	case access.WhyUnregistered:
		return "nobody has registered it"
	case access.WhyToken:
		used := "never used"
		if !c.Credential.UsedAt.IsZero() {
			used = "last used " + date(c.Credential.UsedAt)
		}
		return "made " + date(c.Credential.CreatedAt) + ", " + used
	case access.WhyBefore:
		return "it was there before"
	case access.WhyListed, access.WhySince, access.WhyOwned: // below; a purge shows no reason
	case access.WhyOrphan:
		return "its label is like mine" // whom it names is a stranger's word, and mentions nobody
	}
	return "it may be theirs"
}

func decidedLine(c access.Candidate) string {
	return fmt.Sprintf("%s, decided %s %s", labelled(c), decidedBy(c.PickedBy), date(c.PickedAt))
}
