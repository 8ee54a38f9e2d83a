package sshkey

import (
	"crypto/dsa" //nolint:staticcheck // made only to be refused
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func TestParseEveryType(t *testing.T) {
	t.Parallel()
	for keyType, text := range everyType(t) {
		got, err := Parse(text + " alice@laptop")
		want := Key{Type: keyType, Blob: strings.Fields(text)[1], Comment: "alice@laptop"}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", keyType, err, diff)
		}
	}
	for _, bits := range []int{3072, 3073, 4096, 8192, 16384} {
		if _, err := Parse(rsaLine(65537, oddNumber(t, bits))); err != nil {
			t.Errorf("RSA of %d bits: %v", bits, err)
		}
	}
}

func TestParseUndoesSlack(t *testing.T) {
	t.Parallel()
	types := everyType(t)
	key, sk := types[ssh.KeyAlgoED25519], types[ssh.KeyAlgoSKED25519]
	blob := strings.Fields(key)[1]
	skMail := strings.Replace(sk, "sk-ssh-ed25519@openssh.com", "<mailto:sk-ssh-ed25519@openssh.com|sk-ssh-ed25519@openssh.com>", 1)
	for name, row := range map[string]struct{ text, authorized, comment string }{
		"mail link in the comment":  {key + " <mailto:a@b.example|a@b.example>", key, "a@b.example"},
		"mail link in the type":     {skMail, sk, ""},
		"web link":                  {key + " <http://host.example|host.example>", key, "host.example"},
		"link without a text":       {key + " <https://host.example>", key, "https host.example"},
		"escapes":                   {key + " a &amp; b &lt;c&gt;", key, "a b c"},
		"placeholder brackets":      {"&lt;" + key + "&gt;", "", ""},
		"back-quotes":               {"`" + key + "`", key, ""},
		"code fence":                {"```\n" + key + " me\n```\n", key, "me"},
		"straight quotes":           {`"` + key + `"`, key, ""},
		"smart quotes":              {"“" + key + " me”", key, "me"},
		"single smart quotes":       {" ‘" + key + "’ ", key, ""},
		"no-break spaces":           {"ssh-ed25519\u00a0" + blob + "\u202fme", key, "me"},
		"zero-width characters":     {"\ufeffssh-ed25519 " + blob[:20] + "\u200b" + blob[20:], key, ""},
		"no-break hyphen":           {"ssh\u2011ed25519 " + blob, key, ""},
		"tabs and line ends":        {"\r\n\tssh-ed25519\t" + blob + "\r\n", key, ""},
		"mention in the comment":    {key + " <!channel> <@U123|bob>", key, "channel bob"},
		"comment of other letters":  {key + " Zoë\u2019s *laptop*", key, "Zo s laptop"},
		"comment speaks of private": {key + " not my private key", key, "not my private key"},
		"long comment":              {key + " " + strings.Repeat("x", 100), key, strings.Repeat("x", 64)},
	} {
		got, err := Parse(row.text)
		if row.authorized == "" {
			if reasonOf(err) == "" {
				t.Errorf("%s: accepted", name)
			}
			continue
		}
		if err != nil || got.Authorized() != row.authorized || got.Comment != row.comment {
			t.Errorf("%s: got %q with comment %q, %v", name, got.Authorized(), got.Comment, err)
		}
	}
}

func reasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	types := everyType(t)
	key, sk, ec, rsa := types[ssh.KeyAlgoED25519], types[ssh.KeyAlgoSKED25519], types[ssh.KeyAlgoECDSA256], types[ssh.KeyAlgoRSA]
	blob := func(text string) string { return strings.Fields(text)[1] }
	for name, row := range map[string]struct {
		text string
		want Reason
	}{
		"nothing":                {"", Empty},
		"blanks and quotes":      {" `\u00a0`\n", Empty},
		"too long":               {key + " " + strings.Repeat("x ", maxLine), TooLong},
		"SSH2 format":            {"---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"x\"\n" + blob(key) + "\n---- END SSH2 PUBLIC KEY ----", SSH2Format},
		"home path":              {"~/.ssh/id_ed25519.pub", FilePath},
		"absolute path":          {"/home/al ice/.ssh/id_rsa", FilePath},
		"Windows path":           {`C:\Users\alice\.ssh\id_ed25519.pub`, FilePath},
		"file name":              {"`id_ed25519.pub`", FilePath},
		"file name without .pub": {"id_ed25519", FilePath},
		"two keys":               {key + "\n" + ec, MoreThanOne},
		"two keys on a line":     {key + " " + ec, MoreThanOne},
		"wrapped":                {key[:40] + "\n" + key[40:], MoreThanOne},
		"comment line before":    {"# my key\n" + key, MoreThanOne},
		"two lines, U+2028":      {key + "\u2028" + key, MoreThanOne},
		"option":                 {"restrict " + key, Options},
		"command option":         {`command="echo hi",no-pty ` + key, Options},
		"words before":           {"here you are: " + key, Options},
		"certificate":            {"ssh-ed25519-cert-v01@openssh.com " + blob(key), Certificate},
		"certificate with ca":    {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA ca", Certificate},
		"real certificate":       {certificateLine(t), Certificate},
		"DSA":                    {dsaLine(t), DSA},
		"unknown type":           {"ssh-ed448 AAAA", UnknownType},
		"no type":                {blob(key), UnknownType},
		"signature algorithm":    {"rsa-sha2-256 " + blob(rsa), UnknownType},
		"prose":                  {"please give me access", UnknownType},
		"lines of prose":         {"please\ngive me access", UnknownType},
		"type alone":             {"ssh-ed25519", Damaged},
		"truncated":              {key[:len(key)-8], Damaged},
		"as RunCloud shows it":   {key[:50] + "...", Damaged},
		"not base64":             {"ssh-ed25519 %%%%", Damaged},
		"padding missing":        {strings.TrimRight(sk, "="), Damaged},
		"padding bits set":       {strings.TrimRight(sk, "g=") + "h==", Damaged},
		"trailing bytes":         {key + "AAAA", Damaged},
		"trailing bytes, RSA":    {rsaLine(65537, oddNumber(t, 3072)) + "AAAA", Damaged},
		"number padded":          {paddedRSALine(oddNumber(t, 3072)), Damaged},
		"certificate's blob":     {"ssh-ed25519 " + blob(certificateLine(t)), TypeMismatch},
		"other type":             {"ssh-rsa " + blob(key), TypeMismatch},
		"other curve":            {ecdsaLine(ssh.KeyAlgoECDSA256, "nistp384", make([]byte, 97)), TypeMismatch},
		"curve without a name":   {ecdsaLine(ssh.KeyAlgoECDSA256, "", nil), TypeMismatch},
		"point off P-256":        {ecdsaLine(ssh.KeyAlgoECDSA256, "nistp256", append([]byte{4}, make([]byte, 64)...)), BadPoint},
		"compressed point":       {ecdsaLine(ssh.KeyAlgoECDSA256, "nistp256", compressed(t)), BadPoint},
		"short Ed25519 point":    {ed25519Line(make([]byte, 31)), BadPoint},
		"RSA of 1024 bits":       {rsaLine(65537, oddNumber(t, 1024)), ShortRSA},
		"RSA of 3071 bits":       {rsaLine(65537, oddNumber(t, 3071)), ShortRSA},
		"RSA of 16385 bits":      {rsaLine(65537, oddNumber(t, 16385)), WeakRSA},
		"RSA even modulus":       {rsaLine(65537, new(big.Int).Lsh(oddNumber(t, 3071), 1)), WeakRSA},
		"RSA negative modulus":   {rsaLine(65537, new(big.Int).Neg(oddNumber(t, 3072))), WeakRSA},
		"RSA zero":               {rsaLine(65537, new(big.Int)), WeakRSA},
		"RSA exponent 1":         {rsaLine(1, oddNumber(t, 3072)), WeakRSA},
		"RSA exponent even":      {rsaLine(4, oddNumber(t, 3072)), WeakRSA},
		"RSA exponent negative":  {rsaLine(-3, oddNumber(t, 3072)), WeakRSA},
		"RSA exponent large":     {rsaLine(1<<32+1, oddNumber(t, 3072)), WeakRSA},
	} {
		if _, err := Parse(row.text); reasonOf(err) != row.want {
			t.Errorf("%s: reason %q, want %q", name, reasonOf(err), row.want)
		}
	}
}

func TestShortRSASaysItsSize(t *testing.T) {
	t.Parallel()
	_, err := Parse(rsaLine(65537, oddNumber(t, 2048)))
	if want := "This RSA key has 2048 bits; at least 3072 are needed."; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q first", err, want)
	}
}

// Encoded points that are no key: not on the curve, not below the prime, or of small order.
func TestParseRefusesEd25519Points(t *testing.T) {
	t.Parallel()
	fill := func(first, middle, last byte) []byte {
		point := make([]byte, 32)
		for i := range point {
			point[i] = middle
		}
		point[0], point[31] = first, last
		return point
	}
	order8 := []byte{
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	}
	for name, point := range map[string][]byte{
		"y = 0":              fill(0, 0, 0),
		"y = 0, odd x":       fill(0, 0, 0x80),
		"y = 1":              fill(1, 0, 0),
		"y = -1":             fill(0xec, 0xff, 0x7f),
		"y = p":              fill(0xed, 0xff, 0x7f),
		"y = 2, off":         fill(2, 0, 0),
		"order 8":            order8,
		"order 8, the other": negated(order8),
	} {
		for _, text := range []string{ed25519Line(point), skEd25519Line(point)} {
			if _, err := Parse(text); reasonOf(err) != BadPoint {
				t.Errorf("%s: reason %q", name, reasonOf(err))
			}
		}
	}
	for range 50 {
		if point := ed25519Point(t); !isEd25519Point(point) {
			t.Errorf("a good point was refused: %x", point)
		}
	}
}

// negated returns the point with -y.
func negated(encoded []byte) []byte {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	y := new(big.Int).Sub(p, new(big.Int).SetBytes(reversed(encoded)))
	return reversed(y.FillBytes(make([]byte, 32)))
}

func compressed(t *testing.T) []byte {
	t.Helper()
	point, err := ecdsaPublic(t, elliptic.P256()).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{2 + point[64]&1}, point[1:33]...)
}

// paddedRSALine returns a line with the modulus written with one zero byte more than its shortest form has.
func paddedRSALine(modulus *big.Int) string {
	return line(ssh.KeyAlgoRSA, ssh.Marshal(struct {
		Type string
		E    *big.Int
		N    []byte
	}{ssh.KeyAlgoRSA, big.NewInt(65537), append([]byte{0, 0}, modulus.Bytes()...)}))
}

func dsaLine(t *testing.T) string {
	t.Helper()
	n := oddNumber(t, 1024)
	return publicLine(t, &dsa.PublicKey{Parameters: dsa.Parameters{P: n, Q: oddNumber(t, 160), G: big.NewInt(2)}, Y: big.NewInt(5)})
}

func certificateLine(t *testing.T) string {
	t.Helper()
	_, private, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"runcloud"}}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	return line(cert.Type(), cert.Marshal())
}

func TestEveryReasonHasASentence(t *testing.T) {
	t.Parallel()
	for _, reason := range []Reason{
		Empty, TooLong, PrivateKey, SSH2Format, FilePath, MoreThanOne, Options, UnknownType,
		Certificate, DSA, Damaged, TypeMismatch, BadPoint, WeakRSA,
	} {
		if err := refuse(reason); err.Error() == "" || err.Reason != reason {
			t.Errorf("%s has no sentence", reason)
		}
	}
}

func reversed(b []byte) []byte {
	r := slices.Clone(b)
	slices.Reverse(r)
	return r
}
