package runcloudsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func (b *bench) post(server int64, f form) reply {
	b.t.Helper()
	return b.call("POST", fmt.Sprintf("/servers/%d/ssh/credentials", server), f)
}

func TestRefusedForms(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{Users: []string{"shop"}})
	b.AddKey(id, Credential{Label: "taken", User: "root", PublicKey: publicKey(t, 9)})
	good := publicKey(t, 1)
	for name, c := range map[string]struct {
		change form
		field  string
		text   string
	}{
		"no label":      {form{"label": nil}, "label", "The label field is required."},
		"blank label":   {form{"label": " "}, "label", "The label field is required."},
		"odd label":     {form{"label": 7}, "label", "The label must be a string."},
		"long label":    {form{"label": strings.Repeat("é", 101)}, "label", "The label is too long."},
		"taken label":   {form{"label": "TAKEN"}, "label", "The label has already been taken."},
		"no user":       {form{"username": ""}, "username", "The username field is required."},
		"unknown user":  {form{"username": "blog"}, "username", "The selected username is invalid."},
		"no key":        {form{"publicKey": nil}, "publicKey", "The public key field is required."},
		"no such key":   {form{"publicKey": "ssh-ed25519 AAAA"}, "publicKey", "The public key format is invalid."},
		"two lines":     {form{"publicKey": good + "\n" + good}, "publicKey", "The public key format is invalid."},
		"options":       {form{"publicKey": `command="id" ` + good}, "publicKey", "The public key format is invalid."},
		"private key":   {form{"publicKey": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "publicKey", "The public key format is invalid."},
		"odd temporary": {form{"temporary": "yes"}, "temporary", "The temporary field must be true or false."},
	} {
		f := keyForm(t, 1, "new")
		maps.Copy(f, c.change)
		r := b.post(id, f)
		want := `{"message":"The given data was invalid.","errors":{"` + c.field + `":["` + c.text + `"]}}`
		if r.status != 422 || r.body != want {
			t.Errorf("%s: got %d %s, want %s", name, r.status, r.body, want)
		}
	}
	if n := len(b.Keys(id)); n != 1 {
		t.Errorf("%d keys", n)
	}
	if r := b.post(id, form{}); strings.Count(r.body, "is required") != 3 {
		t.Errorf("empty form: %s", r.body)
	}
	f := keyForm(t, 1, strings.Repeat("é", 100))
	f["username"] = "shop"
	if r := b.post(id, f); r.status != 200 {
		t.Errorf("longest label: %d %s", r.status, r.body)
	}
}

func TestHeadersThatLaravelNeeds(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	path := fmt.Sprintf("/servers/%d/ssh/credentials", b.AddServer(Server{}))
	bad := b.request(t.Context(), "POST", path, form{})
	bad.Header.Del("Accept")
	got := b.send(bad)
	if got.status != 302 || !strings.Contains(got.header.Get("Content-Type"), "html") || got.header.Get("Location") == "" {
		t.Errorf("failing form without Accept: %d %v", got.status, got.header)
	}
	follow := *b.client
	follow.CheckRedirect = nil
	bad = b.request(t.Context(), "POST", path, form{})
	bad.Header.Del("Accept")
	resp, err := follow.Do(bad)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Content-Type"), "html") {
		t.Errorf("who follows finds %d %v", resp.StatusCode, resp.Header)
	}
	good := b.request(t.Context(), "POST", path, keyForm(t, 1, "a"))
	good.Header.Del("Accept")
	if got := b.send(good); got.status != 200 {
		t.Errorf("good form without Accept: %d %s", got.status, got.body)
	}
	plain := b.request(t.Context(), "POST", path, keyForm(t, 2, "b"))
	plain.Header.Set("Content-Type", "text/plain")
	if got := b.send(plain); got.status != 422 {
		t.Errorf("form of another type: %d %s", got.status, got.body)
	}
}

func TestSameKeyAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules  Rules
		user   string
		status int
	}{
		"same key":                      {Rules{}, "runcloud", 200},
		"same key, refused":             {Rules{RefuseDuplicateKey: true}, "runcloud", 422},
		"same key, refused, other user": {Rules{RefuseDuplicateKey: true}, "root", 200},
	} {
		b := newBench(t, c.rules)
		id, elsewhere := b.AddServer(Server{}), b.AddServer(Server{})
		for _, server := range []int64{id, elsewhere} {
			if r := b.post(server, keyForm(t, 1, "first")); r.status != 200 {
				t.Fatalf("%s: first: %d %s", name, r.status, r.body)
			}
		}
		second := keyForm(t, 1, "second")
		second["username"] = c.user
		if r := b.post(id, second); r.status != c.status {
			t.Errorf("%s: second: %d %s", name, r.status, r.body)
		}
	}
}

// skKey returns a key of a security key type, put together from its wire form (OpenSSH PROTOCOL.u2f).
func skKey(t *testing.T, n byte) string {
	t.Helper()
	const name = "sk-ssh-ed25519@openssh.com"
	raw := ssh.Marshal(struct{ Name, Key, App string }{name, strings.Repeat(string(rune(n)), 32), "ssh:"})
	return name + " " + base64.StdEncoding.EncodeToString(raw)
}

func ecdsaKey(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
}

func TestCutKeysOfOneTypeLookAlike(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	for name, pair := range map[string][2]string{
		"sk":   {skKey(t, 1), skKey(t, 2)},
		"p256": {ecdsaKey(t, elliptic.P256()), ecdsaKey(t, elliptic.P256())},
		"p384": {ecdsaKey(t, elliptic.P384()), ecdsaKey(t, elliptic.P384())},
		"p521": {ecdsaKey(t, elliptic.P521()), ecdsaKey(t, elliptic.P521())},
	} {
		id := b.AddServer(Server{})
		var shown [2]string
		for i, k := range pair {
			f := keyForm(t, 1, fmt.Sprint(i))
			f["publicKey"] = k
			r := b.post(id, f)
			if r.status != 200 {
				t.Fatalf("%s: %d %s", name, r.status, r.body)
			}
			shown[i] = decode[credentialJSON](t, r).PublicKey
		}
		if shown[0] != shown[1] || len(shown[0]) != 53 {
			t.Errorf("%s: %q and %q", name, shown[0], shown[1])
		}
		if keys := b.Keys(id); keys[0].PublicKey != pair[0] || keys[1].PublicKey != pair[1] {
			t.Errorf("%s: the truth is cut too", name)
		}
	}
}
