package access

import (
	"strconv"
	"strings"
)

const (
	labelMark       = "sshkeybot"
	labelAliasRunes = 10
	labelPrintRunes = 16 // 96 bits of the SHA-256: nobody makes a second key that fits
)

// Label names a key on a server: for a person whose it is, for a program which
// grant placed it and which fingerprint it has. It is unique on a server because
// a grant places a key there once. Short ASCII of letters, digits, space, - and _:
// RunCloud documents no rule for labels, and this passes any sensible one. What
// identifies comes first, should RunCloud cut it.
func Label(g Grant, fingerprint string) string {
	words := []string{labelMark, "g" + strconv.FormatInt(g.ID, 10), print16(fingerprint), string(g.Person), alias(g.Alias)}
	return strings.Join(words, " ")
}

// sameLabel tells whether a label that was read is the one that was written, even
// if RunCloud cut it behind the fingerprint or changed its case.
func sameLabel(read, written string) bool {
	least := len(written)
	if words := strings.SplitN(written, " ", 4); len(words) == 4 {
		least -= len(words[3]) + 1
	}
	return len(read) >= least && len(read) <= len(written) && strings.EqualFold(read, written[:len(read)])
}

// LabelOwner reads a label that Label wrote: whose it is and what fingerprint it
// tells. ok is false for every other text.
func LabelOwner(label string) (person UserID, shortPrint string, ok bool) {
	words := strings.Split(label, " ")
	if len(words) < 4 || words[0] != labelMark || !strings.HasPrefix(words[1], "g") || len(words[2]) != labelPrintRunes {
		return "", "", false
	}
	return UserID(words[3]), words[2], true
}

// LabelFits tells whether a label is one of ours for that fingerprint.
func LabelFits(label, fingerprint string) bool {
	_, shortPrint, ok := LabelOwner(label)
	return ok && shortPrint == print16(fingerprint)
}

// print16 writes the start of a fingerprint with the safe alphabet of base64.
func print16(fingerprint string) string {
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(fingerprint, "SHA256:"))
	return text[:min(len(text), labelPrintRunes)]
}

// alias keeps what is plain ASCII of a name, and "person" where nothing is left.
func alias(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && r == ' ' {
			break
		}
		if b.Len() == labelAliasRunes {
			break
		}
	}
	if b.Len() == 0 {
		return "person"
	}
	return b.String()
}
