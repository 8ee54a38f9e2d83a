package slackapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// opened is a file that counts how often its content is opened and closed.
type opened struct {
	content       func() io.Reader
	opens, closes int
}

func (o *opened) open() io.ReadCloser {
	o.opens++
	return closer{o.content(), o}
}

type closer struct {
	io.Reader
	of *opened
}

func (c closer) Close() error {
	c.of.closes++
	return nil
}

func TestFileIsReadAnewForAnotherTry(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	const text = "one\ntwo\n"
	f := &opened{content: func() io.Reader { return strings.NewReader(text) }}
	r.Fail("files.completeUploadExternal", slacksim.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Second})
	at, err := r.Post(t.Context(), "U1", "", Message{Text: "the file"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.UploadFile(t.Context(), at, File{Name: "log.txt", Title: "Log", Size: len(text), Open: f.open}); err != nil {
		t.Fatal(err)
	}
	files := r.Files(at.Channel)
	if len(files) != 1 || string(files[0].Content) != text || f.opens != 2 || f.closes != 2 {
		t.Errorf("%d files, opened %d and closed %d times", len(files), f.opens, f.closes)
	}
}

// What cannot be read to its end is not shared.
func TestFileThatBreaksIsNotShared(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	broken := io.MultiReader(strings.NewReader("one\n"), readerFunc(func([]byte) (int, error) { return 0, errors.New("gone") }))
	f := &opened{content: func() io.Reader { return broken }}
	at, err := r.Post(t.Context(), "U1", "", Message{Text: "the file"})
	if err != nil {
		t.Fatal(err)
	}
	err = r.UploadFile(t.Context(), at, File{Name: "log.txt", Title: "Log", Size: 8, Open: f.open})
	if err == nil || len(r.Files(at.Channel)) > 0 || f.opens != f.closes {
		t.Errorf("%v, %d files, opened %d and closed %d times", err, len(r.Files(at.Channel)), f.opens, f.closes)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
