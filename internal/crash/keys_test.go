package crash

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/sshkey"
)

func ed25519Key(t *testing.T) sshkey.Key {
	t.Helper()
	key, _, err := sshkey.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ecdsaKey returns a key whose visible part in RunCloud is the same for all keys of its type.
func ecdsaKey(t *testing.T) sshkey.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, err := sshkey.Parse(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
