package sshkey

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

const challenge = "I prove that I hold a key.\nKey: SHA256:abc\nNonce: 123\n"

// signer returns a new Ed25519 pair.
func signer(t *testing.T) (Key, ssh.Signer) {
	t.Helper()
	key, private, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key, s
}

func sign(t *testing.T, s ssh.Signer, text string, h sshsig.HashAlgorithm, namespace string) string {
	t.Helper()
	signature, err := sshsig.Sign(strings.NewReader(text), s, h, namespace)
	if err != nil {
		t.Fatal(err)
	}
	return string(sshsig.Armor(signature))
}

func reason(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	if err != nil {
		return "another error"
	}
	return ""
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, own := signer(t)
	_, other := signer(t)
	good := sign(t, own, challenge, sshsig.HashSHA512, Namespace)
	for name, tc := range map[string]struct {
		signature string
		want      Reason
	}{
		"SHA-512":                  {good, ""},
		"SHA-256":                  {sign(t, own, challenge, sshsig.HashSHA256, Namespace), ""},
		"without last newline":     {sign(t, own, strings.TrimSpace(challenge), sshsig.HashSHA512, Namespace), ""},
		"with line ends of CR LF":  {sign(t, own, strings.ReplaceAll(challenge, "\n", "\r\n"), sshsig.HashSHA512, Namespace), ""},
		"CR LF after the last one": {sign(t, own, strings.TrimSpace(challenge)+"\r\n", sshsig.HashSHA512, Namespace), ""},
		"armor with CR LF":         {strings.ReplaceAll(good, "\n", "\r\n"), ""},
		"armor on one line":        {strings.ReplaceAll(good, "\n", " "), ""},
		"armor in a code block":    {"```\n" + good + "```", ""},
		"armor with long dashes":   {strings.ReplaceAll(good, "-----", "—–-"), ""},
		"text around it":           {"Signing data on standard input\n" + good + "done", ""},
		"another key":              {sign(t, other, challenge, sshsig.HashSHA512, Namespace), OtherKey},
		"another namespace":        {sign(t, own, challenge, sshsig.HashSHA512, "git"), OtherNamespace},
		"namespace that begins so": {sign(t, own, challenge, sshsig.HashSHA512, Namespace+"2"), OtherNamespace},
		"another text":             {sign(t, own, strings.Replace(challenge, "123", "124", 1), sshsig.HashSHA512, Namespace), OtherText},
		"a line more":              {sign(t, own, challenge+"\n", sshsig.HashSHA512, Namespace), OtherText},
		"nothing":                  {"", NoSignature},
		"words":                    {"here you are", NoSignature},
		"cut off":                  {good[:len(good)/2], NoSignature},
		"damaged":                  {strings.Replace(good, "U1NIU0lH", "U1NIU0lI", 1), NoSignature},
		"far too long":             {strings.Repeat(good, 100), NoSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := key.Verify(challenge, tc.signature); reason(err) != tc.want {
				t.Errorf("%v, want the reason %q", err, tc.want)
			}
		})
	}
}

func TestVerifyRefusesThePrivateKey(t *testing.T) {
	t.Parallel()
	key, private, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(challenge, string(private)); reason(err) != PrivateKey {
		t.Errorf("%v, want it taken for the private key that it is", err)
	}
}

// A signature of a key with the same beginning is of another key.
func TestVerifyComparesTheWholeKey(t *testing.T) {
	t.Parallel()
	key, own := signer(t)
	signature := sign(t, own, challenge, sshsig.HashSHA512, Namespace)
	key.Blob = key.Blob[:len(key.Blob)-4] + "AAAA"
	if err := key.Verify(challenge, signature); reason(err) != OtherKey {
		t.Errorf("%v, want another key", err)
	}
}

// OpenSSH itself signs, in the way that people are told to.
func TestVerifyWhatOpenSSHSigns(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is not installed: only signatures made by the library are tested")
	}
	for name, args := range map[string][]string{
		"ed25519": {"-t", "ed25519"}, "ecdsa 256": {"-t", "ecdsa", "-b", "256"}, "ecdsa 521": {"-t", "ecdsa", "-b", "521"},
		"rsa 3072": {"-t", "rsa", "-b", "3072"}, "rsa 4096": {"-t", "rsa", "-b", "4096"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "id")
			keygen(t, "", append(args, "-q", "-N", "", "-f", file)...)
			line, err := os.ReadFile(file + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			key, err := Parse(string(line))
			if err != nil {
				t.Fatal(err)
			}
			for _, hash := range []string{"sha256", "sha512"} {
				signature := keygen(t, challenge, "-Y", "sign", "-n", Namespace, "-O", "hashalg="+hash, "-f", file)
				if err := key.Verify(challenge, signature); err != nil {
					t.Errorf("%s: %v", hash, err)
				}
				if len(signature) > 3000 {
					t.Errorf("%d characters do not fit into a field of Slack", len(signature))
				}
			}
			if err := key.Verify(challenge, keygen(t, challenge, "-Y", "sign", "-n", "file", "-f", file)); reason(err) != OtherNamespace {
				t.Errorf("for another namespace: %v", err)
			}
		})
	}
}

func keygen(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh-keygen %v: %v", args, err)
	}
	return string(out)
}
