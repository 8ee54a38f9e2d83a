package runcloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// is lists which of the functions that sort errors say yes.
func is(err error) string {
	var yes []string
	for _, f := range []struct {
		name string
		ask  func(error) bool
	}{
		{"notfound", IsNotFound}, {"unauthorized", IsUnauthorized}, {"forbidden", IsForbidden}, {"invalid", IsInvalid},
		{"limited", IsRateLimited}, {"temporary", isTemporary}, {"unknown", IsOutcomeUnknown},
	} {
		if f.ask(err) {
			yes = append(yes, f.name)
		}
	}
	return strings.Join(yes, " ")
}

func TestErrorsAreSorted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status         int
		body           string
		read, post     string
		deleted, cause string
	}{
		{status: 400, body: `{}`, read: "invalid", post: "invalid", deleted: "invalid"},
		{status: 401, body: `{}`, read: "unauthorized", post: "unauthorized", deleted: "unauthorized"},
		{status: 401, body: `<html>`, read: "unauthorized", post: "unauthorized", deleted: "unauthorized"},
		{status: 403, body: `{}`, read: "forbidden", post: "forbidden", deleted: "forbidden"},
		{status: 403, body: `<html>`, read: "temporary", post: "temporary", deleted: "temporary"},
		{status: 403, body: ``, read: "temporary", post: "temporary", deleted: "temporary"},
		{status: 404, body: `{}`, read: "notfound", post: "notfound", deleted: "notfound"},
		{status: 404, body: `<html>`, read: "temporary", post: "temporary", deleted: "temporary"},
		{status: 404, body: ``, read: "temporary", post: "temporary", deleted: "temporary"},
		{status: 422, body: `{}`, read: "invalid", post: "invalid", deleted: "invalid"},
		{status: 429, body: `{}`, read: "limited temporary", post: "limited temporary", deleted: "limited temporary"},
		{status: 429, body: `<html>`, read: "limited temporary", post: "limited temporary", deleted: "limited temporary"},
		{status: 302, body: `<html>`, read: "", post: "unknown", deleted: "unknown"},
		{status: 500, body: `{}`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 502, body: `<html>`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: `<html>`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: ``, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 204, body: ``, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: `"ok"`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: `{"message":"ok"}`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: `[]`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: `{"id":7`, read: "temporary", post: "temporary unknown", deleted: "temporary unknown"},
		{status: 200, body: `{"id":7}`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.body), func(t *testing.T) {
			t.Parallel()
			for verb, want := range map[string]string{"GET": tt.read, "POST": tt.post, "DELETE": tt.deleted} {
				err := verbs[verb](t.Context(), scripted(canned(tt.status, tt.body, nil)))
				if got := is(err); got != want {
					t.Errorf("%s: %q, want %q (%v)", verb, got, want, err)
				}
			}
		})
	}
}

func TestDeleteOfAnother(t *testing.T) {
	t.Parallel()
	err := scripted(canned(200, `{"id":8}`, nil)).DeleteSSHCredential(t.Context(), 1, 7)
	if !errors.Is(err, ErrUnexpected) || !IsOutcomeUnknown(err) {
		t.Errorf("err %v", err)
	}
}

func TestForeignErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, io.EOF} {
		if got := is(err); got != "" || RetryAfter(err) != 0 {
			t.Errorf("%v is %q", err, got)
		}
	}
	wrapped := fmt.Errorf("list: %w", &ListError{Path: "/servers", Got: 3, Want: 4})
	if got := is(wrapped); got != "" || !strings.Contains(wrapped.Error(), "3 items of 4") {
		t.Errorf("%v is %q", wrapped, got)
	}
	if got := is(&Error{Err: context.Canceled}); got != "" {
		t.Errorf("a canceled call is %q", got)
	}
}

// Refused by the system: nothing was ever sent.
func TestDialRefusedIsNotUnknown(t *testing.T) {
	t.Parallel()
	c := New(testToken, WithBaseURL("http://127.0.0.1:1"), WithRetry(1, 0)) // nobody listens there
	for _, verb := range []string{"POST", "DELETE"} {
		if got := is(verbs[verb](t.Context(), c)); got != "temporary" {
			t.Errorf("%s: %q", verb, got)
		}
	}
}

// A certificate that is not trusted stops the call before anything is written.
func TestBadCertificateIsNotUnknown(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := New(testToken, WithBaseURL(srv.URL), WithRetry(1, 0))
	if err := verbs["POST"](t.Context(), c); err == nil || IsOutcomeUnknown(err) {
		t.Errorf("err %v", err)
	}
}

func TestCutAfterRequestIsUnknown(t *testing.T) {
	t.Parallel()
	cut := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	half := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"id":`)
	}
	for name, h := range map[string]http.HandlerFunc{"before the answer": cut, "within the answer": half} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := served(t, h)
			for _, verb := range []string{"POST", "DELETE"} {
				if got := is(verbs[verb](t.Context(), c)); got != "temporary unknown" {
					t.Errorf("%s: %q", verb, got)
				}
			}
			if got := is(verbs["GET"](t.Context(), c)); got != "temporary" {
				t.Errorf("GET: %q", got)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	body := `{"message":"The given data was invalid.","errors":{"label":["The label has already been taken."],"username":"Unknown."}}`
	_, err := scripted(canned(422, body, nil)).CreateSSHCredential(t.Context(), 3, SSHCredentialCreateOpts{})
	want := "runcloud: POST /servers/3/ssh/credentials: 422: The given data was invalid.; " +
		"label: The label has already been taken.; username: Unknown."
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
}

func TestUnauthorizedNamesBothCauses(t *testing.T) {
	t.Parallel()
	err := scripted(canned(401, `{"message":"Unauthenticated."}`, nil)).Ping(t.Context())
	for _, want := range []string{"token", "allow-list", "Unauthenticated."} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}
