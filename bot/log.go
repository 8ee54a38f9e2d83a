package bot

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"iter"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// log shows the latest events of the audit log.
func (b *Bot) log(ctx context.Context, in interaction, c command) (render.Message, error) {
	about := cmp.Or(access.AboutRequest(c.Request), access.AboutPerson(c.Person))
	page, err := b.cfg.Uses.Log(ctx, in.Person, workflow.LogQuery{About: about})
	return render.Log(page), err
}

// turnLogPage shows another page of the audit log.
func (b *Bot) turnLogPage(ctx context.Context, in interaction) (render.Message, error) {
	q, ok := render.ReadLogPage(in.Value)
	if !ok {
		return render.Message{}, refuse("That page cannot be read. Please use the command again.")
	}
	page, err := b.cfg.Uses.Log(ctx, in.Person, q)
	return render.Log(page), err
}

// sendLog sends the whole audit log as a file to the one who asks for it, in their direct
// messages. It is read once to see how long it is, and once more while it is sent.
func (b *Bot) sendLog(ctx context.Context, in interaction) (render.Message, error) {
	whole, err := b.cfg.Uses.WholeLog(ctx, in.Person)
	if err != nil {
		return render.Message{}, err
	}
	var size byteCount
	events, err := writeLog(&size, whole)
	if err != nil {
		return render.Message{}, err
	}
	at, err := b.cfg.API.Post(ctx, string(in.Person), "", render.LogFile(events))
	if err != nil {
		return render.Message{}, err
	}
	file := slackapi.File{Name: "audit-log.txt", Title: "Audit log", Size: int(size), Open: func() io.ReadCloser { return logReader(whole) }}
	return render.LogSent(events), b.cfg.API.UploadFile(ctx, at, file)
}

// logReader returns the lines of the log, which are made while they are read.
func logReader(whole iter.Seq2[workflow.LogEntry, error]) io.ReadCloser {
	r, w := io.Pipe()
	go func() { // it ends at the latest when the reader is closed
		lines := bufio.NewWriterSize(w, 64<<10)
		_, err := writeLog(lines, whole)
		_ = w.CloseWithError(errors.Join(err, lines.Flush()))
	}()
	return r
}

// writeLog writes a line for each entry, and returns how many there were.
func writeLog(w io.Writer, whole iter.Seq2[workflow.LogEntry, error]) (events int, err error) {
	for e, err := range whole {
		if err != nil {
			return events, err
		}
		if _, err := io.WriteString(w, render.EventText(e)+"\n"); err != nil {
			return events, err
		}
		events++
	}
	return events, nil
}

// byteCount counts what is written to it.
type byteCount int

// Write implements io.Writer.
func (n *byteCount) Write(p []byte) (int, error) {
	*n += byteCount(len(p))
	return len(p), nil
}
