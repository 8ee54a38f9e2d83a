package scalingo

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	uuid        = "6f1d2c80-3b5e-4a77-9d10-0c2f8e5b7a41"
	mongo       = "5343eccd646173000a140000"
	line        = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB laptop"
	fingerprint = "2a:7f:00:c4:5b:91:de:03:66:18:af:72:e9:4c:8d:b0"
	owner       = `"owner":{"id":"us-1","email":"ada@example.com","username":"ada","fullname":"Ada L","flags":{"x":true},"location":""}`
)

func keyRow(id string) string {
	return `{"id":"` + id + `","name":"laptop","content":"` + line + `","fingerprint":"` + fingerprint + `","created_at":"2026-03-04T05:06:07.089Z",` + owner + `}`
}

func wantKey(id string) Key {
	return Key{ID: id, Name: "laptop", Content: line, Fingerprint: fingerprint, CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)}
}

// Each call is one of the manual's, and its answer is read as the manual and recorded answers have it.
func TestWire(t *testing.T) {
	type test struct {
		call   string
		body   any // that is sent
		status int
		answer string
		do     func(c *Client) (any, error)
		want   any
	}
	bubble(t, map[string]test{
		"list of keys": {"GET /v1/keys", nil, 200, `{"keys":[` + keyRow(uuid) + `,` + keyRow(mongo) + `]}`,
			func(c *Client) (any, error) { return c.Keys(context.Background()) }, []Key{wantKey(uuid), wantKey(mongo)}},
		"no keys": {"GET /v1/keys", nil, 200, `{"keys":[],"meta":{}}`,
			func(c *Client) (any, error) { return c.Keys(context.Background()) }, []Key{}},
		"keys with no pages": {"GET /v1/keys", nil, 200, `{"keys":[],"meta":{"pagination":null}}`,
			func(c *Client) (any, error) { return c.Keys(context.Background()) }, []Key{}},
		"one key, as the manual shows it": {"GET /v1/keys/" + mongo, nil, 200, `{"key":{"id":"` + mongo + `","name":"laptop","content":"` + line + `"}}`,
			func(c *Client) (any, error) { return c.Key(context.Background(), mongo) }, Key{ID: mongo, Name: "laptop", Content: line}},
		"one key": {"GET /v1/keys/" + uuid, nil, 200, `{"key":` + keyRow(uuid) + `}`,
			func(c *Client) (any, error) { return c.Key(context.Background(), uuid) }, wantKey(uuid)},
		"a new key": {"POST /v1/keys", map[string]any{"key": map[string]any{"name": "laptop", "content": line}}, 201, `{"key":` + keyRow(uuid) + `}`,
			func(c *Client) (any, error) { return c.AddKey(context.Background(), "laptop", line) }, wantKey(uuid)},
		"a key that goes": {"DELETE /v1/keys/" + uuid, nil, 204, ``,
			func(c *Client) (any, error) { return nil, c.DeleteKey(context.Background(), uuid) }, nil},
		"an odd id": {"DELETE /v1/keys/a%2F..%2Fb", nil, 204, ``,
			func(c *Client) (any, error) { return nil, c.DeleteKey(context.Background(), "a/../b") }, nil},
		"list of tokens": {"GET /v1/tokens", nil, 200,
			`{"tokens":[{"id":"` + uuid + `","name":"ci","created_at":"2026-01-02T03:04:05Z","last_used_at":null},{"id":"b","name":"bot","created_at":"2026-01-02T03:04:05.000Z","last_used_at":"2026-02-03T06:05:06.500+02:00"}]}`,
			func(c *Client) (any, error) { return c.APITokens(context.Background()) },
			[]APIToken{
				{ID: uuid, Name: "ci", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
				{ID: "b", Name: "bot", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), LastUsedAt: time.Date(2026, 2, 3, 4, 5, 6, 500_000_000, time.UTC)},
			}},
		"a token that goes": {"DELETE /v1/tokens/" + uuid, nil, 204, ``,
			func(c *Client) (any, error) { return nil, c.DeleteAPIToken(context.Background(), uuid) }, nil},
		"self": {"GET /v1/users/self", nil, 200, `{"user":{"id":"us-1","username":"deploy","email":"deploy@example.com"}}`,
			func(c *Client) (any, error) { return c.Self(context.Background()) }, Account{ID: "us-1", Username: "deploy"}},
	}, func(t *testing.T, tt test) {
		var sent any
		p := &played{answer: func(r *http.Request) (int, string) {
			raw, _ := io.ReadAll(r.Body)
			_ = json.Unmarshal(raw, &sent)
			return tt.status, tt.answer
		}}
		got, err := tt.do(p.client())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(tt.body, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"exchange", tt.call + " 1"}, p.seen()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// The headers of a call and of the exchange before it.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var got []http.Header
	p := always(200, `{"keys":[]}`)
	c := New(" "+testToken+"\n", WithUserAgent("me"), WithBaseURL("https://auth.test/below"), WithHTTPClient(&http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.Header)
		if r.URL.Host != "auth.test" || r.URL.Path[:7] != "/below/" {
			t.Errorf("called %s", r.URL)
		}
		r.URL.Path = r.URL.Path[6:]
		return p.RoundTrip(r)
	})}))
	if _, err := c.Keys(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, h := range got {
		if h.Get("User-Agent") != "me" || h.Get("Accept") != "application/json" || h.Get("Content-Type") != "" {
			t.Errorf("headers %v", h)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A list that may not be whole is an error.
func TestDoubtfulListsAreRefused(t *testing.T) {
	bubble(t, map[string]string{
		"pages":             `{"keys":[],"meta":{"pagination":{"current_page":1,"total_pages":1}}}`,
		"pages in odd form": `{"keys":[],"meta":{"pagination":7}}`,
		"odd meta":          `{"keys":[],"meta":[]}`,
		"no list":           `{}`,
		"null":              `{"keys":null}`,
		"another list":      `{"tokens":[]}`,
		"an object":         `{"keys":{"id":"a"}}`,
		"a bare list":       `[{"id":"a"}]`,
		"a row without id":  `{"keys":[{"name":"a"}]}`,
		"an id of dots":     `{"keys":[{"id":".."}]}`,
		"a number for id":   `{"keys":[{"id":7}]}`,
		"double ids":        `{"keys":[{"id":"a"},{"id":"b"},{"id":"a"}]}`,
		"a web page":        `<html>down</html>`,
		"half":              `{"keys":[{"id":"a"},{"i`,
		"nothing":           ``,
	}, func(t *testing.T, body string) {
		keys, err := always(200, body).client().Keys(t.Context())
		if e := asError(err); e == nil || e.Err == nil || keys != nil || IsOutcomeUnknown(err) {
			t.Errorf("%v, %v", keys, err)
		}
	})
}

// A list that is longer than what is read is an error.
func TestEndlessListIsRefused(t *testing.T) {
	t.Parallel()
	body := `{"keys":[` + keyRow("a") + `,{"name":"` + string(make([]byte, maxBody)) + `"}]}`
	if _, err := always(200, body).client().Keys(t.Context()); asError(err) == nil {
		t.Error(err)
	}
}

// What is no id would be another call.
func TestNoID(t *testing.T) {
	t.Parallel()
	p := always(204, "")
	for _, id := range []string{"", ".", ".."} {
		if err := p.client().DeleteKey(t.Context(), id); err == nil || IsNotFound(err) || IsOutcomeUnknown(err) {
			t.Error(err)
		}
		if _, err := p.client().Key(t.Context(), id); err == nil {
			t.Error("a key without id was read")
		}
	}
	if calls := p.seen(); len(calls) > 0 {
		t.Errorf("calls: %v", calls)
	}
}
