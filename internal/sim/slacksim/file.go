package slacksim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// File is an uploaded file with its content.
type File struct {
	Title   string
	Content []byte

	id      string
	length  int    // as announced
	channel string // where it was shared; empty while private
}

// uploadURL begins an upload and returns the address to send the bytes to.
func (w *Workspace) uploadURL(a args) (map[string]any, error) {
	name, length := a.str("filename"), a.number("length", 0)
	if name == "" || length <= 0 {
		return nil, refuse("invalid_arguments", "filename and length are required")
	}
	f := &File{id: w.nextID("F"), Title: name, length: length}
	w.files = append(w.files, f)
	return map[string]any{"file_id": f.id, "upload_url": fmt.Sprintf("http://%s/upload/%s", w.addr, f.id)}, nil
}

func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	content, err := uploaded(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.file(r.PathValue("id"))
	if f == nil || err != nil || len(content) != f.length {
		http.Error(rw, "upload refused", http.StatusBadRequest)
		return
	}
	f.Content = content
	w.notify()
	_, _ = fmt.Fprintf(rw, "OK - %d", len(content))
}

// uploaded returns the bytes of the first file of a form.
func uploaded(r *http.Request) ([]byte, error) {
	r.Body = io.NopCloser(io.LimitReader(r.Body, maxBody))
	form, err := r.MultipartReader()
	if err != nil {
		return nil, fmt.Errorf("read form: %w", err)
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, fmt.Errorf("read form: %w", err)
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

func (w *Workspace) file(id string) *File {
	i := slices.IndexFunc(w.files, func(f *File) bool { return f.id == id })
	if i < 0 {
		return nil
	}
	return w.files[i]
}

// completeUpload ends an upload and shares the files as one message of the bot.
func (w *Workspace) completeUpload(a args) (map[string]any, error) {
	var wanted []struct{ ID, Title string }
	if json.Unmarshal(a.raw("files"), &wanted) != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments", "files")
	}
	var done []*File
	for _, x := range wanted {
		f := w.file(x.ID)
		if f == nil || f.Content == nil {
			return nil, refuse("file_not_found")
		}
		f.Title = cmp.Or(x.Title, f.Title)
		done = append(done, f)
	}
	if err := w.share(done, a); err != nil {
		return nil, err
	}
	answer := []any{}
	for _, f := range done {
		answer = append(answer, map[string]any{"id": f.id, "title": f.Title})
	}
	return map[string]any{"files": answer}, nil
}

func (w *Workspace) share(files []*File, a args) error {
	c, err := w.visible(a.str("channel_id"))
	switch {
	case err != nil:
		return err
	case c.Archived:
		return refuse("is_archived")
	case !c.Bot: // chat:write.public does not cover files
		return refuse("not_in_channel")
	}
	thread, err := w.threadOf(c, a.str("thread_ts"))
	if err != nil {
		return err
	}
	m := Message{Channel: c.ID, ThreadTS: thread, User: botUserID}
	for _, f := range files {
		f.channel = c.ID
		m.Files = append(m.Files, *f)
	}
	w.add(m)
	return nil
}
