package access

import (
	"cmp"
	"crypto/rand"
	"regexp"
	"strconv"
	"strings"
)

const (
	labelMark       = "sshkeybot"
	labelAccount    = "ACCOUNT" // instead of a person; no user ID has that form
	labelRunes      = 63        // under 64, where a target may have a limit
	labelAliasRunes = 10
	labelPrintRunes = 16 // of the fingerprint: 96 bits of the SHA-256, so that nobody can make a second key with them
)

// FlagLedgerID is the name of the flag that holds the ID of the ledger, which is part of
// every label. It is set when the ledger is first opened, and never changes.
const FlagLedgerID = "ledger_id"

// ledgerIDRunes is long enough that two installations on one account do not get the same
// ID by accident.
const ledgerIDRunes = 5

// NewLedgerID returns a random ID for a new ledger: five letters of lower-case base32.
func NewLedgerID() string { return strings.ToLower(rand.Text()[:ledgerIDRunes]) }

// Label returns the label with which a key is placed on a server:
//
//	sshkeybot LEDGER gGRANT FINGERPRINT PERSON ALIAS
//
// For the key of an account, PERSON is ACCOUNT and ALIAS from the account's name.
//
// It is unique on a server, because a grant places a key there once. It has at most 63
// characters, all letters, digits, spaces, - and _: a target may document no rule for
// labels, and any sensible one allows that. What identifies the key comes first, in case the
// target cuts the label.
func Label(ledger string, g Grant, fingerprint string) string {
	words := []string{labelMark, ledger, "g" + strconv.FormatInt(g.ID, 10), shortPrint(fingerprint), cmp.Or(string(g.Person), labelAccount), Alias(g.Alias)}
	text := strings.Join(words, " ")
	return strings.TrimRight(text[:min(len(text), labelRunes)], " ")
}

// ownLabel matches what Label returns, and the older form without the ledger's ID. Its
// groups are: the part that identifies the key, the ledger, the fingerprint, the person.
var ownLabel = regexp.MustCompile(`^(` + labelMark + `(?: ([a-z2-7]{5}))? g[0-9]+ ([A-Za-z0-9_-]{16}))(?: ([A-Z0-9]+)(?: .*)?)?$`)

// SameLabel reports whether a label that was read from a server is the one that was
// written, allowing for the target to have changed its case or, if it is one of ours, to have
// cut it after the fingerprint.
func SameLabel(read, written string) bool {
	least := len(written)
	if parts := ownLabel.FindStringSubmatch(written); parts != nil {
		least = len(parts[1])
	}
	return len(read) >= least && len(read) <= len(written) && strings.EqualFold(read, written[:len(read)])
}

// LabelOwner returns the person and the shortened fingerprint of a label that Label made,
// for any ledger. The person is empty for the key of an account. ok is false for every other
// text.
func LabelOwner(label string) (person UserID, short string, ok bool) {
	parts := ownLabel.FindStringSubmatch(label)
	if parts == nil || parts[4] == "" {
		return "", "", false
	}
	if parts[4] == labelAccount {
		return "", parts[3], true
	}
	return UserID(parts[4]), parts[3], true
}

// LabelFits reports whether a label is one that Label made for that fingerprint.
func LabelFits(label, fingerprint string) bool {
	_, short, ok := LabelOwner(label)
	return ok && short == shortPrint(fingerprint)
}

// LabelLedger returns the ID of the ledger in a label that Label made. It is empty for a
// label of the older form, and for every other text.
func LabelLedger(label string) string {
	if parts := ownLabel.FindStringSubmatch(label); parts != nil {
		return parts[2]
	}
	return ""
}

// CarriesLedger reports whether a label begins as those of that ledger do, whatever
// follows the ledger's ID.
func CarriesLedger(label, ledger string) bool {
	mark := labelMark + " " + ledger + " "
	return ledger != "" && len(label) >= len(mark) && strings.EqualFold(label[:len(mark)], mark)
}

// shortPrint returns the first 16 characters of a fingerprint, in the URL-safe alphabet of
// base64.
func shortPrint(fingerprint string) string {
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(fingerprint, "SHA256:"))
	return text[:min(len(text), labelPrintRunes)]
}

// Alias returns the first word of a name as at most ten lower-case ASCII letters and
// digits, or "person" if nothing is left of it.
func Alias(name string) string {
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
