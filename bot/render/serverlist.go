package render

import (
	"bytes"
	"fmt"
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
	return []slack.BlockElement{button(ActionServers, idValue(v.Request.ID), "Show all "+servers(len(v.Servers)))}
}

// ServersModal shows one page of the servers that a request is about. A page that does
// not exist shows the last one.
func ServersModal(v workflow.RequestView, at int) slack.ModalViewRequest {
	pages := max(1, (len(v.Servers)+serversOnPage-1)/serversOnPage)
	at = max(0, min(at, pages-1))
	p := &page{}
	p.addText(fmt.Sprintf("*Request %d:* %s.", v.Request.ID, serverCount(v, patternLimit)))
	shown := v.Servers[at*serversOnPage : min(len(v.Servers), (at+1)*serversOnPage)]
	for len(shown) > 0 {
		n := min(len(shown), serversInSection)
		p.blocks = append(p.blocks, section(markup(serverLines(shown[:n]))))
		shown = shown[n:]
	}
	p.turnServers(v.Request.ID, at, pages)
	p.addButtons(button(ActionServersFile, idValue(v.Request.ID), "Send me the list as a file"))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: ModalServers, PrivateMetadata: idValue(v.Request.ID),
		Title: plain("Servers"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks},
	}
}

func serverLines(refs []access.ServerRef) string {
	lines := make([]string, len(refs))
	for i, ref := range refs {
		lines[i] = fmt.Sprintf("%s #%s", code(ref.Name, nameLimit), escape(ref.ExternalID, externalLimit))
	}
	return strings.Join(lines, "\n")
}

func (p *page) turnServers(request int64, at, pages int) {
	if pages < 2 {
		return
	}
	p.addContext(fmt.Sprintf("Page %d of %d", at+1, pages))
	value := func(page int) string { return fmt.Sprintf("%d:%d", request, page) }
	// Two blocks, since an action id may stand only once in a block.
	if at > 0 {
		p.addButtons(button(ActionServersPage, value(at-1), "Previous page"))
	}
	if at+1 < pages {
		p.addButtons(button(ActionServersPage, value(at+1), "Next page"))
	}
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
