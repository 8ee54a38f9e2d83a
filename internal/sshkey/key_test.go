package sshkey

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func mustParse(t testing.TB, text string) Key {
	t.Helper()
	key, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	for keyType, text := range everyType(t) {
		public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		key := mustParse(t, text)
		if got, want := key.Fingerprint(), ssh.FingerprintSHA256(public); got != want {
			t.Errorf("%s: %s, want %s", keyType, got, want)
		}
	}
	if got := (Key{Blob: "%"}).Fingerprint(); got != "" {
		t.Errorf("a broken key has the fingerprint %q", got)
	}
}

func TestFingerprintAsSSHKeygenPrintsIt(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	for keyType, text := range everyType(t) {
		file := filepath.Join(t.TempDir(), "key.pub")
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), program, "-l", "-f", file).Output()
		if err != nil || !strings.Contains(string(out), " "+mustParse(t, text).Fingerprint()+" ") {
			t.Errorf("%s: ssh-keygen says %q, %v", keyType, out, err)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	key := Key{Type: "ssh-ed25519", Blob: "AAAA", Comment: "theirs"}
	for comment, want := range map[string]string{
		"":                          "ssh-ed25519 AAAA",
		"sshkeybot U1 g7":           "ssh-ed25519 AAAA sshkeybot U1 g7",
		"a\nssh-rsa BBBB":           "ssh-ed25519 AAAA a ssh-rsa BBBB",
		"<!channel> \u2028*b* \x00": "ssh-ed25519 AAAA channel b",
		strings.Repeat("x ", 50):    "ssh-ed25519 AAAA " + strings.Repeat("x ", 31) + "x",
	} {
		if got := key.Line(comment); got != want {
			t.Errorf("Line(%q) = %q, want %q", comment, got, want)
		}
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	key, private, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if got := fromWire(signer.PublicKey()); got != key || mustParse(t, key.Authorized()) != key {
		t.Errorf("the halves do not belong together: %v and %v", got, key)
	}
	if !strings.HasPrefix(string(private), "-----BEGIN OPENSSH PRIVATE KEY-----\n") {
		t.Error("the private key is not in OpenSSH's format")
	}
}
