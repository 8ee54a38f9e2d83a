package scalingosim

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The life of a key, in the forms that the manual and recorded answers show.
func TestKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	line := publicKey(t, "a") + " a comment"
	raw, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[1])
	hexes := strings.ReplaceAll(fmt.Sprintf("% x", md5.Sum(raw)), " ", ":")
	var made struct{ Key map[string]any }
	b.reads(b.add("laptop", line, 201), &made)
	want := map[string]any{
		"id": b.Keys()[0].ID, "name": "laptop", "content": line, "fingerprint": hexes, "created_at": "2026-07-23T03:04:20.123Z",
		"owner": map[string]any{
			"id": AccountID, "email": email, "username": Username, "fullname": fullName, "location": "", "flags": map[string]any{"advanced_metrics": true},
		},
	}
	if diff := cmp.Diff(want, made.Key); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var all struct{ Keys []map[string]any }
	b.reads(b.call("GET", "/v1/keys", ""), &all)
	var one struct{ Key map[string]any }
	b.reads(b.call("GET", "/v1/keys/"+b.Keys()[0].ID, ""), &one)
	if len(all.Keys) != 1 || !cmp.Equal(all.Keys[0], one.Key) || !cmp.Equal(one.Key, made.Key) {
		t.Errorf("listed %v, read %v", all, one)
	}
	for _, status := range []int{204, 404} {
		if r := b.call("DELETE", "/v1/keys/"+made.Key["id"].(string), ""); r.status != status {
			t.Errorf("%d %s, want %d", r.status, r.body, status)
		}
	}
	if r := b.call("GET", "/v1/keys", ""); r.body != `{"keys":[]}` {
		t.Error(r.body)
	}
}

// What is not there is a web page.
func TestUnknown(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	for _, call := range []string{
		"GET /v1/keys/x", "DELETE /v1/keys/x", "DELETE /v1/tokens/x", "GET /v1/apps", "GET /keys", "GET /v1/keys/", "DELETE /v1/keys", "PUT /v1/keys",
		"GET /v1/users/other", "POST /v1/tokens", "GET /v1/keys/a/b",
	} {
		method, path, _ := strings.Cut(call, " ")
		if r := b.call(method, path, ""); r.status != 404 || r.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %s", call, r.status, r.body)
		}
	}
}

// Ids look as in the manual or as recorded.
func TestIDs(t *testing.T) {
	t.Parallel()
	for mongo, length := range map[bool]int{false: 36, true: 24} {
		b := newBench(t, Rules{MongoIDs: mongo})
		b.add("a", publicKey(t, "a"), 201)
		b.add("a", publicKey(t, "b"), 201)
		keys := b.Keys()
		if len(keys) != 2 || len(keys[0].ID) != length || keys[0].ID == keys[1].ID {
			t.Errorf("%+v", keys)
		}
	}
}

// Only an API token, with an empty user, is exchanged; only what it is exchanged for authenticates.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	for name, change := range map[string]func(*http.Request){
		"nothing":        func(*http.Request) {},
		"a user":         func(r *http.Request) { r.SetBasicAuth("deploy", DefaultToken) },
		"another token":  func(r *http.Request) { r.SetBasicAuth("", "tk-us-other") },
		"no token":       func(r *http.Request) { r.SetBasicAuth("", "") },
		"bearer":         func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+DefaultToken) },
		"JSON web token": func(r *http.Request) { r.SetBasicAuth("", b.jwt) },
	} {
		if r := b.send("POST", "/v1/tokens/exchange", "", change); r.status != 401 || r.body != `{"error":"Invalid credentials"}` {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if r := b.send("GET", "/v1/keys", "", change); r.status != 401 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	var self struct{ User map[string]string }
	b.reads(b.call("GET", "/v1/users/self", ""), &self)
	if self.User["id"] != AccountID || self.User["username"] != Username {
		t.Errorf("it is %v", self)
	}
}

// A JSON web token ends by itself, or on order; the API token can be replaced.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	status := func() int { return b.call("GET", "/v1/keys", "").status }
	b.clock.add(time.Hour - time.Second)
	if got := status(); got != 200 {
		t.Errorf("within the hour: %d", got)
	}
	b.clock.add(2 * time.Second)
	if got := status(); got != 401 {
		t.Errorf("after the hour: %d", got)
	}
	b.jwt = b.exchange(DefaultToken)
	b.SetToken("another")
	if got := status(); got != 200 || b.exchange(DefaultToken) != "" {
		t.Errorf("after the token was replaced: %d", got)
	}
	b.ExpireJWTs()
	if got := status(); got != 401 {
		t.Errorf("after the end of all: %d", got)
	}
}

// The end stands in the JSON web token, unless that is opaque.
func TestJWT(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{JWTLifetime: time.Minute})
	parts := strings.Split(b.jwt, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if want := fmt.Sprintf(`"exp":%d`, b.clock.now().Add(time.Minute).Unix()); err != nil || len(parts) != 3 || !strings.Contains(string(claims), want) {
		t.Errorf("%s: %v", claims, err)
	}
	b.SetRules(Rules{OpaqueJWTs: true})
	if b.jwt = b.exchange(DefaultToken); strings.Contains(b.jwt, ".") || b.call("GET", "/v1/keys", "").status != 200 {
		t.Errorf("%s is not good", b.jwt)
	}
}

// Both forms of a new key are taken, and what is wrong with it stands under its field.
func TestNewKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{SmallestRSA: 2048})
	line := publicKey(t, "a")
	if r := b.call("POST", "/v1/keys", `{"name":"bare","content":"`+line+`"}`); r.status != 201 || b.Keys()[0].Name != "bare" {
		t.Errorf("bare: %d %s", r.status, r.body)
	}
	b.add("bare", publicKey(t, "same name"), 201)
	b.TakeElsewhere(publicKey(t, "b") + " of somebody else")
	for content, said := range map[string]string{
		"":                               "can't be blank",
		"ssh-rsa":                        "minimum is 10",
		"no key at all":                  "not an SSH public key",
		"---- BEGIN SSH2 PUBLIC KEY ---": "not an SSH public key",
		`no-pty ` + publicKey(t, "c"):    "not an SSH public key",
		publicKey(t, "c") + "\n" + line:  "not an SSH public key",
		line + " with another comment":   "already been taken",
		publicKey(t, "b"):                "already been taken",
		smallRSA:                         "too weak",
	} {
		if r := b.add("another", content, 422); !strings.Contains(r.body, `{"errors":{"content":[`) || !strings.Contains(r.body, said) {
			t.Errorf("%q: %s", content, r.body)
		}
	}
	if r := b.add(" ", publicKey(t, "d"), 422); !strings.Contains(r.body, `"name"`) {
		t.Error(r.body)
	}
	for _, body := range []string{"", "[]", "{", `"a"`} {
		if r := b.call("POST", "/v1/keys", body); r.status != 400 {
			t.Errorf("%q: %d %s", body, r.status, r.body)
		}
	}
	b.SetRules(Rules{TakenField: "fingerprint", TakenText: "exists"})
	if r := b.add("another", line, 422); r.body != `{"errors":{"fingerprint":["exists"]}}` {
		t.Error(r.body)
	}
	b.add("weak", smallRSA, 201)
	if keys := b.Keys(); len(keys) != 3 {
		t.Errorf("%+v", keys)
	}
}

// smallRSA is a key of 768 bits that nobody has the private half of.
var smallRSA = "ssh-rsa " + base64.StdEncoding.EncodeToString([]byte(
	"\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x03\x01\x00\x01\x00\x00\x00\x61\x00"+"\xc5"+strings.Repeat("\x5b", 95)))

// The comment of a key is kept, dropped or replaced.
func TestComment(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	for rule, comment := range map[Comment]string{CommentKept: "  two words", CommentDropped: "", CommentNamed: " laptop"} {
		b.SetRules(Rules{Comment: rule})
		line := publicKey(t, "key "+string(rune('a'+rule)))
		b.add("laptop", line+"  two words", 201)
		if keys := b.Keys(); keys[len(keys)-1].Content != line+comment {
			t.Errorf("stored %q", keys[len(keys)-1].Content)
		}
	}
}

// Whoever holds a key of the account makes tokens of it that outlive the key.
func TestTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	line := publicKey(t, "a")
	if _, ok := b.NewTokenByKey(line, "thief"); ok {
		t.Error("a key that is not there makes a token")
	}
	id := b.AddKeyByHand("lent", line)
	secret, ok := b.NewTokenByKey(line+" of mine", "thief")
	if !ok || !b.RemoveKeyByHand(id) || b.RemoveKeyByHand(id) {
		t.Fatal("no token was made, or the key is still there")
	}
	if _, ok := b.NewTokenByKey(line, "again"); ok {
		t.Error("a key that has gone makes a token")
	}
	var all struct {
		Tokens []struct {
			ID, Name   string
			LastUsedAt *string `json:"last_used_at"`
		}
	}
	b.reads(b.call("GET", "/v1/tokens", ""), &all)
	if len(all.Tokens) != 2 || all.Tokens[1].Name != "thief" || all.Tokens[1].LastUsedAt != nil || *all.Tokens[0].LastUsedAt != "2026-07-23T03:04:20.123Z" {
		t.Errorf("%+v", all)
	}
	if b.jwt = b.exchange(secret); b.call("DELETE", "/v1/tokens/"+b.Tokens()[0].ID, "").status != 204 {
		t.Error("the thief cannot delete our token")
	}
	if len(b.Tokens()) != 1 || b.exchange(DefaultToken) != "" || b.exchange(secret) == "" {
		t.Errorf("left: %+v", b.Tokens())
	}
}

// The last use of a token is recorded in milliseconds, in seconds or not at all.
func TestLastUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	start := b.clock.now().UTC()
	for rule, want := range map[LastUsed]time.Time{
		LastUsedMillis:  start.Truncate(time.Millisecond),
		LastUsedSeconds: start.Truncate(time.Second),
	} {
		b.SetRules(Rules{LastUsed: rule})
		b.exchange(DefaultToken)
		b.SetRules(Rules{LastUsed: LastUsedNever})
		b.clock.add(time.Minute)
		b.exchange(DefaultToken)
		b.clock.add(-time.Minute)
		if got := b.Tokens()[0].LastUsedAt; !got.Equal(want) {
			t.Errorf("used at %v, want %v", got, want)
		}
	}
}

// Sixty calls are taken in any minute, exchanges included; then there is one line of text.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		for range rateLimit {
			if a.limited() {
				t.Fatal("refused within the limit")
			}
			<-time.After(time.Second / 2)
		}
		if !a.limited() {
			t.Error("61 calls in a minute are taken")
		}
		<-time.After(30*time.Second + time.Millisecond)
		if a.limited() {
			t.Error("the first call counts for more than a minute")
		}
		a.SetRules(Rules{Unlimited: true})
		for range 2 * rateLimit {
			if a.limited() {
				t.Fatal("refused without a limit")
			}
		}
	})
	b := newBench(t, Rules{})
	var last reply
	for range rateLimit {
		last = b.call("GET", "/v1/keys", "")
	}
	if last.status != 429 || last.body != "Retry later\n" || last.header.Get("Retry-After") != "" || b.Count(OpAny) != rateLimit+1 {
		t.Errorf("%d %q %v", last.status, last.body, last.header)
	}
}

// A hook sees each call before and after it takes effect, and the token is as old as it is said to be.
func TestHook(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	var seen []string
	b.OnCall(func(c Call) {
		seen = append(seen, fmt.Sprint(c.Op, " ", c.Phase == After, " ", c.Applied, " ", len(b.Keys())))
	})
	b.add("laptop", publicKey(t, "a"), 201)
	b.OnCall(nil)
	b.call("GET", "/v1/keys", "")
	if want := []string{"add key false false 0", "add key true true 1"}; !cmp.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if got := New(Options{Made: made}).Tokens()[0].CreatedAt; !got.Equal(made) {
		t.Errorf("made %s", got)
	}
}
