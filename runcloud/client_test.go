package runcloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHeadersOfEveryMethod(t *testing.T) {
	t.Parallel()
	for verb, do := range verbs {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			c := served(t, func(w http.ResponseWriter, r *http.Request) {
				want := map[string]string{
					"Authorization": "Bearer " + testToken, "Accept": "application/json",
					"Content-Type": "application/json", "User-Agent": "keys/1",
				}
				got := map[string]string{}
				for name := range want {
					got[name] = r.Header.Get(name)
				}
				if diff := cmp.Diff(want, got); diff != "" || r.Method != verb {
					t.Error(r.Method, diff)
				}
				_, _ = io.WriteString(w, credential)
			}, WithUserAgent("keys/1"))
			if err := do(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTokenIsTrimmed(t *testing.T) {
	t.Parallel()
	s := &script{replies: []*http.Response{canned(200, `{"message":"pong"}`, nil)}}
	c := New(" secret\n", WithHTTPClient(&http.Client{Transport: s}))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.calls[0].Header.Get("Authorization"); got != "Bearer secret" {
		t.Errorf("%q", got)
	}
	if got := s.calls[0].URL.String(); got != DefaultBaseURL+"/ping" {
		t.Errorf("%q", got)
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := served(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		for verb, do := range verbs {
			var e *Error
			if err := do(t.Context(), c); !errors.As(err, &e) || e.Status != status {
				t.Errorf("%s %d: %v", verb, status, err)
			}
		}
	}
}

// The caller's own client must not be changed.
func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	hc := &http.Client{}
	New("t", WithHTTPClient(hc)).CloseIdleConnections()
	if hc.CheckRedirect != nil {
		t.Error("the given client got a redirect policy")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status, size int
		ok           bool
	}{
		"large answer":    {200, maxBody - 100, true},
		"huge answer":     {200, maxBody + 100, false},
		"endless refusal": {422, maxErrorBody + 100, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"message":"` + strings.Repeat("x", tt.size) + `"}`
			err := scripted(canned(tt.status, body, nil)).Ping(t.Context())
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, ErrNotJSON) {
				t.Errorf("err %v", err)
			}
			if len(fmt.Sprint(err)) > 1000 {
				t.Error("the error is as long as the body")
			}
		})
	}
}

func TestUnusableBaseURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "manage.runcloud.io", "ftp://example.org", "http://", "http://a b", "://" + testToken} {
		c := New(testToken, WithBaseURL(base))
		err := c.Ping(t.Context())
		if err == nil || strings.Contains(err.Error(), testToken) {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestBaseURLWithSlash(t *testing.T) {
	t.Parallel()
	s := &script{replies: []*http.Response{canned(200, `{"id":4}`, nil)}}
	c := New("t", WithBaseURL("http://example.org/api/v3/"), WithHTTPClient(&http.Client{Transport: s}))
	if _, err := c.Server(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if got := s.calls[0].URL.String(); got != "http://example.org/api/v3/servers/4" {
		t.Errorf("%q", got)
	}
}

func TestPingNeedsJSON(t *testing.T) {
	t.Parallel()
	if err := answering(t, "GET /ping", `{"message":"pong"}`).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := answering(t, "GET /ping", `<html>pong`).Ping(t.Context()); !errors.Is(err, ErrNotJSON) {
		t.Errorf("err %v", err)
	}
}

func TestCanceledCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := served(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}, WithRetry(5, time.Hour))
	err := verbs["POST"](ctx, c)
	if !errors.Is(err, context.Canceled) || isTemporary(err) || !IsOutcomeUnknown(err) {
		t.Errorf("err %v", err)
	}
}

func TestLogShowsNoSecret(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "took" {
				return slog.Attr{}
			}
			return a
		},
	}))
	s := &script{replies: []*http.Response{canned(200, credential, nil), canned(422, `{"message":"`+testToken+`"}`, nil), nil}}
	c := New(testToken, WithHTTPClient(&http.Client{Transport: s}), WithLogger(logger), WithRetry(1, 0))
	_, _ = c.CreateSSHCredential(t.Context(), 1, SSHCredentialCreateOpts{PublicKey: "ssh-ed25519 AAAASENT"})
	_ = c.DeleteSSHCredential(t.Context(), 1, 2)
	_, _ = c.AllServers(t.Context())
	want := `{"level":"DEBUG","msg":"runcloud call","method":"POST","path":"/servers/1/ssh/credentials","status":200}
{"level":"DEBUG","msg":"runcloud call","method":"DELETE","path":"/servers/1/ssh/credentials/2","status":422}
{"level":"DEBUG","msg":"runcloud call","method":"GET","path":"/servers","error":"connection reset by peer"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLogHasDuration(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := scripted()
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := logging(func(*http.Request) (*reply, error) { return &reply{status: 200}, nil }, logger, c.clean)
	req, err := c.request(t.Context(), "GET", "/ping", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h(req); err != nil || !strings.Contains(out.String(), "took=") {
		t.Errorf("%q, err %v", out.String(), err)
	}
}

// A message about the transport may quote what it was given.
func TestTransportErrorShowsNoToken(t *testing.T) {
	t.Parallel()
	c := New(testToken, WithHTTPClient(&http.Client{Transport: quoting{}}), WithRetry(1, 0))
	if err := c.Ping(t.Context()); err == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("err %v", err)
	}
}

type quoting struct{}

func (quoting) RoundTrip(req *http.Request) (*http.Response, error) {
	return nil, errors.New("bad header " + req.Header.Get("Authorization"))
}
