package runcloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const testToken = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJ3b3Jrc3BhY2UiOjQyfQ.c2lnbmF0dXJlLW9mLXRlc3Q"

func canned(status int, body string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// script replies with the given responses in their order, and fails when there are none left. A nil
// response is a cut connection.
type script struct {
	mu      sync.Mutex
	replies []*http.Response
	calls   []*http.Request
}

var errCut = errors.New("connection reset by peer")

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, req)
	if len(s.replies) == 0 {
		return nil, errors.New("the script has no more answers")
	}
	rep := s.replies[0]
	s.replies = s.replies[1:]
	if rep == nil {
		return nil, errCut
	}
	return rep, nil
}

// Ping makes the cheapest call.
func (c *Client) Ping(ctx context.Context) error {
	var pong struct{}
	return c.call(ctx, http.MethodGet, "/ping", nil, nil, &pong)
}

func isTemporary(err error) bool {
	e := asError(err)
	return e != nil && e.temporary()
}

// scripted is a client that does not retry, on a script.
func scripted(replies ...*http.Response) *Client {
	return New(testToken, WithHTTPClient(&http.Client{Transport: &script{replies: replies}}), WithRetry(1, 0))
}

// served is a client that does not retry, on a real server.
func served(t *testing.T, h http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	opts = append([]Option{WithBaseURL(srv.URL + "/api/v3"), WithRetry(1, 0)}, opts...)
	return New(testToken, opts...)
}

// answering serves one body to the one expected call.
func answering(t *testing.T, call, body string) *Client {
	t.Helper()
	return served(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Method + " " + r.URL.Path; got != strings.Replace(call, " ", " /api/v3", 1) {
			t.Errorf("call %s, want %s", got, call)
		}
		_, _ = io.WriteString(w, body)
	})
}
