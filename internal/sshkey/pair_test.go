package sshkey

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func newPair(t *testing.T) (Key, Private) {
	t.Helper()
	public, private, err := NewPair()
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func TestNewPair(t *testing.T) {
	t.Parallel()
	public, private := newPair(t)
	block, rest := pem.Decode(private.Bytes())
	if block == nil || block.Type != "OPENSSH PRIVATE KEY" || len(block.Headers) > 0 || len(rest) > 0 {
		t.Fatal("not one OpenSSH block")
	}
	raw, err := ssh.ParseRawPrivateKey(private.Bytes()) // refuses one with a passphrase
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := raw.(*ed25519.PrivateKey); !ok {
		t.Errorf("a %T", raw)
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))); got != public.Authorized() {
		t.Errorf("public half %s, want %s", public.Authorized(), got)
	}
	if parsed, err := Parse(public.Authorized()); err != nil || parsed != public {
		t.Errorf("Parse: %v, %v", parsed, err)
	}
	if other, _ := newPair(t); other == public {
		t.Error("two pairs are the same")
	}
}

func TestNewPairForOpenSSH(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	public, private := newPair(t)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, private.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), keygen, "-y", "-P", "", "-f", file).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != public.Authorized() {
		t.Errorf("ssh-keygen reads %q, %v", got, err)
	}
}

func TestPrivateNeverPrints(t *testing.T) {
	t.Parallel()
	_, private := newPair(t)
	type exported struct{ P Private }
	type hidden struct{ p Private }
	var shown strings.Builder
	for _, v := range []any{
		private, &private, exported{private}, &exported{private}, hidden{private}, &hidden{private},
		[]Private{private}, map[string]Private{"p": private}, fmt.Errorf("%v", private),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%T"} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
		if raw, err := json.Marshal(v); err == nil {
			shown.Write(raw)
		}
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("m", "v", v)
	}
	for _, form := range []string{"%s", "%x", "%X", "%d", "%o"} {
		piece := fmt.Sprintf(form, private.Bytes()[:20])
		if strings.Contains(shown.String(), strings.Trim(piece, "[]")) {
			t.Errorf("it shows as %s", form)
		}
	}
	if !strings.Contains(shown.String(), withheld) {
		t.Error("no placeholder")
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	_, private := newPair(t)
	file, other := private.Bytes(), private
	private.Wipe()
	if zeros := make([]byte, len(file)); len(file) == 0 || !bytes.Equal(file, zeros) || !bytes.Equal(other.Bytes(), zeros) {
		t.Error("something is left")
	}
	Private{}.Wipe()
	if (Private{}).Bytes() != nil {
		t.Error("the zero value holds something")
	}
}
