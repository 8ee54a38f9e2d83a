package slacksim

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// File is an uploaded file with its content.
type File struct {
	ID       string
	Name     string
	Title    string
	Length   int // as announced
	Content  []byte
	Channel  string // where it was shared; empty while private
	ThreadTS string
}

// uploadURL begins an upload: the place to send the bytes to.
func (w *Workspace) uploadURL(a args) (map[string]any, error) {
	name, length := a.str("filename"), a.number("length", 0)
	if name == "" || length <= 0 {
		return nil, refuse("invalid_arguments", "filename and length are required")
	}
	f := &File{ID: w.nextID("F"), Name: name, Title: name, Length: length}
	w.files = append(w.files, f)
	return map[string]any{"file_id": f.ID, "upload_url": fmt.Sprintf("http://%s/upload/%s", w.addr, f.ID)}, nil
}

func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	content, err := uploaded(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.file(r.PathValue("id"))
	if f == nil || err != nil || len(content) != f.Length {
		http.Error(rw, "upload refused", http.StatusBadRequest)
		return
	}
	f.Content = content
	w.touch()
	_, _ = fmt.Fprintf(rw, "OK - %d", len(content))
}

// uploaded reads the bytes of a raw body or of the first file of a form.
func uploaded(r *http.Request) ([]byte, error) {
	r.Body = io.NopCloser(io.LimitReader(r.Body, maxBody))
	form, err := r.MultipartReader()
	if err != nil {
		return io.ReadAll(r.Body)
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, fmt.Errorf("read form: %w", err)
		}
		if isFile(part) {
			return io.ReadAll(part)
		}
	}
}

func isFile(p *multipart.Part) bool { return p.FileName() != "" }

func (w *Workspace) file(id string) *File {
	i := slices.IndexFunc(w.files, func(f *File) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return w.files[i]
}

// completeUpload ends an upload and shares the files as one message of the bot.
func (w *Workspace) completeUpload(a args) (map[string]any, error) {
	var wanted []struct{ ID, Title string }
	if err := a.decode("files", &wanted); err != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments", "files")
	}
	var done []*File
	for _, x := range wanted {
		f := w.file(x.ID)
		if f == nil || f.Content == nil {
			return nil, refuse("file_not_found")
		}
		orText(&x.Title, f.Title)
		f.Title = x.Title
		done = append(done, f)
	}
	if err := w.share(done, a); err != nil {
		return nil, err
	}
	answer := []any{}
	for _, f := range done {
		answer = append(answer, w.fileJSON(f))
	}
	return map[string]any{"files": answer}, nil
}

func (w *Workspace) share(files []*File, a args) error {
	id := a.str("channel_id")
	if id == "" {
		id = a.str("channels")
	}
	if id == "" {
		return nil
	}
	c, err := w.visible(id)
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
	m := Message{Channel: c.ID, ThreadTS: thread, User: w.opt.BotUserID, Text: a.str("initial_comment")}
	for _, f := range files {
		f.Channel, f.ThreadTS = c.ID, thread
		m.Files = append(m.Files, *f)
	}
	w.add(m)
	return nil
}

func (w *Workspace) fileJSON(f *File) map[string]any {
	kind := strings.TrimPrefix(path.Ext(f.Name), ".")
	m := map[string]any{
		"id": f.ID, "name": f.Name, "title": f.Title, "size": len(f.Content), "filetype": kind, "mimetype": "text/plain",
		"user": w.opt.BotUserID, "url_private": fmt.Sprintf("http://%s/files/%s", w.addr, f.ID),
		"permalink": fmt.Sprintf("https://%s.slack.com/files/%s", w.opt.TeamDomain, f.ID),
	}
	if f.Channel != "" {
		m["channels"] = []string{f.Channel}
	}
	return m
}

func (w *Workspace) serveFile(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.file(r.PathValue("id"))
	if f == nil || r.Header.Get("Authorization") != "Bearer "+w.BotToken() {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Length", strconv.Itoa(len(f.Content)))
	_, _ = io.Copy(rw, bytes.NewReader(f.Content))
}
