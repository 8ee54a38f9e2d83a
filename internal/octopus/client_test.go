package octopus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// verbs makes one call of each method that the client uses.
var verbs = map[string]func(context.Context, *Client) error{
	"GET": func(ctx context.Context, c *Client) error {
		_, err := c.Account(ctx, "Spaces-1", "Accounts-1")
		return err
	},
	"PUT": func(ctx context.Context, c *Client) error {
		_, err := c.UpdateAccount(ctx, "Spaces-1", accountOf(`{"Id":"Accounts-1"}`))
		return err
	},
	"POST": func(ctx context.Context, c *Client) error {
		_, err := c.CreateAccount(ctx, "Spaces-1", NewAccount{Name: "deploy", PrivateKey: []byte("x")})
		return err
	},
}

func TestHeadersOfEveryMethod(t *testing.T) {
	t.Parallel()
	for verb, do := range verbs {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			c := served(t, func(w http.ResponseWriter, r *http.Request) {
				want := map[string]string{
					"X-Octopus-ApiKey": testKey, "Accept": "application/json",
					"Content-Type": "application/json", "User-Agent": "keys/1",
				}
				got := map[string]string{}
				for name := range want {
					got[name] = r.Header.Get(name)
				}
				if diff := cmp.Diff(want, got); diff != "" || r.Method != verb {
					t.Error(r.Method, diff)
				}
				_, _ = io.WriteString(w, `{"Id":"Accounts-1"}`)
			}, WithUserAgent("keys/1"))
			if err := do(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://octopus.example":                "https://octopus.example/api/Spaces-1/accounts/Accounts-1",
		"https://octopus.example/":               "https://octopus.example/api/Spaces-1/accounts/Accounts-1",
		" https://octopus.example/deploy/x/ ":    "https://octopus.example/deploy/x/api/Spaces-1/accounts/Accounts-1",
		"https://me:pass@octopus.example/?a=b#c": "https://octopus.example/api/Spaces-1/accounts/Accounts-1",
	} {
		s := &script{replies: []*http.Response{canned(200, `{"Id":"Accounts-1"}`, nil)}}
		c := New(base, " "+testKey+"\n", WithHTTPClient(&http.Client{Transport: s}))
		if _, err := c.Account(t.Context(), "Spaces-1", "Accounts-1"); err != nil {
			t.Fatal(err)
		}
		if got := s.calls[0].URL.String(); got != want {
			t.Errorf("%q: %s", base, got)
		}
		if got := s.calls[0].Header.Get("X-Octopus-ApiKey"); got != testKey {
			t.Errorf("key %q", got)
		}
	}
}

func TestUnusableBaseURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "octopus.example", "ftp://octopus.example", "http://", "http://a b", "://" + testKey} {
		_, err := New(base, testKey).Server(t.Context())
		if err == nil || strings.Contains(err.Error(), testKey) {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// An id must not lead to another address.
func TestIDsStaySegments(t *testing.T) {
	t.Parallel()
	s := &script{replies: []*http.Response{canned(404, `{}`, nil)}}
	c := New("http://octopus.example", testKey, WithHTTPClient(&http.Client{Transport: s}))
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.Account(t.Context(), "Spaces-1", id); err == nil || len(s.calls) > 0 {
			t.Errorf("%q was asked for: %v", id, err)
		}
	}
	_, _ = c.Account(t.Context(), "Spaces-1", "../users/me?x#y")
	if got := s.calls[0].URL.EscapedPath(); got != "/api/Spaces-1/accounts/..%2Fusers%2Fme%3Fx%23y" {
		t.Errorf("asked for %s", got)
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed with %q", r.Header.Get("X-Octopus-ApiKey"))
	}))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := served(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		for verb, do := range verbs {
			err := do(t.Context(), c)
			if e := asError(err); e == nil || e.Status != status || IsOutcomeUnknown(err) != (verb != "GET") {
				t.Errorf("%s %d: %v", verb, status, err)
			}
		}
	}
}

// The caller's own client must not be changed.
func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	hc := &http.Client{}
	New("http://octopus.example", "k", WithHTTPClient(hc)).CloseIdleConnections()
	if hc.CheckRedirect != nil {
		t.Error("the given client got a redirect policy")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status, size int
		ok           bool
	}{
		"large answer":    {200, maxBody - 100, true},
		"huge answer":     {200, maxBody + 100, false},
		"endless refusal": {400, maxErrorBody + 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"Version":"2026.3.1","x":"` + strings.Repeat("x", tt.size) + `"}`
			_, err := scripted(canned(tt.status, body, nil)).Server(t.Context())
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, ErrNotJSON) {
				t.Errorf("err %v", err)
			}
		})
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
	s := &script{replies: []*http.Response{canned(201, `{"Id":"Accounts-1"}`, nil), canned(400, `{"ErrorMessage":"`+testKey+`"}`, nil), nil}}
	c := New("http://octopus.example", testKey, WithHTTPClient(&http.Client{Transport: s}), WithLogger(logger), WithRetry(1, 0))
	_, _ = c.CreateAccount(t.Context(), "Spaces-1", NewAccount{PrivateKey: []byte("SECRET")})
	_, _ = c.UpdateAccount(t.Context(), "Spaces-1", accountOf(`{"Id":"Accounts-1"}`).WithPrivateKey([]byte("SECRET")))
	_, _ = c.FindAccount(t.Context(), "Spaces-1", "my account")
	want := `{"level":"DEBUG","msg":"octopus call","call":"POST /api/Spaces-1/accounts","status":201}
{"level":"DEBUG","msg":"octopus call","call":"PUT /api/Spaces-1/accounts/Accounts-1","status":400}
{"level":"DEBUG","msg":"octopus call","call":"GET /api/Spaces-1/accounts","error":"connection reset by peer"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// A message about the transport may quote what it was given.
func TestTransportErrorShowsNoKey(t *testing.T) {
	t.Parallel()
	c := New("http://octopus.example", testKey, WithHTTPClient(&http.Client{Transport: quoting{}}), WithRetry(1, 0))
	if _, err := c.Server(t.Context()); err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("err %v", err)
	}
}

type quoting struct{}

func (quoting) RoundTrip(req *http.Request) (*http.Response, error) {
	return nil, errors.New("bad header " + req.Header.Get("X-Octopus-ApiKey"))
}
