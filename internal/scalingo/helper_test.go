package scalingo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const testToken = "tk-us-c3VjaC1hLXNlY3JldA"

var errCut = errors.New("connection reset by peer")

// played plays the service: it exchanges the API token for JSON web tokens that are numbered and good for an
// hour, and hands all other calls to answer. An answer without a status is a cut connection.
type played struct {
	answer   func(r *http.Request) (status int, body string)
	exchange func(n int) (status int, body string) // nil for one that succeeds

	mu    sync.Mutex
	calls []string // method and path, with the JSON web token's number
}

// jwt returns the JSON web token of that number.
func jwt(n int) string {
	return webTokenOf(fmt.Sprintf(`{"n":%d,"exp":%d}`, n, time.Now().Add(time.Hour).Unix()))
}

func webTokenOf(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS512"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("a signature of some length"))
}

// number returns which JSON web token a call is made with.
func number(r *http.Request) string {
	payload := strings.Split(r.Header.Get("Authorization")+"..", ".")[1]
	claims, _ := base64.RawURLEncoding.DecodeString(payload)
	n, _, _ := strings.Cut(strings.TrimPrefix(string(claims), `{"n":`), ",")
	return n
}

func (p *played) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, body := p.reply(r)
	if status == 0 {
		return nil, errCut
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (p *played) reply(r *http.Request) (int, string) {
	call := r.Method + " " + r.URL.EscapedPath()
	if r.URL.Path != "/v1/tokens/exchange" {
		p.note(call + " " + number(r))
		return p.answer(r)
	}
	n := p.note(call)
	if _, token, ok := r.BasicAuth(); !ok || token != testToken {
		return http.StatusUnauthorized, `{"error":"no"}`
	}
	if p.exchange != nil {
		return p.exchange(n)
	}
	return http.StatusOK, `{"token":"` + jwt(n) + `"}`
}

// note records a call and returns how many of its kind there were.
func (p *played) note(call string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
	for _, c := range p.calls {
		if c == call {
			n++
		}
	}
	return n
}

// seen returns the calls so far, those of the exchange as «exchange».
func (p *played) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, c := range p.calls {
		out = append(out, strings.Replace(c, "POST /v1/tokens/exchange", "exchange", 1))
	}
	return out
}

func (p *played) client(opts ...Option) *Client {
	return New(testToken, append([]Option{WithHTTPClient(&http.Client{Transport: p})}, opts...)...)
}

// always returns a service that treats every call alike.
func always(status int, body string) *played {
	return &played{answer: func(*http.Request) (int, string) { return status, body }}
}

// inTurn returns a service that replies with the given statuses in turn, and with the last one from then on.
func inTurn(body string, statuses ...int) *played {
	n := 0
	return &played{answer: func(*http.Request) (int, string) {
		status := statuses[min(n, len(statuses)-1)]
		n++
		return status, body
	}}
}

// bubble runs a test in played time, once for each name.
func bubble[T any](t *testing.T, tests map[string]T, test func(t *testing.T, tt T)) {
	t.Helper()
	t.Parallel()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, tt) })
		})
	}
}
