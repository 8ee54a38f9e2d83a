package sshkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func encodePEM(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// privateKeys returns fresh private keys in every format people have on their disks.
func privateKeys(t testing.TB) map[string]string {
	t.Helper()
	_, edward, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	number, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(edward, "me", []byte("pass"))
	if err != nil {
		t.Fatal(err)
	}
	_, open, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err8 := x509.MarshalPKCS8PrivateKey(edward)
	sec1, err1 := x509.MarshalECPrivateKey(curve)
	return map[string]string{
		"OpenSSH":           string(open),
		"OpenSSH encrypted": string(pem.EncodeToMemory(locked)),
		"PKCS1":             encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(number), nil),
		"PKCS8":             encodePEM("PRIVATE KEY", pkcs8, err8),
		"SEC1":              encodePEM("EC PRIVATE KEY", sec1, err1),
		"PEM encrypted": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" +
			base64.StdEncoding.EncodeToString(number.D.Bytes()) + "\n-----END RSA PRIVATE KEY-----\n",
		"SSH2": "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAi4AAAA3\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n",
	}
}

func putty(t testing.TB) string {
	t.Helper()
	return "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 1\n" +
		strings.Fields(ed25519Line(ed25519Point(t)))[1] + "\nPrivate-Lines: 1\n" +
		base64.StdEncoding.EncodeToString(ed25519Point(t)) + "\nPrivate-MAC: " + strings.Repeat("0a", 32) + "\n"
}

func TestParseRefusesPrivateKeys(t *testing.T) {
	t.Parallel()
	all := privateKeys(t)
	all["PuTTY"] = putty(t)
	good := ed25519Line(ed25519Point(t))
	for name, text := range all {
		_, withoutHead, _ := strings.Cut(text, "\n")
		for how, mangled := range map[string]string{
			"whole":          text,
			"on one line":    strings.ReplaceAll(text, "\n", " "),
			"without blanks": strings.Join(strings.Fields(text), ""),
			"code fence":     "```" + text + "```",
			"Slack dashes":   strings.ReplaceAll(text, "--", "—"),
			"no dashes":      strings.ReplaceAll(text, "-", ""),
			"lower case":     strings.ToLower(text),
			"first half":     text[:len(text)/2],
			"first 50":       text[:50],
			"quoted":         "> " + strings.ReplaceAll(text, "\n", "\n> "),
			"second half":    text[len(text)/2:],
			"letters alone":  keepOnly(text, "+/="),
			"escaped":        strings.ReplaceAll(strings.ReplaceAll("> "+text, ">", "&gt;"), "&", "&amp;"),
			"in a sentence":  "please use " + strings.ReplaceAll(text, "\n", " ") + " for web-1",
			"wrapped":        wrap(text, 11),
			"in a link":      "<http://" + text[:50] + "|" + text + ">",
			"zero width":     strings.ReplaceAll(text, "KEY", "K\u200bEY"),
			"no first line":  withoutHead,
			"after a public": good + "\n" + text,
			"as a comment":   good + " " + strings.ReplaceAll(text, "\n", " "),
			"very long":      text + strings.Repeat("A", 2*maxLine),
		} {
			if _, err := Parse(mangled); reasonOf(err) != PrivateKey {
				t.Errorf("%s, %s: reason %q", name, how, reasonOf(err))
			}
			if err := CheckNoPrivate("for the disk " + mangled); reasonOf(err) != PrivateKey {
				t.Errorf("%s, %s, in a reason: %v", name, how, err)
			}
		}
	}
}

func wrap(text string, width int) string {
	var out strings.Builder
	for i, r := range text {
		if i > 0 && i%width == 0 {
			out.WriteByte('\n')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// To write of private keys is not to send one.
func TestProseIsNoPrivateKey(t *testing.T) {
	t.Parallel()
	key := ed25519Line(ed25519Point(t))
	for _, text := range []string{
		"for the vendor private key rollover", "frontend private key", "the backend's RSA private key", "back-end private key", "end private key support",
		"we begin the private key rotation, and end the old private key", "send private key by mail? never!", "weekend OpenSSH private key training",
		"convert the PuTTY user key file", "the new ssh private key file format", "private lines 3 and 4 of the exchange", "my-frontend-private-key",
		"append private key; extend private key", "legend – private key – trend", "Vendor Private Key", "not my private key",
	} {
		if err := CheckNoPrivate(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got, err := Parse(key + " " + text); err != nil {
			t.Errorf("%q as a comment: %q, %v", text, got.Comment, err)
		}
		if _, err := Parse(text); reasonOf(err) == PrivateKey {
			t.Errorf("%q without a key is called private", text)
		}
	}
}

func TestParseRefusesBodiesOfPrivateKeys(t *testing.T) {
	t.Parallel()
	for name, text := range privateKeys(t) {
		block, _ := pem.Decode([]byte(text))
		if block == nil || len(block.Headers) > 0 {
			continue // an encrypted body looks like nothing
		}
		body := base64.StdEncoding.EncodeToString(block.Bytes)
		for _, part := range []string{body, body[:60], "KEY-----\n" + body} {
			if _, err := Parse(part); reasonOf(err) != PrivateKey {
				t.Errorf("%s: reason %q for its body", name, reasonOf(err))
			}
		}
	}
}

func TestPublicKeysAreNotCalledPrivate(t *testing.T) {
	t.Parallel()
	for keyType, text := range everyType(t) {
		if looksPrivate(text) {
			t.Errorf("%s is called private", keyType)
		}
		if _, err := Parse(strings.Fields(text)[1]); reasonOf(err) != UnknownType {
			t.Errorf("%s without its type: reason %q", keyType, reasonOf(err))
		}
	}
	number, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&number.PublicKey)
	for _, text := range []string{encodePEM("PUBLIC KEY", der, err), encodePEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&number.PublicKey), nil)} {
		if _, err := Parse(text); reasonOf(err) != UnknownType {
			t.Errorf("public PEM: reason %q", reasonOf(err))
		}
	}
}
