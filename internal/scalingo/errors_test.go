package scalingo

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// How each answer is sorted, by its status alone, and what is told of it.
func TestAnswersAreSorted(t *testing.T) {
	type test struct {
		status int
		body   string
		kinds  string
		text   string
	}
	bubble(t, map[string]test{
		"400":                {400, `{"error":"no such form","code":"x"}`, "invalid", "400: no such form"},
		"402":                {402, `{"error":"pay first","url":"https://pay"}`, "forbidden", "402: pay first"},
		"403":                {403, `{"error":"not yours","code":"x"}`, "forbidden", "403: not yours"},
		"404, a web page":    {404, "<!DOCTYPE html><h1>not here</h1>", "not found", "404: Not Found"},
		"404, JSON":          {404, `{"resource":"Key","error":"not found"}`, "not found", "404: not found"},
		"409":                {409, `{"error":"busy"}`, "invalid", "409: busy"},
		"422":                {422, `{"errors":{"name":["is odd"],"content":["is taken","is short"]}}`, "invalid", "422: Unprocessable Entity; content: is taken is short; name: is odd"},
		"422, one text":      {422, `{"errors":{"content":"is taken"}}`, "invalid", "422: Unprocessable Entity; content: is taken"},
		"422, another form":  {422, `{"errors":["is taken"]}`, "invalid", "422: Unprocessable Entity"},
		"422, mixed":         {422, `{"errors":{"a":[7,{"b":"c"},"d"]},"error":{"x":1}}`, "invalid", "422: Unprocessable Entity; a: d"},
		"429, text":          {429, "Retry later\n", "rate limited", "429: Too Many Requests"},
		"500":                {500, `{"error":"oops"}`, "unknown", "500: oops"},
		"502, a web page":    {502, "<html>bad gateway</html>", "unknown", "502: Bad Gateway"},
		"moved":              {302, "", "unknown", "302: Found"},
		"a web page":         {200, "<html>maintenance</html>", "unknown", "200: the answer is not JSON"},
		"half":               {201, `{"key":{"id":"` + uuid, "unknown", "201: the answer is not JSON"},
		"without a key":      {201, `{}`, "unknown", "200: the answer has no id"},
		"in another form":    {201, `{"key":[]}`, "unknown", "201: the answer has another form than documented"},
		"no answer":          {0, "", "unknown", "connection reset by peer"},
		"an address":         {403, `{"error":"taken by ada.l@mail.example.com, sorry"}`, "forbidden", "403: taken by ***, sorry"},
		"control characters": {403, `{"error":"no\u0000 \u001b[31m\u202e way"}`, "forbidden", "403: no [31m way"},
	}, func(t *testing.T, tt test) {
		p := always(tt.status, tt.body)
		_, err := p.client().AddKey(t.Context(), "laptop", line)
		if got := kinds(err); got != tt.kinds || err.Error() != "scalingo: add key: "+tt.text {
			t.Errorf("it is %q, want %q: %v", got, tt.kinds, err)
		}
		p.expect(t, "exchange", "POST /v1/keys 1")
	})
}

func kinds(err error) string {
	var all []string
	for _, k := range []struct {
		name string
		is   func(error) bool
	}{
		{"unauthorized", IsUnauthorized},
		{"forbidden", IsForbidden},
		{"rate limited", IsRateLimited},
		{"not found", IsNotFound},
		{"invalid", IsInvalid},
		{"unknown", IsOutcomeUnknown},
	} {
		if k.is(err) {
			all = append(all, k.name)
		}
	}
	return strings.Join(all, ", ")
}

func TestOtherErrorsAreNone(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errCut} {
		if kinds(err) != "" || RetryAfter(err) != 0 {
			t.Errorf("%v is %q", err, kinds(err))
		}
	}
}

// What is documented of pauses, and what is assumed.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]time.Duration{
		"": time.Minute, "7": 7 * time.Second, "0": time.Minute, "soon": time.Minute, "2000000000": 24 * time.Hour,
	} {
		h := http.Header{}
		h.Set("Retry-After", said)
		if got := pause(&reply{status: 429, header: h}); got != want {
			t.Errorf("%q: %v", said, got)
		}
	}
	_, err := always(429, "Retry later").client().Keys(t.Context())
	if RetryAfter(err) != time.Minute {
		t.Errorf("%v after %v", RetryAfter(err), err)
	}
}

// A read is made three times at most, and so is a deletion, which finds nothing when its answer was lost.
func TestRetries(t *testing.T) {
	type test struct {
		statuses []int
		body     string
		calls    int
		kinds    string // of the deletion
	}
	bubble(t, map[string]test{
		"passes":            {[]int{0, 502, 204}, "", 3, ""},
		"stays":             {[]int{500}, "", 3, "unknown"},
		"lost, then gone":   {[]int{0, 404}, "", 2, "not found"},
		"lost, then no":     {[]int{0, 403}, "", 2, "forbidden, unknown"},
		"no":                {[]int{403}, "", 1, "forbidden"},
		"too many":          {[]int{429}, "", 1, "rate limited"},
		"nothing confirmed": {[]int{200, 202, 204}, "{}", 3, ""},
		"a web page":        {[]int{200}, "<html>", 3, "unknown"},
	}, func(t *testing.T, tt test) {
		p := inTurn(tt.body, tt.statuses...)
		err := p.client().DeleteKey(t.Context(), uuid)
		if calls := len(p.seen()) - 1; kinds(err) != tt.kinds || calls != tt.calls {
			t.Errorf("%d calls, %q: %v", calls, kinds(err), err)
		}
	})
}

// A caller that gives up is not kept by a pause before a retry.
func TestRetryEndsWithItsCaller(t *testing.T) {
	bubble(t, map[string]time.Duration{"at once": 0, "in the pause": 100 * time.Millisecond}, func(t *testing.T, after time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		defer cancel()
		began := time.Now()
		_, err := always(500, "").client().Keys(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != after {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// Where nobody listens, nothing was applied.
func TestUnsent(t *testing.T) {
	t.Parallel()
	p := always(0, "")
	c := New(testToken, WithHTTPClient(&http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/v1/keys" {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return p.RoundTrip(r)
	})}))
	if _, err := c.AddKey(t.Context(), "laptop", line); err == nil || kinds(err) != "" {
		t.Errorf("%q: %v", kinds(err), err)
	}
}

// An unusable address is an error of every call.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "auth.scalingo.com", "ftp://auth.scalingo.com", "https://", "http://[::1"} {
		c := New(testToken, WithBaseURL(base))
		_, err := c.Keys(t.Context())
		_, own := c.OwnToken(t.Context())
		if err == nil || own == nil || c.DeleteKey(t.Context(), "a") == nil {
			t.Errorf("%q is taken", base)
		}
	}
}

// Nothing of what is secret shows in errors and logs, whatever the service repeats.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	var header string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		if r.URL.Path == "/v1/tokens/exchange" {
			_, _ = w.Write([]byte(`{"token":"` + jwt(1) + `"}`))
			return
		}
		bearer := strings.TrimPrefix(header, "Bearer ")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":"` + bearer + ` and ` + strings.Split(bearer, ".")[2] + ` of ` + testToken + ` and a@b.example",
			"errors":{"` + testToken + `":["` + line + `"]},"secret":"a whole body"}`))
	}))
	defer srv.Close()
	c := New(testToken, WithBaseURL(srv.URL), WithLogger(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	defer c.CloseIdleConnections()
	_, err := c.Keys(t.Context())
	if diff := cmp.Diff(`scalingo: list keys: 403: *** and *** of *** and ***; ***: ssh-ed25519 *** laptop`, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, part := range append(strings.Split(header, ".")[1:], testToken, "@", "AAAA", "whole body") {
		if strings.Contains(logged.String(), part) {
			t.Errorf("the log has %q:\n%s", part, logged.String())
		}
	}
	if lines := strings.Count(logged.String(), "scalingo call"); lines != 2 || !strings.Contains(logged.String(), "path=/v1/keys") {
		t.Errorf("the log is\n%s", logged.String())
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{`{"error":"a"}`, `{"errors":{"a":["b"]}}`, `{"error":{"a":1},"errors":[[{}]]}`, "Retry later", "<html>", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		message, fields := errorBody(body, newCleaner(testToken, jwt(1)))
		e := &Error{Op: "add key", Status: 422, Message: message, Fields: fields}
		if text := e.Error(); len([]rune(text)) > 20_000 || strings.ContainsAny(text, "\x00\n\x1b") || strings.Contains(text, testToken) {
			t.Errorf("%q", text)
		}
	})
}
