package draw

import (
	"fmt"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
)

// fewServers is up to how many servers are named in a request.
const fewServers = 10

// facts are what an approver decides on, one line each.
func facts(v access.RequestView) []string {
	var lines []string
	if v.Request.Kind == access.KindGrant {
		lines = append(lines, "*Keys:* "+keys(v.Keys))
	}
	if v.Request.Kind != access.KindExtend || len(v.Servers) > 0 {
		lines = append(lines, "*Servers:* "+serverFact(v))
	}
	if v.Request.Kind == access.KindGrant || v.Request.Kind == access.KindExtend {
		lines = append(lines, "*Duration:* "+durationFact(v))
	}
	return lines
}

// keys tells a person's keys apart; the whole fingerprints are in the small print.
func keys(all []access.Key) string {
	if len(all) == 0 {
		return "none registered yet"
	}
	var out []string
	for _, k := range all {
		text := code(k.Type, nameLimit) + " " + shortPrint(k.Fingerprint)
		if note := escape(k.Note, noteLimit); note != "" {
			text += " (" + note + ")"
		}
		out = append(out, text)
	}
	return fit(out, ", ", 700, "")
}

// keyLines give every key's type and whole fingerprint.
func keyLines(v access.RequestView) []string {
	if v.Request.Kind != access.KindGrant || v.Request.State != access.Pending && v.Request.State != access.Approved {
		return nil
	}
	var lines []string
	for _, k := range v.Keys {
		lines = append(lines, "Key: "+code(k.Type, nameLimit)+" "+code(k.Fingerprint, nameLimit))
	}
	if len(lines) == 0 {
		return nil
	}
	return []string{fit(lines, "\n", 700, "ask the person, or see `/sshkey keys`")}
}

// shortPrint shows the first ten characters of a fingerprint: enough to tell keys apart.
func shortPrint(fingerprint string) string {
	if id, picked := strings.CutPrefix(fingerprint, "id:"); picked {
		return "credential " + code(id, 20)
	}
	if len(clean(fingerprint)) <= len("SHA256:")+10 {
		return code(fingerprint, 20)
	}
	return code(clean(fingerprint), len("SHA256:")+11)
}

func serverFact(v access.RequestView) string {
	text := where(v)
	if v.Request.Pattern != "" {
		text += ", asked for as " + code(v.Request.Pattern, reasonLimit/2)
	}
	if n := len(v.Servers); n > 0 && n <= fewServers {
		text += ": " + serverNames(v.Servers)
	}
	if v.Offline > 0 {
		text += fmt.Sprintf(" (%s of them offline now; done when they are back)", grouped(v.Offline))
	}
	return text + askedServers(v.Request)
}

func serverNames(refs []access.ServerRef) string {
	var names []string
	for _, s := range refs {
		names = append(names, code(s.Name, nameLimit))
	}
	return strings.Join(names, ", ")
}

func askedServers(r access.Request) string {
	switch {
	case r.EditedBy == "" || r.AskedPattern == r.Pattern:
		return ""
	case r.AskedPattern == "":
		return fmt.Sprintf(". %s narrowed this; asked for were all servers", mention(r.EditedBy))
	}
	return fmt.Sprintf(". %s narrowed this; asked for was %s", mention(r.EditedBy), code(r.AskedPattern, reasonLimit/2))
}

// durationFact says how long and until when. The clock starts at the approval, so before it there is only
// the end that an approval at once would give.
func durationFact(v access.RequestView) string {
	r := v.Request
	text := span(r.Duration)
	switch {
	case r.Kind == access.KindExtend:
		text += " more"
		if v.Grant != nil && !v.Grant.EndsAt.IsZero() {
			text += ", " + extendedEnd(r, *v.Grant)
		}
	case v.Grant != nil:
		text += ", " + until(v.Grant.EndsAt)
	case r.Forever():
		text += ", without an end"
	case r.State.Open():
		text += " from the approval on; approved right away, " + until(r.CreatedAt.Add(r.Duration))
	}
	if r.EditedBy != "" && r.AskedDuration != r.Duration {
		text += fmt.Sprintf(". %s shortened this; asked for was %s", mention(r.EditedBy), span(r.AskedDuration))
	}
	return text
}

func extendedEnd(r access.Request, g access.Grant) string {
	if r.State == access.Approved {
		return "now " + until(g.EndsAt)
	}
	return "then " + until(g.EndsAt.Add(r.Duration)) + " instead of " + date(g.EndsAt)
}

// changes say what an approval would add to what there is, and what it costs.
func changes(v access.RequestView) []string {
	if v.Request.Kind != access.KindGrant || !v.Request.State.Open() {
		return nil
	}
	var lines []string
	if v.There > 0 {
		lines = append(lines, "The keys are already there on "+servers(v.There)+".")
	}
	if len(v.Overlaps) > 0 {
		lines = append(lines, overlaps(v))
	}
	if v.Renewals.Every > 0 {
		lines = append(lines, fmt.Sprintf("A grant this long is renewed every %s. That costs about %s of RunCloud's monthly quota.",
			duration.Format(v.Renewals.Every), count(v.Renewals.CallsPerMonth, "call", "calls")))
	}
	return lines
}

func overlaps(v access.RequestView) string {
	var others []string
	for _, g := range v.Overlaps {
		others = append(others, "as "+code(g.SystemUser, nameLimit)+" "+until(g.EndsAt))
	}
	slices.Sort(others)
	return mention(v.Request.Person) + " already has " + count(len(others), "other grant", "other grants") + ": " + fit(others, "; ", 600, "")
}
