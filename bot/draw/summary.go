package draw

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// fileFrom is from how many servers on the complete list comes as a file too.
const fileFrom = 50

// cellLimit keeps a stranger's text from filling the file.
const cellLimit = 500

// Summary draws the count of each outcome of a phase. Where the servers are few it names
// every one of them: then it says all that Results would.
func Summary(v access.RequestView, phase access.Phase) Message {
	t := tallyOf(v.Results, phase)
	p := &page{}
	if !Complete(v, phase) {
		p.say("*"+verdict(t, v, phase)+"*", rest(t, v, phase))
		return p.message()
	}
	pieces := piecesOf(ofPhase(v.Results, phase))
	if len(pieces) != 1 { // one piece says how many by itself
		p.say("*" + verdict(t, v, phase) + "*")
	}
	for _, piece := range pieces {
		p.say(piece.text)
	}
	return p.message()
}

// Complete tells whether the summary of a phase names every server, so that nothing
// else has to.
func Complete(v access.RequestView, phase access.Phase) bool {
	return tallyOf(v.Results, phase).servers <= fewServers
}

func ofPhase(results []access.Result, phase access.Phase) []access.Result {
	return slices.DeleteFunc(slices.Clone(results), func(r access.Result) bool { return r.Phase != phase })
}

// verdict says in a few words what a phase came to.
func verdict(t tally, v access.RequestView, phase access.Phase) string {
	switch {
	case t.servers == 0:
		return "There was nothing to do."
	case phase == access.PhaseInspect && t.owed() == 0:
		return fmt.Sprintf("Looked for other keys on %s: %s found.", allServers(t.servers), orNo(len(v.Candidates)))
	case phase == access.PhaseInspect:
		return fmt.Sprintf("Looked for other keys on %d of %s: %s found so far.", t.servers-t.owed(), servers(t.servers), orNo(len(v.Candidates)))
	}
	done := came(phase, access.Done)
	if t.by[access.Done] == t.servers {
		return done + " " + allServers(t.servers) + "."
	}
	return fmt.Sprintf("%s %d of %s: %s.", done, t.by[access.Done], servers(t.servers), t.others())
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
func rest(t tally, v access.RequestView, phase access.Phase) string {
	var parts []string
	if n := t.by[access.Failed]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s failed: mend the cause, then press Retry failed on the request.", servers(n)))
	}
	if n := t.open(); n > 0 {
		parts = append(parts, fmt.Sprintf("I go on with %s by myself.", servers(n)))
	}
	if NeedsFile(v, phase) {
		parts = append(parts, "The list follows as a file.")
	}
	return strings.Join(parts, " ")
}

// NeedsFile tells whether a phase has so many servers that its list belongs into a file.
func NeedsFile(v access.RequestView, phase access.Phase) bool {
	return tallyOf(v.Results, phase).servers > fileFrom
}

// CSV writes the results of a phase, one line for each key on each server, times in UTC. No cell can be
// taken for a formula by a spreadsheet.
func CSV(v access.RequestView, phase access.Phase) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"server", "server_id", "system_user", "fingerprint", "outcome", "problem", "detail", "updated_at"}) // a buffer takes everything
	for _, r := range v.Results {
		if r.Phase != phase || isList(r) { // which is no server
			continue
		}
		_ = w.Write([]string{
			cell(r.ServerName), strconv.FormatInt(r.ServerID, 10), cell(r.SystemUser), cell(r.Fingerprint),
			stateWord(r.State), problemWord(r.Problem), cell(r.Detail), r.UpdatedAt.UTC().Format(time.RFC3339),
		})
	}
	w.Flush()
	return out.Bytes()
}

// cell puts an apostrophe before what a spreadsheet would calculate (OWASP, «CSV Injection»).
func cell(text string) string {
	text = flat(text, cellLimit)
	if strings.IndexAny(text, "=+-@＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}
