package render

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// fileFrom is the number of servers from which on the complete list comes as a file too.
const fileFrom = 50

// cellLimit keeps a stranger's text from filling the file.
const cellLimit = 500

// Summary draws the count of each outcome of a phase. Where it is Complete it names every
// server: then it says all that Results would.
func Summary(v workflow.RequestView, phase access.Phase) Message {
	t := tallyOf(v.Results, phase)
	p := &page{}
	if !Complete(v, phase) {
		p.addText("*"+verdict(t, v, phase)+"*", rest(t, v, phase))
		return p.message()
	}
	pieces := piecesOf(v, ofPhase(v.Results, phase))
	if len(pieces) != 1 { // one piece says how many by itself
		p.addText("*" + verdict(t, v, phase) + "*")
	}
	for _, piece := range pieces {
		p.addText(piece.text)
	}
	return p.message()
}

// Complete reports whether the summary of a phase names every server, so that nothing else
// has to: whether they fit into one message.
func Complete(v workflow.RequestView, phase access.Phase) bool {
	return !NeedsFile(v, phase) && len(Results(v, ofPhase(v.Results, phase))) <= 1
}

func ofPhase(results []access.Result, phase access.Phase) []access.Result {
	return slices.DeleteFunc(slices.Clone(results), func(r access.Result) bool { return r.Phase != phase })
}

// verdict says in a few words what a phase came to.
func verdict(t tally, v workflow.RequestView, phase access.Phase) string {
	switch {
	case t.servers == 0:
		return "There was nothing to do."
	case phase == access.PhaseInspect && v.Request.Kind == access.KindPurge:
		return fmt.Sprintf("Read %d of %s: %s on the list.", t.servers-t.owed(), t.count(t.servers), count(len(keysOf(v, access.WhyListed)), "key", "keys"))
	case phase == access.PhaseInspect && t.owed() == 0 && v.Request.Kind == access.KindGrant:
		return fmt.Sprintf("Read the API tokens of %s: %s made meanwhile.", t.all(), orNo(len(v.Candidates)))
	case phase == access.PhaseInspect && t.owed() == 0:
		return fmt.Sprintf("Looked for other keys on %s: %s.", t.all(), found(v.Candidates, "found"))
	case phase == access.PhaseInspect:
		return fmt.Sprintf("Looked for other keys on %d of %s: %s.", t.servers-t.owed(), t.count(t.servers), found(v.Candidates, "found so far"))
	}
	done := phaseOutcome(phase, access.Done)
	if t.by[access.Done] == t.servers {
		return done + " " + t.all() + "."
	}
	return fmt.Sprintf("%s %d of %s: %s.", done, t.by[access.Done], t.count(t.servers), t.notDone())
}

// found counts what an inspection came upon.
func found(all []access.Candidate, verb string) string {
	lookalikes := 0
	for _, c := range all {
		if c.Lookalike() {
			lookalikes++
		}
	}
	text := orNo(len(all)-lookalikes) + " " + verb
	if lookalikes > 0 {
		text += ", and " + grouped(lookalikes) + " that may be anybody's"
	}
	return text
}

func allServers(n int) string {
	switch n {
	case 1:
		return "1 server"
	case 2:
		return "both servers"
	}
	return "all " + servers(n)
}

// rest says what is left to do and by whom.
func rest(t tally, v workflow.RequestView, phase access.Phase) string {
	var parts []string
	if n := t.by[access.Failed]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s failed: mend the cause, then press Retry failed on the request.", t.count(n)))
	}
	if n := t.open(); n > 0 {
		parts = append(parts, fmt.Sprintf("I go on with %s by myself.", t.count(n)))
	}
	if NeedsFile(v, phase) {
		parts = append(parts, "The list follows as a file.")
	}
	return strings.Join(parts, " ")
}

// NeedsFile reports whether a phase has so many servers that its list belongs into a file.
func NeedsFile(v workflow.RequestView, phase access.Phase) bool {
	return tallyOf(v.Results, phase).servers > fileFrom
}

// CSV writes the results of a phase, one line for each key on each server, times in UTC. No cell can be
// taken for a formula by a spreadsheet, whatever it separates cells by.
func CSV(v workflow.RequestView, phase access.Phase) []byte {
	var out bytes.Buffer
	writeRow(&out, "server", "server_id", "system_user", "fingerprint", "outcome", "problem", "detail", "updated_at")
	for _, r := range v.Results {
		if r.Phase != phase || isList(r) { // which is no server
			continue
		}
		writeRow(&out,
			r.ServerName, v.ExternalIDs[r.ServerID], r.SystemUser, keyCell(r),
			stateWord(r.State), problemWord(r.Problem, cmp.Or(r.TargetTitle, "the target")), detail(v, r), r.UpdatedAt.UTC().Format(time.RFC3339))
	}
	return out.Bytes()
}

// keyCell names the key of a result in a table.
func keyCell(r access.Result) string {
	if r.Picked != "" {
		return "credential " + r.Picked
	}
	return r.Fingerprint
}

// detail returns the other side's words about an outcome, and the sessions that were seen in an inspection.
func detail(v workflow.RequestView, r access.Result) string {
	if r.Phase != access.PhaseInspect || !r.State.Final() {
		return r.Detail
	}
	var seen []string
	for _, s := range v.Sessions {
		if s.Server.ID == r.ServerID {
			seen = append(seen, fmt.Sprintf("session of %s from %s since %s", s.Session.SystemUser, s.Session.Address, s.Session.Since))
		}
	}
	return strings.Join(seen, "; ")
}

// writeRow quotes every cell: encoding/csv leaves a semicolon bare, and where that separates cells another
// one would begin there.
func writeRow(out *bytes.Buffer, cells ...string) {
	for i, text := range cells {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`"` + strings.ReplaceAll(cell(text, i > 0), `"`, `""`) + `"`)
	}
	out.WriteByte('\n')
}

var (
	formula = regexp.MustCompile(`^[=+\-@＝＋－＠]`)
	another = regexp.MustCompile(`([;,|] ?)([=+\-@＝＋－＠])`)
)

// cell puts an apostrophe before what a spreadsheet would calculate (OWASP, «CSV Injection»). A line is torn at
// the separators inside a quoted cell, too, when another separator is expected; only its first cell is not.
func cell(text string, torn bool) string {
	text = formula.ReplaceAllString(plainText(text, cellLimit), "'$0")
	if torn {
		text = another.ReplaceAllString(text, "$1'$2")
	}
	return text
}
