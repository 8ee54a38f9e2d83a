package scalingo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Bounds of a body. What is longer is refused: half a list is none.
const (
	maxBody      = 8 << 20
	maxErrorBody = 64 << 10
)

var errTooLong = errors.New("the answer is too long")

// sendError is a failure to get a complete answer.
type sendError struct {
	err    error
	unsent bool // Scalingo surely never saw the request
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// dialog is how requests are put on the wire.
type dialog struct {
	base    *url.URL
	token   string
	agent   string
	timeout time.Duration
	http    *http.Client
}

// clean returns the cleaner of what comes back to r, which knows the credentials that went out with it.
func (d dialog) clean(r request) cleaner { return newCleaner(d.token, r.jwt) }

// send carries the request and reads the whole body, both within the timeout.
func (d dialog) send(ctx context.Context, r request) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var wire wireTrace
	req, err := d.request(httptrace.WithClientTrace(ctx, wire.hooks()), r)
	if err != nil {
		return nil, &sendError{err: err, unsent: true}
	}
	resp, err := d.http.Do(req)
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

func (d dialog) request(ctx context.Context, r request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, d.base.JoinPath(r.path).String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	if r.jwt == "" {
		req.SetBasicAuth("", d.token)
	} else {
		req.Header.Set("Authorization", "Bearer "+r.jwt)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", d.agent)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// readBody cuts the body of a refusal, of which only a message is wanted.
func readBody(resp *http.Response) ([]byte, error) {
	if resp.StatusCode/100 != 2 {
		return io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLong
	}
	return body, err
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
