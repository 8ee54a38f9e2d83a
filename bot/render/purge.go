package render

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// purge draws a request to remove a list of keys, whoever placed them: while it waits with the list, after that
// with what came of it.
func purge(v workflow.RequestView) Message {
	p := &page{}
	p.addHeading(title(v.Request))
	p.addText(intro(v))
	if v.Request.State == access.Pending {
		p.purgeToDecide(v)
		return p.message()
	}
	p.addText(decision(v))
	if v.Request.State == access.Approved {
		p.addText(removing(tallyOf(v.Results, access.PhaseRemove), false, removedFrom(v))+halted(v), purging(v))
		p.addList("Still to remove", debtLines(v), list, showServers(v))
		p.missing(v)
	}
	p.addList("Keys that were on the list", keysByServer(v, access.WhyListed), shortList, keysFile(v))
	p.addList("Keys that an account logs in with, and stay", keysByServer(v, access.WhyOwned), shortList, keysFile(v))
	p.addList("Keys that were not on the list, and stay", keysByServer(v, access.WhySince), shortList, keysFile(v))
	p.addButtonsAndRest(append(requestButtons(v), keysFileButton(v)...)...)
	return p.message()
}

// purgeOf says in a few words what a purge is about.
func purgeOf(r access.Request) string {
	if r.SystemUser == "" {
		return "remove keys"
	}
	return "purge " + r.SystemUser
}

func purgeClause(v workflow.RequestView) string {
	if v.Request.SystemUser == "" {
		return "remove keys that nobody manages"
	}
	return "remove every key of " + code(v.Request.SystemUser, nameLimit) + " on *" + where(v) + "*"
}

// purgeToDecide adds the list and, once it is complete, the buttons.
func (p *page) purgeToDecide(v workflow.RequestView) {
	listed := keysOf(v, access.WhyListed)
	t := tallyOf(v.Results, access.PhaseInspect)
	if t.moving > 0 {
		p.addText(fmt.Sprintf("I read the servers: %d of %s so far. This can be decided once the list is complete.", t.servers-t.moving, t.count(t.servers)))
		p.addButtons(withdrawMenu(v.Request)...)
		return
	}
	p.addText(askForDecision(v), fmt.Sprintf("*%s to remove.* Exactly these go, whoever placed them; a key that comes later stays.", count(len(listed), "key", "keys")))
	p.addList("The list", keysByServer(v, access.WhyListed), list, keysFile(v))
	if t.owed() > 0 {
		p.addText("*Not read, so nothing is removed there:* " + few(unreadNames(v.Results), servers) + ".")
	}
	p.addList("Keys that an account logs in with: they stay", keysByServer(v, access.WhyOwned), shortList, keysFile(v))
	p.addList("Access that ends with it", grantLines(v.Overlaps, holderOf), shortList, grantsButton(workflow.Everybody, "Show who has access"))
	p.addButtonsAndRest(slices.Concat(requestButtons(v), keysFileButton(v))...)
}

// keysOf returns the candidates of a purge of one sort.
func keysOf(v workflow.RequestView, why access.Why) []access.Candidate {
	return slices.DeleteFunc(slices.Clone(v.Candidates), func(c access.Candidate) bool { return c.Why != why })
}

// keysByServer returns a line for each server with the labels of its keys.
func keysByServer(v workflow.RequestView, why access.Why) []string {
	var lines []string
	var last int64
	for _, c := range keysOf(v, why) {
		label := code(c.Credential.Label, nameLimit) + forOther(v, c)
		if len(lines) > 0 && c.ServerID == last {
			lines[len(lines)-1] += ", " + label
			continue
		}
		lines, last = append(lines, code(c.ServerName, nameLimit)+": "+label), c.ServerID
	}
	return lines
}

// forOther names the system user of a key where the request does not.
func forOther(v workflow.RequestView, c access.Candidate) string {
	if c.Credential.SystemUser == v.Request.SystemUser {
		return ""
	}
	return forUser(c.Credential.SystemUser)
}

// purging says how far the list is carried out.
func purging(v workflow.RequestView) string {
	t := tallyOf(v.Results, access.PhaseInspect)
	if t.owed() == 0 {
		return ""
	}
	return "*Reading the servers again:* " + toRead(v.Results, t.owed()) + "."
}

func keysFileButton(v workflow.RequestView) []slack.BlockElement {
	if len(v.Candidates) == 0 {
		return nil
	}
	return []slack.BlockElement{keysFile(v)}
}

func keysFile(v workflow.RequestView) *slack.ButtonBlockElement {
	return button(ActionKeysFile, idValue(v.Request.ID), "Send me the list as a file")
}

// KeysFile is the message to which the list of a request's keys is attached.
func KeysFile(v workflow.RequestView) Message {
	return Say(fmt.Sprintf("The %s of request %d:", count(len(v.Candidates), "key", "keys"), v.Request.ID))
}

// KeysCSV writes the keys that a request lists, one a line, times in UTC.
func KeysCSV(v workflow.RequestView) []byte {
	var out bytes.Buffer
	writeRow(&out, "server", "server_id", "system_user", "label", "key", "credential", "placed_at", "on_the_list")
	for _, c := range v.Candidates {
		placed := ""
		if !c.Credential.CreatedAt.IsZero() {
			placed = c.Credential.CreatedAt.UTC().Format(time.RFC3339)
		}
		writeRow(&out, c.ServerName, v.ExternalIDs[c.ServerID], c.Credential.SystemUser, c.Credential.Label, c.Credential.PublicKey, c.Credential.ID,
			placed, fmt.Sprint(c.Why == access.WhyListed))
	}
	return out.Bytes()
}
