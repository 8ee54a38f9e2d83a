// Package control lets a command in the operator's shell ask a running bot to offboard
// somebody, or where its health pages are.
//
// A SQLite ledger has one writer: the bot, while it runs. A command that has to write
// therefore asks the bot to, over a Unix socket beside the database file, with one line of
// JSON in each direction. The socket has the mode of the database file, so it lets nobody in
// who could not open the database. That it answers also proves that the bot on that very
// ledger lives, at whatever address it serves its pages.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

const (
	timeout     = 30 * time.Second // an offboarding takes one transaction and one call to Slack
	longestLine = 64 << 10
)

// Ask asks for the offboarding of a person.
type Ask struct {
	Person   access.UserID `json:"person"`
	Operator string        `json:"operator"` // who asks, for the audit log
	Reason   string        `json:"reason"`
	Source   string        `json:"source"` // identifies this Ask: the same one sent twice makes one request
}

// question is what is sent: an Ask, or the question where the health pages are.
type question struct {
	Ask
	Pages bool `json:"pages,omitempty"`
}

// answer is the ID of the request that was made, the address of the health pages, or the error.
type answer struct {
	Request int64       `json:"request,omitempty"`
	Pages   string      `json:"pages,omitempty"`
	Code    access.Code `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
}

// Offboarder is the use case behind the socket.
type Offboarder interface {
	// OffboardFromShell offboards a person and returns the request for it. Its error is an
	// *access.Error.
	OffboardFromShell(ctx context.Context, person access.UserID, operator, reason, source string) (access.Request, error)
}

// Path returns the path of the socket for a database file.
func Path(database string) string { return database + ".sock" }

// Bot is what the socket is served for.
type Bot struct {
	Uses  Offboarder
	Pages string // the address of the health pages; "" if there are none
	Log   *slog.Logger
}

// Serve serves the connections of listener until stop is called, which closes it and waits
// until the last connection is served.
func Serve(listener net.Listener, bot Bot) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed by stop
			}
			serving.Go(func() { bot.serve(ctx, conn) })
		}
	})
	return func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
	}
}

// Listen listens at path, where the socket is until the listener is closed. The caller must
// hold the lock of the database: Listen replaces a socket that exists, taking it for one that a
// process left when it died.
func Listen(path string) (net.Listener, error) {
	listener, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("listen for the shell: %w", err)
	}
	return socketFile{listener, path}, nil
}

// socketFile is a listener with the path to which its socket was moved.
type socketFile struct {
	net.Listener

	path string
}

// Close implements net.Listener.
func (s socketFile) Close() error { return errors.Join(s.Listener.Close(), os.Remove(s.path)) }

// listen makes the socket in a folder that only we may enter, and moves it to its path when
// it has its mode. A socket that was made at its path would be open to others until then.
func listen(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(dir) }()
	hidden := filepath.Join(dir, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false) // the listener does not know that it was moved; socketFile removes it
	if err = os.Chmod(hidden, 0o600); err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		_ = os.Remove(hidden)
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

func (b Bot) serve(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(timeout)) // fails only if the connection is closed, and then so does reading
	var q question
	if err := readLine(conn, &q); err != nil {
		if !errors.Is(err, io.EOF) {
			b.Log.Warn("the shell sent something that cannot be read", "error", err)
		}
		return
	}
	out := answer{Pages: b.Pages}
	if !q.Pages {
		out = b.offboard(ctx, q.Ask)
	}
	// If this fails, the shell is gone. It does not know then what became of the Ask, and may
	// send it again with the same Source.
	_ = json.NewEncoder(conn).Encode(out)
}

func (b Bot) offboard(ctx context.Context, a Ask) answer {
	r, err := b.Uses.OffboardFromShell(ctx, a.Person, a.Operator, a.Reason, a.Source)
	if err != nil {
		b.Log.Warn("an offboarding from the shell was refused", "person", a.Person, "operator", a.Operator, "error", err)
		return answer{Code: access.CodeOf(err), Message: access.MessageOf(err)}
	}
	return answer{Request: r.ID}
}

// Offboard asks the bot that listens at path to offboard a person, and returns the ID of the
// request for it. The error is an *access.Error: that of the bot, or one with code Unavailable
// if no bot answered.
func Offboard(ctx context.Context, path string, a Ask) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := exchange(ctx, path, question{Ask: a})
	return out.Request, err
}

// Pages returns the address of the health pages that the bot serves which listens at path; it is
// empty if it serves none. The errors are those of Offboard.
func Pages(ctx context.Context, path string) (address string, err error) {
	out, err := exchange(ctx, path, question{Pages: true})
	return out.Pages, err
}

// exchange sends a question and returns the answer to it. The error is an *access.Error.
func exchange(ctx context.Context, path string, q question) (answer, error) {
	out, err := send(ctx, path, q)
	switch {
	case err != nil:
		return answer{}, &access.Error{Code: access.Unavailable, Op: "control", Message: "The bot does not answer at " + path + ".", Err: err}
	case out.Code != "":
		return answer{}, &access.Error{Code: out.Code, Message: out.Message}
	}
	return out, nil
}

func send(ctx context.Context, path string, q question) (out answer, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return out, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return out, err
	}
	return out, readLine(conn, &out)
}

// readLine reads one line of JSON of at most longestLine bytes.
func readLine(r io.Reader, into any) error {
	line, err := bufio.NewReader(io.LimitReader(r, longestLine)).ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}
