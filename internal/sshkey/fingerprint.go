package sshkey

import "regexp"

var (
	sha256Print = regexp.MustCompile(`^(?:(?i:SHA256:)([A-Za-z0-9+/]+)|([A-Za-z0-9+/]{43}))=*$`)
	md5Print    = regexp.MustCompile(`(?i)^(?:MD5:)?[0-9a-f]{2}(?::?[0-9a-f]{2}){15}$`)
	listing     = regexp.MustCompile("^[\\s`'\"]*\\d+ +((?:SHA256:|MD5:|(?:[0-9a-f]{2}:){15})[A-Za-z0-9+/=:]+) .*?\\([A-Z0-9-]+\\)[\\s`'\"]*")
)

// ReadFingerprint returns the fingerprint that a text consists of, as [Key.Fingerprint] writes it, and "" for
// any other text. Programs print it with or without SHA256: in front and = behind. An MD5 fingerprint is
// an *Error.
func ReadFingerprint(text string) (string, error) {
	text = undoSlack(text)
	if md5Print.MatchString(text) {
		return "", refuse(MD5Fingerprint)
	}
	found := sha256Print.FindStringSubmatch(text)
	if found == nil {
		return "", nil
	}
	return "SHA256:" + found[1] + found[2], nil
}

// Unlist returns a text that begins with a line of ssh-keygen -l or ssh-add -l with the fingerprint alone in its
// place, and every other text as it is.
func Unlist(text string) string { return listing.ReplaceAllString(text, "$1 ") }
