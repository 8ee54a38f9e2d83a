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
	candidatesOnPage = 20 // each takes two blocks of the hundred that a modal holds
	undecidedInDaily = 5  // requests, with a button each
)

// CandidatesPage is a page of what is to be decided about of a request, one by one.
type CandidatesPage struct {
	Request    int64
	Lookalikes bool // those, and no others
	At         int  // counted from 0
}

func (at CandidatesPage) value() string {
	return fmt.Sprintf("%d:%t:%d", at.Request, at.Lookalikes, at.At)
}

// ReadCandidates reads the value of a button for such a page, or the metadata of its modal.
func ReadCandidates(value string) (at CandidatesPage, ok bool) {
	parts := strings.Split(value, ":")
	if len(parts) != 3 {
		return at, false
	}
	var errs [3]error
	at.Request, errs[0] = strconv.ParseInt(parts[0], 10, 64)
	at.Lookalikes, errs[1] = strconv.ParseBool(parts[1])
	at.At, errs[2] = strconv.Atoi(parts[2])
	return at, errs == [3]error{}
}

func openCandidates(at CandidatesPage, label string) *slack.ButtonBlockElement {
	return button(ActionCandidates, at.value(), label)
}

// CandidatesModal shows one page of what is to be decided about of a request. A page that does not
// exist shows the last one. First is what was done on it; empty for nothing.
func CandidatesModal(v workflow.RequestView, at CandidatesPage, first string) slack.ModalViewRequest {
	open, lookalikes := v.Open()
	shown, others := open, lookalikes
	if at.Lookalikes {
		shown, others = lookalikes, open
	}
	here := pageAt(at.At, len(shown), candidatesOnPage)
	p := &page{}
	p.addText(first)
	p.addText(fmt.Sprintf("*Request %d:* %s.", v.Request.ID, describe(v.Request)))
	switch {
	case len(shown) == 0:
		p.addText("Nothing is left to decide here.")
	case at.Lookalikes:
		p.addText(lookalikesLine(v.Request, len(shown), placesOf(shown)) + " Each may be anybody's: its label and its server may say whose.")
	default:
		p.addText(toDecide(v, shown))
	}
	for i, c := range shown[here.from:here.to] {
		if c.Credential.Fixed {
			p.addText(candidateLine(c) + " I do not remove it, since it may be the one I use: look at it in the dashboard.")
			continue
		}
		p.candidate(here.from+i+1, c)
	}
	turn := func(lookalikes bool, n int) string { return CandidatesPage{at.Request, lookalikes, n}.value() }
	p.addTurning(here, ActionCandidatesPage, func(n int) string { return turn(at.Lookalikes, n) })
	p.addButtons(spareRest(v, shown)...)
	switch {
	case len(others) == 0:
	case at.Lookalikes:
		p.addText("*" + credentials(others) + " besides.* " + whyAsked(v, others))
		p.addButtons(about(button(ActionCandidatesPage, turn(false, 0), "Show those"), mayBeTheirs))
	default:
		p.addText(lookalikesLine(v.Request, len(others), placesOf(others)))
		p.addButtons(about(button(ActionCandidatesPage, turn(true, 0), "Show them"), mayBeAnybodys))
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: ModalCandidates, PrivateMetadata: turn(at.Lookalikes, here.at),
		Title: plain("Decide about keys"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks},
	}
}

// What the buttons that show candidates are about, for the ear.
const (
	mayBeTheirs   = "(what may be theirs)"
	mayBeAnybodys = "(keys that may be anybody's)"
)

// lookalikesLine counts keys that may be anybody's, and the servers that they are on.
func lookalikesLine(r access.Request, keys, on int) string {
	if keys == 1 {
		return fmt.Sprintf("*1 key* on %s merely begins like %s, as every key of its type does.", servers(on), likeWhat(r))
	}
	return fmt.Sprintf("*%s* on %s merely begin like %s, as every key of their type does.", count(keys, "key", "keys"), servers(on), likeWhat(r))
}

// likeWhat names the key, or one of the keys, that a request looks for.
func likeWhat(r access.Request) string {
	if r.PublicKey != "" {
		return "this one"
	}
	return "one of " + mention(r.Person) + "'s"
}

// placesOf counts the servers that candidates are on.
func placesOf(all []access.Candidate) int {
	on := map[int64]bool{}
	for _, c := range all {
		on[c.ServerID] = true
	}
	return len(on)
}

// undecidedLine says what is to be decided about of a request; it begins with a small letter.
func undecidedLine(u workflow.UndecidedView) string {
	text := fmt.Sprintf("request %d (%s) has ", u.Request.ID, describe(u.Request))
	if u.Keys+u.Tokens == 0 {
		return text + "keys to decide about: " + lookalikesLine(u.Request, u.Lookalikes, u.Servers)
	}
	text += "*" + keysAndTokens(u.Keys, u.Tokens) + "* to decide about."
	if u.Lookalikes > 0 {
		text += " " + lookalikesLine(u.Request, u.Lookalikes, u.Servers)
	}
	return text
}

// decideCandidates opens what undecidedLine says.
func decideCandidates(u workflow.UndecidedView) *slack.ButtonBlockElement {
	b := openCandidates(CandidatesPage{Request: u.Request.ID, Lookalikes: u.Keys+u.Tokens == 0}, "Decide")
	return about(b, "about keys of request "+idValue(u.Request.ID))
}

// undecidedRequests adds requests that have something to be decided about, each with its button.
func (p *page) undecidedRequests(title string, all []workflow.UndecidedView) {
	if len(all) > 0 {
		p.addText(title)
	}
	for _, u := range all {
		p.addText(upper(undecidedLine(u)))
		p.addButtons(decideCandidates(u))
	}
}

// Undecided mentions the approvers in the thread of a request that has something to be decided
// about, since Slack notifies nobody of a mention that an edit brings; afterwards it says that it
// was decided about.
func Undecided(v workflow.RequestView) Message {
	p := &page{}
	open, lookalikes := v.Open()
	if len(open)+len(lookalikes) == 0 {
		p.addText("An approver has decided about " + credentials(v.Candidates) + ".")
		return p.message()
	}
	tokens := tokensAmong(open)
	u := workflow.UndecidedView{Request: v.Request, Undecided: access.Undecided{Keys: len(open) - tokens, Tokens: tokens, Lookalikes: len(lookalikes), Servers: placesOf(lookalikes)}}
	p.addText(orApprovers(v.Asked()) + ": " + undecidedLine(u))
	p.addButtons(decideCandidates(u))
	return p.message()
}
