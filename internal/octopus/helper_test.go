package octopus

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testKey = "API-TESTTESTTESTTESTTESTTESTTEST"

func canned(status int, body string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// script replies with the given responses in their order, and fails when there are none left. A nil response is a
// cut connection.
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

// scripted is a client that does not retry, on a script.
func scripted(replies ...*http.Response) *Client {
	return New("http://octopus.example", testKey, WithHTTPClient(&http.Client{Transport: &script{replies: replies}}), WithRetry(1, 0))
}

// served is a client that does not retry, on a real server.
func served(t *testing.T, h http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return New(srv.URL, testKey, append([]Option{WithRetry(1, 0)}, opts...)...)
}

// exchange is a call that is expected, and its answer.
type exchange struct {
	call   string // method, path and query
	sent   string // JSON that is expected; "" for none
	status int    // 200 when zero
	answer string
}

// exchanging serves the given exchanges in their order.
func exchanging(t *testing.T, list ...exchange) *Client {
	t.Helper()
	var mu sync.Mutex
	t.Cleanup(func() {
		if len(list) > 0 {
			t.Errorf("%d calls were not made", len(list))
		}
	})
	return served(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(list) == 0 {
			t.Errorf("unexpected: %s %s", r.Method, r.RequestURI)
			return
		}
		x := list[0]
		list = list[1:]
		x.check(t, r)
		if x.status != 0 {
			w.WriteHeader(x.status)
		}
		_, _ = io.WriteString(w, x.answer)
	})
}

func (x exchange) check(t *testing.T, r *http.Request) {
	t.Helper()
	if got := r.Method + " " + r.RequestURI; got != x.call {
		t.Errorf("call %s, want %s", got, x.call)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if x.sent == "" {
		if len(body) > 0 {
			t.Errorf("%s sends a body", x.call)
		}
		return
	}
	if diff := cmp.Diff(decoded(t, x.sent), decoded(t, string(body))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", x.call, diff)
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return v
}

// pageOf is a whole list as Octopus shows it.
func pageOf(items ...string) string {
	raw, _ := json.Marshal(len(items))
	return `{"ItemType":"x","TotalResults":` + string(raw) + `,"ItemsPerPage":100,"Items":[` + strings.Join(items, ",") + `],"Links":{}}`
}
