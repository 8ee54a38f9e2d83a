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

// candidatesInMessage is how many candidates a message shows with their buttons; the modal has all.
const candidatesInMessage = 8

// candidates lists credentials that may be the person's and about which a person has to
// decide, and what was decided about the others.
func (p *page) candidates(v workflow.RequestView) {
	var gone, going, left, lookalikes []access.Candidate
	for _, c := range v.Candidates {
		switch {
		case !c.Decided():
		case c.Spared && c.Lookalike():
			lookalikes = append(lookalikes, c)
		case c.Spared:
			left = append(left, c)
		case isRemoved(v, c):
			gone = append(gone, c)
		default:
			going = append(going, c)
		}
	}
	p.undecided(v)
	log := logButton(v.Request)
	p.decidedLikewise("an approver had removed", gone, log)
	p.decidedLikewise("are being removed, as an approver decided", going, log)
	p.decidedLikewise("stay, as an approver decided", left, log)
	if len(lookalikes) > 0 {
		p.addText("*Keys that may be anybody's and stay, as an approver decided:* " + grouped(len(lookalikes)) + ".")
	}
}

// decidedLikewise lists credentials about which an approver decided the same.
func (p *page) decidedLikewise(what string, all []access.Candidate, log *slack.ButtonBlockElement) {
	lines := make([]string, len(all))
	for i, c := range all {
		lines[i] = decidedLine(c)
	}
	p.addList("Other "+kinds(all)+" that "+what, lines, shortList, log)
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

// undecided adds the credentials that nobody has decided about: the first with their buttons, and
// the lookalikes, of which there may be hundreds, as a number.
func (p *page) undecided(v workflow.RequestView) {
	open, lookalikes := v.Open()
	if len(open) > 0 {
		p.addText(toDecide(v, open))
		free, fixed := split(open)
		all := openCandidates(CandidatesPage{Request: v.Request.ID}, "Show all "+credentials(open))
		for i, c := range free[:min(len(free), candidatesInMessage)] {
			p.candidate(i+1, c)
		}
		if more := len(free) - candidatesInMessage; more > 0 {
			p.addText("… and " + grouped(more) + " more.")
			p.addButtons(all)
		}
		p.addList("API tokens that I do not remove, since one of them may be the one I use. Look at them in the dashboard", lines(fixed), shortList, all)
		p.addButtons(spareRest(v, open)...)
	}
	if len(lookalikes) > 0 {
		p.addText(lookalikesLine(v.Request, len(lookalikes), placesOf(lookalikes)) + " An approver removes or leaves them.")
		p.addButtons(about(openCandidates(CandidatesPage{Request: v.Request.ID, Lookalikes: true}, "Show them"), mayBeAnybodys))
	}
}

func toDecide(v workflow.RequestView, open []access.Candidate) string {
	return "*" + credentials(open) + " still to decide.* " + whyAsked(v, open)
}

// candidate adds one credential, the nth of those shown, with its buttons.
func (p *page) candidate(n int, c access.Candidate) {
	p.addText(candidateLine(c))
	which := fmt.Sprintf("(number %d, %s on %s)", n, c.Credential.Label, c.ServerName)
	p.addButtons(about(button(ActionPick, candidateID(c), "Remove this "+noun(c)), which), about(button(ActionSpare, candidateID(c), "Leave it"), which))
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

// credentials counts candidates as what they are.
func credentials(all []access.Candidate) string {
	tokens := tokensAmong(all)
	return keysAndTokens(len(all)-tokens, tokens)
}

func keysAndTokens(keys, tokens int) string {
	switch {
	case tokens == 0:
		return count(keys, "key", "keys")
	case keys == 0:
		return count(tokens, "API token", "API tokens")
	}
	return count(keys, "key", "keys") + " and " + count(tokens, "API token", "API tokens")
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

// spareRest is the button that leaves all of these; none while others may come up, nor beside a
// single one that has a button of its own.
func spareRest(v workflow.RequestView, open []access.Candidate) []slack.BlockElement {
	if !v.FullyInspected() || len(open) == 0 || len(open) == 1 && !open[0].Credential.Fixed {
		return nil
	}
	b := button(ActionSpareRest, idValue(v.Request.ID)+"."+workflow.CandidatesDigest(open), "Leave them all")
	return []slack.BlockElement{withConfirm(b, "Leave all of them?", "These stay: "+credentials(open)+". Whoever holds one can still use it.", "Leave them")}
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
	switch {
	case c.Credential.Token:
		return fmt.Sprintf("%s (%s)", labelled(c), whyCandidate(c))
	case c.Lookalike() && c.Credential.CreatedAt.IsZero():
		return labelled(c)
	case c.Lookalike(): // its key says nothing
		return labelled(c) + ", placed " + date(c.Credential.CreatedAt)
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
	case access.WhyType, access.WhyListed, access.WhySince, access.WhyOwned: // below; no reason is shown
	case access.WhyOrphan:
		return "its label is like mine" // whom it names is a stranger's word, and mentions nobody
	}
	return "it may be theirs"
}

func decidedLine(c access.Candidate) string {
	return fmt.Sprintf("%s, decided %s %s", labelled(c), decidedBy(c.PickedBy), date(c.PickedAt))
}
