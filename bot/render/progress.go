package render

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Progress draws how far a run has come, and what stands in its way. left estimates the time that is
// still needed; 0 is unknown.
func Progress(v workflow.RequestView, phase access.Phase, left time.Duration) Message {
	t := tallyOf(v.Results, phase)
	settled := t.servers - t.open()
	known := t.words(access.Failed, access.AlreadyThere, access.Kept, access.Dropped)
	doing := phaseNoun(phase)
	if phase == access.PhaseInspect && v.Request.Kind == access.KindPurge {
		doing = "Reading servers"
	}
	line := fmt.Sprintf("*%s:* %d of %s%s.%s", doing, settled, t.count(t.servers), inBrackets(known), leftWords(v, phase, t, left))
	p := &page{}
	names := hindered(v, phase)
	shown, whole := fit(len(names), names, "\n", shortList)
	p.addText(line, shown)
	if !whole {
		p.addButtons(showServers(v))
	}
	return p.message()
}

// hindered names the servers that are waited for, and why.
func hindered(v workflow.RequestView, phase access.Phase) (names []string) {
	for _, o := range outcomes(v.Results) {
		if o.Phase == phase && !o.State.Final() && o.Problem != access.NoProblem {
			names = append(names, code(o.Name, nameLimit)+outcomeReason(o))
		}
	}
	return names
}

func leftWords(v workflow.RequestView, phase access.Phase, t tally, left time.Duration) string {
	switch {
	case t.open() == 0:
		return ""
	case !v.Paused.IsZero() && phase == access.PhaseRemove:
		return " " + escape(v.PausedBy, nameLimit) + " asks me to wait until " + date(v.Paused) + "; I try once a minute all the same."
	case !v.Paused.IsZero():
		return " " + escape(v.PausedBy, nameLimit) + " asks me to wait until " + date(v.Paused) + "; I go on by myself then, or as soon as it lets me."
	case left <= 0:
		return ""
	case left < time.Minute:
		return " Less than a minute left."
	}
	return fmt.Sprintf(" About %d min left.", int((left+time.Minute-1)/time.Minute))
}

func upper(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

func lower(text string) string { return strings.ToLower(text[:1]) + text[1:] }
