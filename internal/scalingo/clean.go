package scalingo

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
)

// hidden stands in place of what is not for errors and logs.
const hidden = "***"

// minSecret is the length from which on a part of a token is a secret; shorter ones occur in ordinary text.
const minSecret = 16

var (
	// keyBlob matches a public key. All key types begin alike: with the length of a name, whose first bytes
	// are zero.
	keyBlob = regexp.MustCompile(`AAAA[A-Za-z0-9+/]{12,}={0,2}`)
	// webToken matches a JSON web token, also one that is not ours.
	webToken = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+(\.[\w-]*)?`)
	address  = regexp.MustCompile(`[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+`)
)

// cleaner makes Scalingo's text safe for errors and logs.
type cleaner struct{ secrets *strings.Replacer }

// newCleaner hides the API token, as it is and as HTTP Basic writes it, and the JSON web token, whole and in
// its parts.
func newCleaner(token, jwt string) cleaner {
	var pairs []string
	secrets := []string{token, jwt, base64.StdEncoding.EncodeToString([]byte(":" + token))}
	for part := range strings.SplitSeq(jwt, ".") {
		if len(part) >= minSecret {
			secrets = append(secrets, part)
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			pairs = append(pairs, secret, hidden)
		}
	}
	return cleaner{strings.NewReplacer(pairs...)}
}

// text drops invalid and invisible characters, makes white space single, hides secrets, keys and e-mail
// addresses, and only then shortens: a token cut in half would not be recognised.
func (c cleaner) text(s string) string {
	s = strings.Map(visible, strings.ToValidUTF8(s, ""))
	s = c.secrets.Replace(strings.Join(strings.Fields(s), " "))
	for _, private := range []*regexp.Regexp{keyBlob, webToken, address} {
		s = private.ReplaceAllString(s, hidden)
	}
	return short(s, maxText)
}

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

func short(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
