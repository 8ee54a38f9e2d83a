package render

import (
	"fmt"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func sessionLines(v workflow.RequestView) (lines []string) {
	for _, s := range v.Sessions {
		lines = append(lines, sessionLine(s))
	}
	return lines
}

func sessionLine(s workflow.OpenSession) string {
	return fmt.Sprintf("%s: %s from %s since %s (the server's time)", code(s.Server.Name, nameLimit),
		code(s.Session.SystemUser, nameLimit), code(s.Session.Address, nameLimit), code(s.Session.Since, nameLimit))
}

// manualSteps says what no API can do. That a session does not end with its key is said only
// where somebody can be logged in.
func manualSteps(v workflow.RequestView) []string {
	var lines []string
	for _, step := range v.ManualSteps {
		lines = append(lines, sentence(step, reasonLimit))
	}
	if left := serversWhere(v, access.OutOfReach); len(left) > 0 {
		lines = append(lines, "To do by hand: take their keys off "+few(left, servers)+
			", gone from "+accounts(v, func(r access.Result) bool { return r.Phase == access.PhaseRemove && r.State == access.OutOfReach })+" with them. Should a server come back, I remove them.")
	}
	if len(v.Sessions) > 0 {
		return append(lines, "To do by hand: end the open sessions; removing a key does not end them."+inBrackets(unreadSessions(v)))
	}
	if !v.ListsSessions {
		return lines
	}
	if unread := unreadSessions(v); unread != "" {
		return append(lines, "Removing a key does not end an SSH session that is open; I have seen none, but "+unread+". To do by hand: look there.")
	}
	return append(lines, "Removing a key does not end an SSH session that is open; I have seen none.")
}

// unreadSessions names the servers whose open sessions could not be read; empty for none.
func unreadSessions(v workflow.RequestView) string {
	if len(v.SessionsUnread) == 0 {
		return ""
	}
	text := "sessions could not be read on " + servers(len(v.SessionsUnread))
	if len(v.SessionsUnread) <= fewServers {
		text += ": " + serverNames(v.SessionsUnread)
	}
	return text
}
