package sshsim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Whatever a file holds, its lines are read one by one, a good line among them is read as it is, and each key that
// is read is the one that another reader of such lines finds.
func FuzzAuthorizedKeys(f *testing.F) {
	good, other := fixed(f, 1), fixed(f, 2)
	for _, text := range []string{
		"", "# a comment\n\n" + good + "\n" + other, good + "\r\n" + other + "\r\n", "\t " + good, good[:40], shortRSALine,
		`restrict,command="a \"b\" c",environment="A=b" ` + good, `from="!10.0.0.0/8,127.*,::1/128",no-pty	` + good,
		`expiry-time="20260723Z",permitopen="[::1]:22",permitlisten="*",tunnel="any" ` + good, `cert-authority,principals="a" ` + good,
		`command="open ` + good + "\n" + good, ",restrict,, " + good, `\" ` + good, "ssh-rsa " + good, "restrict\n" + good + "\x00\v\f",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		all := entries(file, time.UTC)
		for _, e := range all {
			e.admits(noon, loopback)
			checkEntry(t, e)
		}
		around := entries([]byte(good+"\n"+string(file)+"\n"+other), time.UTC)
		if len(around) != len(all)+2 || asLine(around[0]) != good || asLine(around[len(around)-1]) != other {
			t.Fatalf("%d lines alone, %d between two good ones", len(all), len(around))
		}
		n := 0
		for text := range strings.SplitSeq(string(file), "\n") {
			e, err := readLine(text, time.UTC)
			if err != nil {
				continue
			}
			if n == len(all) || asLine(e) != asLine(all[n]) {
				t.Fatalf("%q is read in another way in its file", text)
			}
			n++
			checkOtherReader(t, text, e)
		}
		if n != len(all) {
			t.Fatalf("%d lines, one by one %d", len(all), n)
		}
	})
}

func asLine(e entry) string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(e.key)), "\n") + " " + e.comment
}

// checkEntry checks that a key, written in the usual way, is read as the same.
func checkEntry(t *testing.T, e entry) {
	t.Helper()
	again, err := readLine(asLine(e), time.UTC)
	if err != nil && len(asLine(e)) <= maxLine {
		t.Fatalf("%q: %v", asLine(e), err)
	}
	if err == nil && (!bytes.Equal(again.key.Marshal(), e.key.Marshal()) || again.comment != e.comment) {
		t.Fatalf("%q is read as %q", asLine(e), asLine(again))
	}
}

// checkOtherReader checks that the library's reader finds the same key, where it does not differ from OpenSSH.
func checkOtherReader(t *testing.T, text string, e entry) {
	t.Helper()
	if strings.ContainsAny(text, "\x00\v\f") || strings.Contains(text, "rsa-sha2-") {
		return
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || !bytes.Equal(key.Marshal(), e.key.Marshal()) {
		t.Fatalf("%q: the library finds %v, %v", text, key, err)
	}
}
