package render

import (
	"fmt"
	"strconv"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Log shows a page of the audit log.
func Log(l workflow.LogPage) Message {
	p := &page{}
	about := aboutSubject(l.About)
	if len(l.Entries) == 0 {
		p.addText("The audit log has nothing" + about + ".")
		return p.message()
	}
	lines := make([]string, len(l.Entries))
	for i, e := range l.Entries {
		lines[i] = EventLine(e)
	}
	p.addText("*Audit log" + about + ", the latest first*")
	p.addText(lines...)
	// Two blocks, since an action id may stand only once in a block.
	if first := l.Entries[0].Seq; l.Newer {
		p.addButtons(button(ActionLogPage, pageValue(logAfter, first, l.About), "Newer"))
	}
	if last := l.Entries[len(l.Entries)-1].Seq; l.Older {
		p.addButtons(button(ActionLogPage, pageValue(logBefore, last, l.About), "Older"))
	}
	p.addButtons(button(ActionLogFile, "log", "Whole log as a file"))
	return p.message()
}

func aboutSubject(s access.Subject) string {
	switch {
	case s.Request() != 0:
		return fmt.Sprintf(" about request %d", s.Request())
	case s != "":
		return " about " + mention(s.Person())
	}
	return ""
}

// The directions in which a page of the log lies from an event.
const (
	logBefore = "before"
	logAfter  = "after"
)

func pageValue(direction string, event int64, about access.Subject) string {
	return fmt.Sprintf("%s:%d:%s", direction, event, about)
}

// ReadLogPage reads the value of a button for a page of the log.
func ReadLogPage(value string) (q workflow.LogQuery, ok bool) {
	parts := strings.SplitN(value, ":", 3)
	if len(parts) != 3 {
		return q, false
	}
	event, err := strconv.ParseInt(parts[1], 10, 64)
	about, known := access.ParseSubject(parts[2])
	if err != nil || event < 1 || !known && parts[2] != "" {
		return q, false
	}
	q.About = about
	switch parts[0] {
	case logBefore:
		q.Before = event
	case logAfter:
		q.After = event
	default:
		return q, false
	}
	return q, true
}

// LogFile is the message to which the whole log is attached.
func LogFile(events int) Message {
	return Say("The whole audit log, " + count(events, "event", "events") + ", the latest last:")
}

// LogSent says where the whole log went.
func LogSent(events int) Message {
	return Say("I have sent you the whole audit log in a direct message: a file with " + count(events, "event", "events") + ".")
}
