package render

import (
	"fmt"
	"strconv"

	"github.com/slack-go/slack"

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
		lines[i] = EventLine(e, l.TicketURL)
	}
	p.addText("*Audit log" + about + ", the latest first*")
	p.addText(lines...)
	var newer, older string
	if l.Newer {
		newer = pageValue(pageAfter, idValue(l.Entries[0].Seq), string(l.About))
	}
	if l.Older {
		older = pageValue(pageBefore, idValue(l.Entries[len(l.Entries)-1].Seq), string(l.About))
	}
	p.addBackAndOn(ActionLogPage, "Newer events", newer, "Older events", older)
	p.addButtons(button(ActionLogFile, "log", "Whole log as a file"))
	return p.message()
}

// logButton shows an approver what the audit log has about a request.
func logButton(r access.Request) *slack.ButtonBlockElement {
	return button(ActionLogPage, pageValue(pageAfter, "0", string(access.AboutRequest(r.ID))), "Show the log")
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

// ReadLogPage reads the value of a button for a page of the log: what comes after no event is the latest.
func ReadLogPage(value string) (q workflow.LogQuery, ok bool) {
	direction, entry, subject, ok := readPageValue(value)
	event, err := strconv.ParseInt(entry, 10, 64)
	about, known := access.ParseSubject(subject)
	if !ok || err != nil || event < 0 || event == 0 && direction == pageBefore || !known && subject != "" {
		return q, false
	}
	if direction == pageBefore {
		return workflow.LogQuery{About: about, Before: event}, true
	}
	return workflow.LogQuery{About: about, After: event}, true
}

// LogFile is the message to which the whole log is attached.
func LogFile(events int) Message {
	return Say("The whole audit log, " + count(events, "event", "events") + ", the latest last:")
}

// LogSent says where the whole log went.
func LogSent(events int) Message {
	return Say("I have sent you the whole audit log in a direct message: a file with " + count(events, "event", "events") + ".")
}
