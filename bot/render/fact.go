package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/workflow"
)

// fewServers is the number of servers up to which a request names them.
const fewServers = 10

// facts are what an approver decides on, one line each.
func facts(v workflow.RequestView) []string {
	var lines []string
	switch r := v.Request; {
	case r.Kind == access.KindRevoke && r.PublicKey != "" && len(v.Keys) == 0: // one that nobody has registered
		algorithm, _, _ := strings.Cut(r.PublicKey, " ")
		lines = append(lines, "*Keys:* "+keyText(access.Key{Type: algorithm, Fingerprint: r.Fingerprint}))
	case r.Kind == access.KindGrant || r.Kind == access.KindExtend || r.Kind == access.KindRevoke && r.Fingerprint != "":
		lines = append(lines, "*Keys:* "+keys(v))
	}
	switch {
	case v.Account != "":
		lines = append(lines, "*Account:* "+escape(v.Account, nameLimit)+" ("+serverNames(v.Servers)+")"+offline(v))
	case v.Request.Kind != access.KindExtend || len(v.Servers) > 0:
		lines = append(lines, "*Servers:* "+serverFact(v, patternLimit))
	}
	if v.Request.Kind == access.KindGrant || v.Request.Kind == access.KindExtend {
		lines = append(lines, "*Duration:* "+durationFact(v))
	}
	return lines
}

// keys shows every key with its whole fingerprint: one beside the title, several below it.
func keys(v workflow.RequestView) string {
	if len(v.Keys) == 0 {
		return "none registered yet"
	}
	out := make([]string, len(v.Keys))
	for i, k := range v.Keys {
		out[i] = keyText(k)
		if leaver, ok := v.FormerHolders[k.Fingerprint]; ok {
			out[i] += ", *which was a key of " + mention(leaver) + ", who was offboarded*"
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return "\n• " + strings.Join(out, "\n• ")
}

func keyText(k access.Key) string {
	text := code(k.Type, nameLimit) + " " + code(k.Fingerprint, nameLimit)
	if note := escape(k.Note, noteLimit); note != "" {
		text += " (" + note + ")"
	}
	return text
}

// externalLimit is how much is shown of what a target calls a server.
const externalLimit = 20

// placedKey names the key of a placement: by its fingerprint, or else as the credential that
// a person picked.
func placedKey(p access.Placement) string {
	if p.Picked != "" {
		return "credential " + code(p.Picked, 20)
	}
	return shortPrint(p.Fingerprint)
}

// shortPrint shows the first ten characters of a fingerprint: enough to distinguish keys.
func shortPrint(fingerprint string) string {
	if len(clean(fingerprint)) <= len("SHA256:")+10 {
		return code(fingerprint, 20)
	}
	return code(clean(fingerprint), len("SHA256:")+11)
}

// patternLimit lets a pattern of any length that is accepted be read whole.
const patternLimit = sectionLimit - 400

// serverFact says which servers a request is about: their names where they are few, else
// how they were written, of which room characters are shown.
func serverFact(v workflow.RequestView, room int) string {
	if v.Account != "" {
		return theAccount(v.Account)
	}
	text := serverCount(v, room)
	if n := len(v.Servers); n > 0 && n <= fewServers {
		text += ": " + serverNames(v.Servers)
	}
	return text + offline(v) + askedServers(v.Request, room)
}

func serverCount(v workflow.RequestView, room int) string {
	text := where(v)
	if written := cmp.Or(v.Request.Pattern, v.GrantPattern); written != "" && !namesServers(v) {
		text += " matching " + code(written, room)
	}
	return text
}

// namesServers reports whether the person who asked wrote the names of the servers, which
// are shown anyway.
func namesServers(v workflow.RequestView) bool {
	var names []string
	for _, s := range v.Servers {
		names = append(names, s.Name)
	}
	written := strings.Split(strings.ReplaceAll(cmp.Or(v.Request.Pattern, v.GrantPattern), " ", ""), ",")
	slices.Sort(names)
	slices.Sort(written)
	return len(names) <= fewServers && slices.Equal(names, written)
}

// offline warns of servers that have to wait, while that is open.
func offline(v workflow.RequestView) string {
	switch {
	case v.Offline == 0 || !v.Request.State.Open():
		return ""
	case v.Offline == 1 && len(v.Servers) == 1:
		return " (offline now; its turn comes when it is back)"
	case v.Offline == 1:
		return " (1 of them is offline now; its turn comes when it is back)"
	}
	return fmt.Sprintf(" (%s of them are offline now; their turn comes when they are back)", grouped(v.Offline))
}

// namedServers names the servers of a request where they are few, and counts them otherwise.
func namedServers(v workflow.RequestView) string {
	if n := len(v.Servers); v.Account == "" && n > 0 && n <= fewServers/2 {
		return serverNames(v.Servers)
	}
	return where(v)
}

func serverNames(refs []access.ServerRef) string {
	var names []string
	for _, s := range refs {
		names = append(names, code(s.Name, nameLimit))
	}
	return strings.Join(names, ", ")
}

// askedServers says what was asked for before an approver narrowed it, of which room characters are shown.
func askedServers(r access.Request, room int) string {
	switch {
	case r.NarrowedBy == "":
		return ""
	case r.AskedPattern == "":
		return fmt.Sprintf(". %s narrowed this; asked for were all servers", mention(r.NarrowedBy))
	}
	return fmt.Sprintf(". %s narrowed this; asked for was %s", mention(r.NarrowedBy), code(r.AskedPattern, room))
}

// durationFact says how long and until when. The clock starts at the approval, so there is no end before it.
func durationFact(v workflow.RequestView) string {
	r := v.Request
	text := durationText(r.Duration)
	switch {
	case r.Kind == access.KindExtend:
		text += " more"
		if v.Grant != nil && !v.Grant.EndsAt.IsZero() {
			text += ", " + extendedEnd(r, *v.Grant)
		}
	case v.Grant != nil:
		text += extension(v)
	case r.State.Open() && !r.Forever():
		text += ", counted from approval"
	}
	if r.ShortenedBy != "" {
		text += fmt.Sprintf(". %s shortened this; asked for was %s", mention(r.ShortenedBy), durationText(r.AskedDuration))
	}
	return text
}

// extension says by how much a grant was extended, and until when it lives.
func extension(v workflow.RequestView) string {
	text := ""
	var more time.Duration
	for _, r := range v.Changes {
		if r.Kind == access.KindExtend {
			more += r.Duration
		}
	}
	if more > 0 {
		text = ", extended by " + durationText(more) + inBrackets(numbers(v.Changes, access.KindExtend))
	}
	if v.Grant.State == access.Live && !v.Grant.EndsAt.IsZero() {
		text += ", " + until(v.Grant.EndsAt)
	}
	return text
}

func extendedEnd(r access.Request, g access.Grant) string {
	if r.State == access.Approved {
		return until(g.EndsAt)
	}
	return "so until " + date(g.EndsAt.Add(r.Duration)) + " instead of " + date(g.EndsAt)
}

// changes say what an approval would add to what there is, and what it costs.
func changes(v workflow.RequestView) []string {
	if !v.Request.State.Open() {
		return nil
	}
	var lines []string
	if v.There > 0 {
		lines = append(lines, "On "+grouped(v.There)+" of these servers I have placed the keys already; whether they still are there I look once this is approved.")
	}
	if v.Request.Kind == access.KindGrant && len(v.Overlaps) > 0 {
		lines = append(lines, overlaps(v))
	}
	if v.Renewals.Every > 0 {
		of := "the monthly quota"
		if n := v.Renewals.Targets; n > 1 {
			of = "the monthly quotas of " + count(n, "account", "accounts") + " together"
		}
		lines = append(lines, fmt.Sprintf("Access this long has to be renewed every %s, which costs about %s of %s.",
			duration.Format(v.Renewals.Every), count(v.Renewals.CallsPerMonth, "call", "calls"), of))
	}
	return lines
}

func overlaps(v workflow.RequestView) string {
	return mention(v.Request.Person) + " has access there already: " + otherAccess(v.Overlaps) + ". That stays as it is."
}

// overlapsShown is how many grants that a person has already are shown.
const overlapsShown = 3

func otherAccess(all []workflow.GrantView) string {
	var others []string
	for _, g := range all[:min(len(all), overlapsShown)] {
		others = append(others, grantText(g))
	}
	if more := len(all) - overlapsShown; more > 0 {
		others = append(others, "… and "+grouped(more)+" more")
	}
	return strings.Join(others, "; ")
}

// factButtons show what the facts of a request only count: its servers, other access of its person, and who else asks.
func factButtons(v workflow.RequestView) []slack.BlockElement {
	buttons := serversButton(v)
	if len(v.Overlaps) > overlapsShown {
		buttons = append(buttons, grantsButton(v.Request.Person, "Show all their access"))
	}
	if len(v.Askers) > fewServers {
		buttons = append(buttons, logButton(v.Request))
	}
	return buttons
}
