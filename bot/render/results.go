package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const (
	batchLimit = 3600 // of a message's text
	pieceLimit = 1700 // of one section
)

// group is a set of servers with the same outcome and the same advice.
type group struct {
	phase   access.Phase
	state   access.ResultState
	problem string
	advice  string
	members []outcome
}

// ResultMessage is a message with the results that it shows.
type ResultMessage struct {
	Message
	Results []access.Result
}

// piece is a text that fits into one section, with the results that it shows.
type piece struct {
	text    string
	results []access.Result
}

// Results draws the outcome on every server of rs, results of v, for the thread, in as few messages as Slack's
// limits allow, or in none: failures first, then what waits, then the rest. The keys of one server make one entry.
func Results(v workflow.RequestView, rs []access.Result) []ResultMessage {
	return pack(piecesOf(v, rs))
}

func piecesOf(v workflow.RequestView, rs []access.Result) (pieces []piece) {
	for _, g := range groups(slices.DeleteFunc(outcomes(rs), isSilent)) {
		pieces = append(pieces, g.pieces(whichKeys(v, g))...)
	}
	return pieces
}

// whichKeys names the keys of a grant that a group is about, and whose they are. The person is not mentioned: every
// message of a long run would ring them. Empty where the request itself says which.
func whichKeys(v workflow.RequestView, g group) string {
	if v.Grant == nil || v.Grant.Alias == "" || v.Grant.OfAccount() {
		return ""
	}
	prints := map[string]bool{}
	for _, o := range g.members {
		for _, r := range o.Results {
			prints[r.Fingerprint] = true
		}
	}
	whose := escape(v.Grant.Alias, nameLimit) + "'s "
	if len(prints) != 1 {
		return whose + count(len(prints), "key", "keys") + ": "
	}
	for print := range prints {
		i := slices.IndexFunc(v.Keys, func(k access.Key) bool { return k.Fingerprint == print && k.Note != "" })
		if i < 0 {
			return whose + "key " + shortPrint(print) + ": "
		}
		whose += "key " + code(v.Keys[i].Note, noteLimit) + ": "
	}
	return whose
}

// isSilent reports whether an outcome needs no line: that a server was read for other keys
// as it should be.
func isSilent(o outcome) bool { return o.Phase == access.PhaseInspect && o.State.Final() }

func groups(all []outcome) []group {
	var out []group
	for _, o := range all {
		g := group{phase: o.Phase, state: o.State, problem: o.problem(), advice: advice(o)}
		i := slices.IndexFunc(out, func(known group) bool {
			return known.phase == g.phase && known.state == g.state && known.problem == g.problem && known.advice == g.advice
		})
		if i < 0 {
			i = len(out)
			out = append(out, g)
		}
		out[i].members = append(out[i].members, o)
	}
	slices.SortStableFunc(out, func(a, b group) int {
		return cmp.Or(severity(a.state)-severity(b.state), -strings.Compare(string(a.phase), string(b.phase)))
	})
	return out
}

// count writes how many places there are, and what they are.
func (g group) count() string {
	accounts := 0
	for _, o := range g.members {
		if o.Account {
			accounts++
		}
	}
	return places(len(g.members), accounts, len(g.members))
}

// pieces writes the group, which is about these keys, as texts that fit into a section each; all of them begin with
// what they are about.
func (g group) pieces(keys string) []piece {
	what := phaseOutcome(g.phase, g.state) + " " + g.count()
	if keys != "" {
		what = upper(keys) + lower(what)
	}
	title := "*" + what + "*"
	if g.problem != "" {
		title = "*" + what + ": " + g.problem + "*"
	}
	separator, items := g.items()
	head := title
	if g.advice != "" {
		head += "\n" + g.advice
	}
	var out []piece
	p := piece{text: head + "\n"}
	for i, item := range items {
		if len(p.results) > 0 && utf8.RuneCountInString(p.text+separator+item) > pieceLimit {
			out = append(out, p)
			p = piece{text: title + " (continued)\n"}
		}
		if len(p.results) > 0 {
			p.text += separator
		}
		p.text += item
		p.results = append(p.results, g.members[i].Results...)
	}
	return append(out, p)
}

// items name the servers, each with the other side's words where there are any.
func (g group) items() (separator string, items []string) {
	separator = ", "
	for _, o := range g.members {
		item := code(o.Name, nameLimit)
		if o.Like < o.Of {
			item += fmt.Sprintf(" (%d of %d keys)", o.Like, o.Of)
		}
		if detail := escape(o.Detail, detailLimit); detail != "" && !o.State.Final() && o.Problem != access.ProblemOffline {
			item += ": " + detail
			separator = "\n"
		}
		items = append(items, item)
	}
	return separator, items
}

// pack puts pieces together into messages, in order.
func pack(pieces []piece) []ResultMessage {
	var out []ResultMessage
	sheet, used := &page{}, 0
	var results []access.Result
	for i, p := range pieces {
		sheet.addText(p.text)
		used += utf8.RuneCountInString(p.text) + 1
		results = append(results, p.results...)
		if i+1 == len(pieces) || used+utf8.RuneCountInString(pieces[i+1].text)+1 > batchLimit {
			out = append(out, ResultMessage{sheet.message(), results})
			sheet, used, results = &page{}, 0, nil
		}
	}
	return out
}

// phaseOutcome returns what a phase came to, up to the number of servers.
func phaseOutcome(phase access.Phase, state access.ResultState) string {
	switch state {
	case access.AlreadyThere:
		return "Already there on"
	case access.Kept:
		return "Kept for other access on"
	case access.Dropped:
		return "Not needed any more on"
	case access.OutOfReach:
		return "Out of reach on"
	case access.Unsure:
		return "Being checked on"
	case access.Waiting:
		return "Still to " + phaseVerb(phase) + " on"
	case access.Failed:
		return "Failed to " + phaseVerb(phase) + " on"
	case access.Done: // below
	}
	if phase == access.PhaseRemove {
		return "Removed on"
	}
	return "Placed on"
}

func phaseVerb(phase access.Phase) string {
	switch phase {
	case access.PhaseRemove:
		return "remove"
	case access.PhaseInspect, access.PhaseList, access.PhaseAudit:
		return "look for other keys"
	case access.PhaseAdd:
	}
	return "place"
}

// phaseNoun names the work that an outcome is about.
func phaseNoun(phase access.Phase) string {
	switch phase {
	case access.PhaseRemove:
		return "Removing keys"
	case access.PhaseInspect, access.PhaseList, access.PhaseAudit:
		return "Looking for other keys"
	case access.PhaseAdd:
	}
	return "Placing keys"
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
