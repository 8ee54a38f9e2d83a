package octopus

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// An answer that is larger is refused, so that a broken proxy cannot fill the memory. A page of a hundred machines
// takes about 300 KB.
const (
	maxBody      = 8 << 20
	maxErrorBody = 64 << 10
)

// reply is an answer whose body was read completely.
type reply struct {
	status int
	header http.Header
	body   []byte
	pause  time.Duration // how long to wait before the next try, as far as that is known
}

// sendError is a failure to get a complete answer.
type sendError struct {
	err    error
	unsent bool // Octopus surely never saw the request
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

func unsent(err error) bool {
	var s *sendError
	return errors.As(err, &s) && s.unsent
}

// sending carries the request and reads the whole body, both within the timeout.
func sending(hc *http.Client, timeout time.Duration) handler {
	return func(req *http.Request) (*reply, error) {
		ctx, cancel := context.WithTimeout(req.Context(), timeout)
		defer cancel()
		var wire wireTrace
		resp, err := hc.Do(req.WithContext(httptrace.WithClientTrace(ctx, wire.hooks())))
		if err != nil {
			return nil, &sendError{err: bare(err), unsent: wire.unsent() || isDial(err)}
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := readBody(resp)
		if err != nil {
			return nil, &sendError{err: err}
		}
		return &reply{status: resp.StatusCode, header: resp.Header, body: body}, nil
	}
}

// readBody cuts off what is too long; the rest is not JSON any more, and is refused for that.
func readBody(resp *http.Response) ([]byte, error) {
	limit := int64(maxBody)
	if resp.StatusCode/100 != 2 {
		limit = maxErrorBody
	}
	return io.ReadAll(io.LimitReader(resp.Body, limit))
}

// wireTrace records whether there was ever a connection to write to.
type wireTrace struct{ asked, got atomic.Bool }

func (w *wireTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.got.Store(true) },
	}
}

func (w *wireTrace) unsent() bool { return w.asked.Load() && !w.got.Load() }

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// bare drops the method and address that net/http puts before each error; [Error] has its own.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
