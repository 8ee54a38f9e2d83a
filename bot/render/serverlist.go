package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const (
	serversOnPage    = 90
	serversInSection = 30 // names of 60 characters and numbers have room in it
)

// serversButton opens the whole list where the message names only some servers or none.
func serversButton(v workflow.RequestView) []slack.BlockElement {
	if len(v.Servers) <= fewServers {
		return nil
	}
	all := button(ActionServers, idValue(v.Request.ID), "Show all "+servers(len(v.Servers)))
	return []slack.BlockElement{about(all, "of request "+idValue(v.Request.ID))}
}

// ServersModal shows one page, counted from 0, of the servers that a request is about. A
// page that does not exist shows the last one.
func ServersModal(v workflow.RequestView, at int) slack.ModalViewRequest {
	here := pageAt(at, len(v.Servers), serversOnPage)
	p := &page{}
	p.addText(fmt.Sprintf("*Request %d:* %s.", v.Request.ID, serverCount(v, patternLimit)))
	for some := range slices.Chunk(v.Servers[here.from:here.to], serversInSection) {
		p.blocks = append(p.blocks, section(markup(serverLines(some))))
	}
	p.addTurning(here, ActionServersPage, func(n int) string { return fmt.Sprintf("%d:%d", v.Request.ID, n) })
	p.addButtons(button(ActionServersFile, idValue(v.Request.ID), "Send me the list as a file"))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: ModalServers, PrivateMetadata: idValue(v.Request.ID),
		Title: plain("Look at the servers"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks},
	}
}

func serverLines(refs []access.ServerRef) string {
	lines := make([]string, len(refs))
	for i, ref := range refs {
		lines[i] = fmt.Sprintf("%s #%s", code(ref.Name, nameLimit), escape(ref.ExternalID, externalLimit))
	}
	return strings.Join(lines, "\n")
}

// ServersFile is the message to which the list of a request's servers is attached.
func ServersFile(v workflow.RequestView) Message {
	return Say(fmt.Sprintf("The %s of request %d:", servers(len(v.Servers)), v.Request.ID))
}

// ServersCSV writes the servers that a request is about, one a line.
func ServersCSV(v workflow.RequestView) []byte {
	var out bytes.Buffer
	writeRow(&out, "server", "server_id")
	for _, ref := range v.Servers {
		writeRow(&out, ref.Name, ref.ExternalID)
	}
	return out.Bytes()
}
