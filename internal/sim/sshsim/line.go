package sshsim

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// maxLine is how long a line may be: "several hundred bytes […] up to a limit of 8 kilobytes" (sshd(8)).
	maxLine = 8 << 10
	// minRSA is RequiredRSASize of sshd_config(5), its default, in bits.
	minRSA = 1024

	blanks = " \t"
	digits = "0123456789"
)

// keyTypes are the key types of plain keys in a line, with the types of the blobs that belong to them. sshd(8) does
// not name the two signature algorithms, but OpenSSH takes them for the type of RSA keys.
var keyTypes = map[string]string{
	ssh.KeyAlgoED25519: ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519: ssh.KeyAlgoSKED25519,
	ssh.KeyAlgoECDSA256: ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384: ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521: ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoSKECDSA256: ssh.KeyAlgoSKECDSA256,
	ssh.KeyAlgoRSA:        ssh.KeyAlgoRSA, ssh.KeyAlgoRSASHA256: ssh.KeyAlgoRSA, ssh.KeyAlgoRSASHA512: ssh.KeyAlgoRSA,
}

// Why a line holds no key that can log in.
var (
	errNothing   = errors.New("blank or a comment")
	errLong      = errors.New("too long")
	errType      = errors.New("no key type that is known here")
	errNoBlob    = errors.New("nothing after the key type")
	errOtherType = errors.New("the key is not of the type in front of it")
	errShortRSA  = errors.New("too short an RSA key")
	errQuote     = errors.New("a quotation mark is missing")
)

// entry is a line of an authorized_keys file.
type entry struct {
	key     ssh.PublicKey
	options options
	comment string
}

// entries returns the lines of an authorized_keys file that sshd would use, in their order: "Each line of the file
// contains one key (empty lines and lines starting with a '#' are ignored as comments)" (sshd(8)). Whatever is wrong
// with a line matters to no other. Times without Z are in the zone.
func entries(file []byte, zone *time.Location) []entry {
	var all []entry
	for line := range strings.SplitSeq(string(file), "\n") {
		if e, err := readLine(line, zone); err == nil {
			all = append(all, e)
		}
	}
	return all
}

// readLine reads "options, keytype, base64-encoded key, comment", of which "the options field is optional" (sshd(8)).
// As sshd does, it takes for options what stands in front of a key and is no key itself.
func readLine(line string, zone *time.Location) (entry, error) {
	if len(line) > maxLine {
		return entry{}, errLong
	}
	line, _, _ = strings.Cut(line, "\x00") // where a string of C ends
	line = strings.TrimLeft(line, blanks)
	if line == "" || line[0] == '#' {
		return entry{}, errNothing
	}
	key, comment, err := readKey(line)
	if err == nil {
		return entry{key: key, comment: comment}, nil
	}
	text, rest, ok := cutOptions(line)
	if !ok {
		return entry{}, errQuote
	}
	if rest == "" {
		return entry{}, err
	}
	if key, comment, err = readKey(rest); err != nil {
		return entry{}, err
	}
	o, err := readOptions(text, zone)
	return entry{key, o, comment}, err
}

// readKey reads a key type, a key and a comment, as sshkey_read of OpenSSH.
func readKey(text string) (key ssh.PublicKey, comment string, err error) {
	name, text := cutField(text)
	inside, ok := keyTypes[name]
	if !ok {
		return nil, "", errType
	}
	encoded, comment := cutField(text)
	if encoded == "" {
		return nil, "", errNoBlob
	}
	// OpenSSH skips whatever isspace(3) finds; Go does so with the ends of lines.
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.NewReplacer("\v", "", "\f", "").Replace(encoded))
	if err != nil {
		return nil, "", err
	}
	if key, err = ssh.ParsePublicKey(blob); err != nil {
		return nil, "", err
	}
	if key.Type() != inside {
		return nil, "", errOtherType
	}
	if shortRSA(key) {
		return nil, "", errShortRSA
	}
	return key, strings.TrimRight(comment, blanks+"\r"), nil
}

func shortRSA(key ssh.PublicKey) bool {
	k, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return false
	}
	public, ok := k.CryptoPublicKey().(*rsa.PublicKey)
	return ok && (public.N.Sign() <= 0 || public.N.BitLen() < minRSA)
}

// cutField returns what stands in front of the first blanks, and what follows them.
func cutField(text string) (field, rest string) {
	end := strings.IndexAny(text, blanks)
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimLeft(text[end:], blanks)
}

// cutOptions returns the options in front of a line, and what follows them: "No spaces are permitted, except within
// double quotes" (sshd(8)). ok is false if quotes do not end.
func cutOptions(line string) (text, rest string, ok bool) {
	quoted, i := false, 0
	for ; i < len(line) && (quoted || strings.IndexByte(blanks, line[i]) < 0); i++ {
		switch {
		case strings.HasPrefix(line[i:], `\"`):
			i++
		case line[i] == '"':
			quoted = !quoted
		}
	}
	if i == len(line) && quoted {
		return "", "", false
	}
	return line[:i], strings.TrimLeft(line[i:], blanks), true
}

// admits reports whether the line lets its key in from an address at a time.
func (e entry) admits(now time.Time, from netip.Addr) bool {
	if e.options.verifyRequired && strings.HasPrefix(e.key.Type(), "sk-") {
		return false // whether the key's owner was verified is not to be learned from the library
	}
	return e.options.admit(now, from)
}

// permissions returns what waives the touch of a security key, and nil for every line that does not.
func (e entry) permissions() *ssh.Permissions {
	if !e.options.noTouchRequired {
		return nil
	}
	return &ssh.Permissions{Extensions: map[string]string{"no-touch-required": ""}}
}
