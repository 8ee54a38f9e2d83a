package octopussim

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// publicKey returns the public half of the private key of an account, as «TYPE BASE64», and "" for one that the server
// cannot use: what is not the base64 of a key file, what has a passphrase, PKCS #8, and an Ed25519 key on a server
// that is too old for it (Octopus's page on SSH key pairs; its SSH library).
func (s *Server) publicKey(a *account) string {
	file, err := base64.StdEncoding.DecodeString(a.secrets[keyField])
	if err != nil || a.secrets[passphraseField] != "" {
		return ""
	}
	block, _ := pem.Decode(file)
	signer, err := ssh.ParsePrivateKey(file) // an error for one with a passphrase
	if block == nil || err != nil || !s.takes(block.Type, signer.PublicKey().Type()) {
		return ""
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

// takes reports whether the server reads a type of key in a form of file.
func (s *Server) takes(form, keyType string) bool {
	switch form {
	case "OPENSSH PRIVATE KEY":
		return keyType == ssh.KeyAlgoED25519 && s.takesEd25519()
	case "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return true
	}
	return false
}

func (s *Server) takesEd25519() bool {
	var year, minor, patch int
	_, _ = fmt.Sscanf(s.version, "%d.%d.%d", &year, &minor, &patch) // what is missing is 0
	switch {
	case year != 2021:
		return year > 2021
	case minor != 1:
		return minor > 1
	}
	return patch >= 7466
}
