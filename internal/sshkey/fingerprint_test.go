package sshkey

import (
	"strings"
	"testing"
)

func TestReadFingerprint(t *testing.T) {
	t.Parallel()
	key := mustParse(t, ed25519Line(ed25519Point(t)))
	want := key.Fingerprint()
	bare := strings.TrimPrefix(want, "SHA256:")
	for _, text := range []string{
		want, bare, want + "=", bare + "=", "sha256:" + bare, "Sha256:" + bare + "=", "`" + want + "`", "'" + want + "'", "“" + bare + "”", " " + want + "\u200b ",
		Unlist("256 " + want + " alice@laptop (ED25519)"), Unlist("`256 " + want + " key for work on web (ED25519)`"), Unlist("3072 " + want + " no comment (RSA)"),
		Unlist("256 " + want + " <mailto:a@b.example|a@b.example> (ED25519-SK)"),
	} {
		if got, err := ReadFingerprint(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	const md5 = "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48"
	for _, text := range []string{md5, "MD5:" + md5, "md5:" + strings.ToUpper(md5), strings.ReplaceAll(md5, ":", ""), Unlist("2048 " + md5 + " a@b (RSA)"), Unlist("256 MD5:" + md5 + " a@b (ECDSA)")} {
		got, err := ReadFingerprint(text)
		if got != "" || reasonOf(err) != MD5Fingerprint || !strings.Contains(err.Error(), "SHA256:") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "me", "<@U1>", "web-1", key.Authorized(), key.Blob, bare[1:], bare + "A", "256 apples (RED)"} {
		if got, err := ReadFingerprint(Unlist(text)); got != "" || err != nil {
			t.Errorf("%q is taken for %q, %v", text, got, err)
		}
	}
}
