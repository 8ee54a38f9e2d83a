package render

import (
	"fmt"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const barCells = 20

// Progress draws how far a run has come, in one line and a bar. left estimates the time that is still
// needed; 0 is unknown.
func Progress(v workflow.RequestView, phase access.Phase, left time.Duration) Message {
	t := tallyOf(v.Results, phase)
	settled := t.servers - t.open()
	known := t.words(access.Failed, access.AlreadyThere, access.Kept, access.Dropped)
	doing := phaseNoun(phase)
	if phase == access.PhaseInspect && v.Request.Kind == access.KindPurge {
		doing = "Reading servers"
	}
	line := fmt.Sprintf("*%s:* %d of %s finished%s.%s", doing, settled, t.count(t.servers), inBrackets(known), leftWords(v, phase, t, left))
	p := &page{}
	p.addText(line)
	bar := markup("`" + barText(settled, t.servers) + "`")
	p.blocks = append(p.blocks, section(bar))
	return p.message()
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

// barText is for the eye only; the line above it says the same in words.
func barText(done, all int) string {
	if all == 0 {
		return "[" + strings.Repeat("-", barCells) + "]   0 %"
	}
	cells := done * barCells / all
	return fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("#", cells), strings.Repeat("-", barCells-cells), done*100/all)
}

func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
