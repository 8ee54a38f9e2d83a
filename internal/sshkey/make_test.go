package sshkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"testing"

	"golang.org/x/crypto/ssh"
)

const securityKeyApplication = "ssh:"

// line returns the line of a .pub file for a wire form made by ssh.Marshal.
func line(keyType string, wire []byte) string {
	return keyType + " " + base64.StdEncoding.EncodeToString(wire)
}

func publicLine(t testing.TB, public any) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return line(key.Type(), key.Marshal())
}

func ed25519Point(t testing.TB) []byte {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func ecdsaPublic(t testing.TB, curve elliptic.Curve) *ecdsa.PublicKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &private.PublicKey
}

func ed25519Line(point []byte) string {
	return line(ssh.KeyAlgoED25519, ssh.Marshal(struct {
		Type  string
		Point []byte
	}{ssh.KeyAlgoED25519, point}))
}

func skEd25519Line(point []byte) string {
	return line(ssh.KeyAlgoSKED25519, ssh.Marshal(struct {
		Type        string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKED25519, point, securityKeyApplication}))
}

func ecdsaLine(keyType, curve string, point []byte) string {
	return line(keyType, ssh.Marshal(struct {
		Type, Curve string
		Point       []byte
	}{keyType, curve, point}))
}

func skECDSALine(t testing.TB) string {
	t.Helper()
	point, err := ecdsaPublic(t, elliptic.P256()).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return line(ssh.KeyAlgoSKECDSA256, ssh.Marshal(struct {
		Type, Curve string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKECDSA256, "nistp256", point, securityKeyApplication}))
}

// rsaLine needs no real primes: what is checked of a public key is the size and form of its numbers.
func rsaLine(exponent int64, modulus *big.Int) string {
	return line(ssh.KeyAlgoRSA, ssh.Marshal(struct {
		Type string
		E, N *big.Int
	}{ssh.KeyAlgoRSA, big.NewInt(exponent), modulus}))
}

func oddNumber(t testing.TB, bits int) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	if err != nil {
		t.Fatal(err)
	}
	return n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
}

// everyType returns one fresh line of each accepted type.
func everyType(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{
		ssh.KeyAlgoED25519:    publicLine(t, ed25519.PublicKey(ed25519Point(t))),
		ssh.KeyAlgoSKED25519:  skEd25519Line(ed25519Point(t)),
		ssh.KeyAlgoECDSA256:   publicLine(t, ecdsaPublic(t, elliptic.P256())),
		ssh.KeyAlgoECDSA384:   publicLine(t, ecdsaPublic(t, elliptic.P384())),
		ssh.KeyAlgoECDSA521:   publicLine(t, ecdsaPublic(t, elliptic.P521())),
		ssh.KeyAlgoSKECDSA256: skECDSALine(t),
		ssh.KeyAlgoRSA:        rsaLine(65537, oddNumber(t, 3072)),
	}
}
