// Package control lets the operator's shell have a running bot offboard somebody.
//
// A SQLite ledger has one writer: the bot, while it runs. What a command of the
// shell only reads, it reads beside it; what has to be written, it asks of the bot
// over a Unix socket beside the database file, one line of JSON each way. Who may
// open the socket may also read the database, so the socket grants nothing new.
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
	answerWithin = 30 * time.Second // an offboarding is one transaction, and a question to Slack
	longestLine  = 64 << 10
)

// Ask is the wish to have a person offboarded. Source is new for every wish: the
// same one twice makes one request.
type Ask struct {
	Person   access.UserID `json:"person"`
	Operator string        `json:"operator"`
	Reason   string        `json:"reason"`
	Source   string        `json:"source"`
}

// answer is the request that does it, or why there is none.
type answer struct {
	Request int64       `json:"request,omitempty"`
	Code    access.Code `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
}

// Offboarder is what the bot does for the shell.
type Offboarder interface {
	OffboardFromShell(ctx context.Context, person access.UserID, operator, reason, source string) (access.Request, error)
}

// Path is where the bot that uses a database file listens.
func Path(database string) string { return database + ".sock" }

// Serve listens at path until stop is called. The caller holds the lock of the
// database, so a socket that is there already is one that a dead process left.
func Serve(path string, uses Offboarder, log *slog.Logger) (stop func(), err error) {
	listener, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("listen for the shell: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed by stop
			}
			serving.Go(func() { serve(ctx, conn, uses, log) })
		}
	})
	return func() {
		cancel()
		_ = listener.Close()
		_ = os.Remove(path)
		serving.Wait()
	}, nil
}

// listen makes the socket in a folder that only we may enter and then moves it to
// its place, so that at no moment anybody else can open it.
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
	listener.SetUnlinkOnClose(false) // it is somewhere else by then
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

func serve(ctx context.Context, conn net.Conn, uses Offboarder, log *slog.Logger) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(answerWithin)) // a closed connection fails below
	var a Ask
	if err := readLine(conn, &a); err != nil {
		if !errors.Is(err, io.EOF) {
			log.Warn("the shell sent something that cannot be read", "error", err)
		}
		return
	}
	r, err := uses.OffboardFromShell(ctx, a.Person, a.Operator, a.Reason, a.Source)
	out := answer{Request: r.ID}
	if err != nil {
		log.Warn("an offboarding from the shell was refused", "person", a.Person, "operator", a.Operator, "error", err)
		out = answer{Code: access.CodeOf(err), Message: access.MessageOf(err)}
	}
	_ = json.NewEncoder(conn).Encode(out) // the shell is gone if this fails, and may ask again
}

// Offboard has the bot that listens at path offboard a person, and answers the
// request that does it. Its errors are *access.Error: the bot's own, or Unavailable
// when nobody answers there.
func Offboard(ctx context.Context, path string, a Ask) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	out, err := exchange(ctx, path, a)
	switch {
	case err != nil:
		return 0, &access.Error{Code: access.Unavailable, Op: "control", Message: "The bot does not answer at " + path + ".", Err: err}
	case out.Code != "":
		return 0, &access.Error{Code: out.Code, Message: out.Message}
	}
	return out.Request, nil
}

func exchange(ctx context.Context, path string, a Ask) (out answer, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return out, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := json.NewEncoder(conn).Encode(a); err != nil {
		return out, err
	}
	return out, readLine(conn, &out)
}

// readLine reads one line of JSON, which is not very long.
func readLine(r io.Reader, into any) error {
	line, err := bufio.NewReader(io.LimitReader(r, longestLine)).ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}
