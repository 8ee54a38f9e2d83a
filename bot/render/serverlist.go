package render

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const serversOnPage = 90 // lines

// serverState is a server or an account that a request is about, and what came of it there.
type serverState struct {
	access.ServerRef
	outcomes []outcome
}

// serverStates lists all of them, first those where something is left to do, the most urgent before the others.
func serverStates(v workflow.RequestView) (all []serverState) {
	index := map[int64]int{}
	for i, ref := range v.Servers {
		index[ref.ID], all = i, append(all, serverState{ServerRef: ref})
	}
	for _, o := range outcomes(v.Results) {
		if o.Server == 0 {
			continue // the list of servers, which is none
		}
		i, known := index[o.Server]
		if !known {
			i = len(all)
			index[o.Server], all = i, append(all, serverState{ServerRef: access.ServerRef{ID: o.Server, Name: o.Name, ExternalID: v.ExternalIDs[o.Server]}})
		}
		all[i].outcomes = append(all[i].outcomes, o)
	}
	slices.SortStableFunc(all, func(a, b serverState) int { return cmp.Compare(a.urgency(), b.urgency()) })
	return all
}

// urgency is the severity of the worst outcome; what needs nobody is all the same.
func (s serverState) urgency() int {
	worst := severity(access.Kept)
	for _, o := range s.outcomes {
		worst = min(worst, severity(o.State))
	}
	return worst
}

// outcomeWords says what an outcome is, in words of our own.
func outcomeWords(o outcome) string {
	text := lower(strings.TrimSuffix(phaseOutcome(o.Phase, o.State), " on"))
	switch {
	case o.State != access.Done:
	case o.Phase == access.PhaseInspect:
		text = "read for other keys"
	case o.Phase == access.PhaseAudit:
		text = "read"
	}
	if o.Like < o.Of {
		text += fmt.Sprintf(" (%d of %d keys)", o.Like, o.Of)
	}
	return text
}

// serversButton opens the whole list where the message names only some servers or none.
func serversButton(v workflow.RequestView) []slack.BlockElement {
	if len(serverStates(v)) <= fewServers {
		return nil
	}
	return []slack.BlockElement{about(showServers(v), "of request "+idValue(v.Request.ID))}
}

// showServers opens the list of what came of a request on every server.
func showServers(v workflow.RequestView) *slack.ButtonBlockElement {
	all := serverStates(v)
	accounts := 0
	for _, s := range all {
		if slices.ContainsFunc(s.outcomes, func(o outcome) bool { return o.Account }) {
			accounts++
		}
	}
	return button(ActionServers, idValue(v.Request.ID), "Show all "+places(len(all), accounts, len(all)))
}

// ServersModal shows one page, counted from 0, of the servers that a request is about, or, where found is the digest
// of something that an audit has found, of those where that is. A page that does not exist shows the last one.
func ServersModal(v workflow.RequestView, found string, at int) slack.ModalViewRequest {
	value := func(n int) string {
		if found == "" {
			return fmt.Sprintf("%d:%d", v.Request.ID, n)
		}
		return findingValue(v, n, found)
	}
	about := serverCount(v, patternLimit)
	if found != "" {
		about = "this key is on " + servers(len(v.Servers))
	}
	lines := serverLines(v)
	here := pageAt(at, len(lines), serversOnPage)
	p := &page{}
	p.addText(fmt.Sprintf("*Request %d:* %s.", v.Request.ID, about))
	p.addText(lines[here.from:here.to]...)
	p.addTurning(here, ActionServersPage, value)
	p.addButtons(button(ActionServersFile, value(here.at), "Send me the list as a file"))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: ModalServers, PrivateMetadata: idValue(v.Request.ID),
		Title: plain("Look at the servers"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks},
	}
}

// serverLines returns a line for each server, followed by one for each machine that a rotation has there, and for
// each session that was open.
func serverLines(v workflow.RequestView) (lines []string) {
	for _, s := range serverStates(v) {
		text := code(s.Name, nameLimit)
		if s.ExternalID != "" {
			text += " #" + escape(s.ExternalID, externalLimit)
		}
		for i, o := range s.outcomes {
			text += []string{": ", "; "}[min(i, 1)] + outcomeWords(o)
			if !o.State.Final() || o.State == access.OutOfReach {
				text += outcomeReason(o)
			}
		}
		if v.ListsSessions && access.HasServer(v.SessionsUnread, s.ID) {
			text += "; its sessions could not be read"
		}
		lines = append(lines, text)
		for _, m := range machinesOn(v, s.ID) {
			lines = append(lines, "• machine "+machineLine(m)+unproven(v, m))
		}
		for _, session := range v.Sessions {
			if session.Server.ID == s.ID {
				lines = append(lines, "• open session on "+sessionLine(session))
			}
		}
	}
	return lines
}

func machinesOn(v workflow.RequestView, server int64) []access.AccountMachine {
	if v.Rotation == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.Rotation.Found.Machines), func(m access.AccountMachine) bool { return m.ServerID != server })
}

// unproven continues the line of a machine that is not proven.
func unproven(v workflow.RequestView, m access.AccountMachine) string {
	if m.Disabled || !slices.Contains(v.Rotation.Unproven, m.Name) {
		return ""
	}
	return ", not proven"
}

// ServersFile is the message to which the list of a request's servers is attached.
func ServersFile(v workflow.RequestView) Message {
	return Say(fmt.Sprintf("The %s of request %d:", servers(len(serverStates(v))), v.Request.ID))
}

// ServersCSV writes the servers that a request is about, one a line, and what came of it there.
func ServersCSV(v workflow.RequestView) []byte {
	var out bytes.Buffer
	writeRow(&out, "server", "server_id", "outcome", "detail")
	for _, s := range serverStates(v) {
		var came, details []string
		for _, o := range s.outcomes {
			came = append(came, outcomeWords(o))
			details = append(details, problemWord(o.Problem, cmp.Or(o.Title, "the target")), detail(v, o.Results[0]))
		}
		for _, m := range machinesOn(v, s.ID) {
			details = append(details, "machine "+m.Name+" at "+m.Host+": "+m.Health+unproven(v, m))
		}
		writeRow(&out, s.Name, s.ExternalID, strings.Join(came, "; "), strings.Join(nonEmpty(details), "; "))
	}
	return out.Bytes()
}
