package sshkey

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"math/big"
	"strings"

	"filippo.io/edwards25519"
	"golang.org/x/crypto/ssh"
)

const (
	minRSABits = 3072
	maxRSABits = 16384 // the longest that ssh-keygen makes
)

// checkNumbers returns an *Error unless the numbers of a key are safe, rest being what follows the type in its wire form (RFC 4253
// section 6.6, RFC 5656 section 3.1, RFC 8709 section 4, OpenSSH's PROTOCOL.u2f).
func checkNumbers(word string, rest []byte) error {
	switch word {
	case ssh.KeyAlgoRSA:
		return checkRSA(rest)
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519:
		return checkEd25519(rest)
	}
	return checkECDSA(word, rest)
}

func checkRSA(rest []byte) error {
	var key struct {
		E, N *big.Int
		Rest []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(rest, &key) != nil || len(key.Rest) > 0 {
		return refuse(Damaged)
	}
	bits := key.N.BitLen()
	switch {
	case key.N.Sign() <= 0, bits > maxRSABits, key.N.Bit(0) == 0:
		return refuse(WeakRSA)
	case key.E.Sign() <= 0, key.E.BitLen() > 24, key.E.Bit(0) == 0, key.E.IsInt64() && key.E.Int64() == 1:
		return refuse(WeakRSA)
	case bits < minRSABits:
		return refuseShortRSA(bits)
	}
	return nil
}

func checkECDSA(word string, rest []byte) error {
	var key struct {
		Curve string
		Point []byte
		Rest  []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(rest, &key) != nil {
		return refuse(Damaged)
	}
	if plain, _, _ := strings.Cut(strings.TrimPrefix(word, "sk-"), "@"); plain != "ecdsa-sha2-"+key.Curve {
		return refuse(TypeMismatch)
	}
	curve := map[string]ecdh.Curve{"nistp256": ecdh.P256(), "nistp384": ecdh.P384(), "nistp521": ecdh.P521()}[key.Curve]
	if _, err := curve.NewPublicKey(key.Point); err != nil {
		return refuse(BadPoint)
	}
	return nil
}

func checkEd25519(rest []byte) error {
	var key struct {
		Point []byte
		Rest  []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(rest, &key) != nil {
		return refuse(Damaged)
	}
	if len(key.Point) != ed25519.PublicKeySize || !isEd25519Point(key.Point) {
		return refuse(BadPoint)
	}
	return nil
}

// isEd25519Point reports whether encoded is a point of the curve (RFC 8032 section 5.1)
// in its one true encoding, and not one of the few of small order, for which anybody
// can make signatures. The standard library checks the first only when it verifies
// one, and the last never.
func isEd25519Point(encoded []byte) bool {
	point, err := new(edwards25519.Point).SetBytes(encoded)
	if err != nil || !bytes.Equal(point.Bytes(), encoded) {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 0
}
