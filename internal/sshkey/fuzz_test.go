package sshkey

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

var oneLine = regexp.MustCompile(`^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [A-Za-z0-9._@-]+)*$`)

// Parse never panics; what it accepts is the same key for OpenSSH's reader and for itself, on one line of
// ASCII; what it says about the rest is one of its own sentences, so it repeats nothing of the text.
func FuzzParse(f *testing.F) {
	for _, text := range everyType(f) {
		f.Add(text + " alice@laptop")
		f.Add("`" + text + " <mailto:a@b.example|a@b.example>`")
		f.Add("no-pty " + text)
		f.Add(text[:50] + "...")
	}
	for _, text := range privateKeys(f) {
		f.Add(text)
		f.Add(strings.ReplaceAll(text, "\n", " "))
	}
	f.Add(putty(f))
	f.Add("~/.ssh/id_ed25519.pub")
	f.Add(rsaLine(3, oddNumber(f, 2048)))
	f.Fuzz(func(t *testing.T, text string) {
		key, err := Parse(text)
		CouldBe(text, key)
		Proves(text, key)
		if err != nil {
			checkSentence(t, err)
			return
		}
		checkKey(t, key)
	})
}

func checkSentence(t *testing.T, err error) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("not an *Error: %T", err)
	}
	want, bits := sentences[refused.Reason], 0
	if refused.Reason == ShortRSA {
		if _, err := fmt.Sscanf(refused.Message, "This RSA key has %d bits;", &bits); err != nil {
			t.Fatal(err)
		}
		want = refuseShortRSA(bits).Message
	}
	if want == "" || refused.Message != want {
		t.Fatalf("a sentence of its own: %q", refused.Message)
	}
}

func checkKey(t *testing.T, key Key) {
	t.Helper()
	whole := key.Line(key.Comment)
	if !oneLine.MatchString(whole) {
		t.Fatalf("not one line of ASCII: %q", whole)
	}
	again, err := Parse(whole)
	if err != nil || again != key {
		t.Fatalf("%q read again: %v, %v", whole, again, err)
	}
	public, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(whole))
	if err != nil || len(options)+len(rest) > 0 || ssh.FingerprintSHA256(public) != key.Fingerprint() {
		t.Fatalf("another key for OpenSSH's reader: %q, %v", whole, err)
	}
	if !Proves(whole, key) || !CouldBe(whole[:50]+"...", key) {
		t.Fatalf("does not recognise itself: %q", whole)
	}
}
