package access

import (
	"crypto/rand"
	"regexp"
	"strconv"
	"strings"
)

const (
	labelMark       = "sshkeybot"
	labelRunes      = 63 // under 64, where RunCloud may have a limit
	labelAliasRunes = 10
	labelPrintRunes = 16 // 96 bits of the SHA-256: nobody makes a second key that fits
)

// FlagLedgerID keeps the id of the ledger, which its labels carry: it is made when the
// ledger is first opened, and never changes.
const FlagLedgerID = "ledger_id"

// ledgerIDRunes is enough that no two installations of one account share an id by accident.
const ledgerIDRunes = 5

// NewLedgerID makes the id of a new ledger: five letters of lower-case base32.
func NewLedgerID() string { return strings.ToLower(rand.Text()[:ledgerIDRunes]) }

// Label names a key on a server: for a person whose it is, for a program which ledger
// and which grant placed it and which fingerprint it has. It is unique on a server
// because a grant places a key there once. Short ASCII of letters, digits, space, -
// and _: RunCloud documents no rule for labels, and this passes any sensible one. What
// identifies comes first, should RunCloud cut it.
func Label(ledger string, g Grant, fingerprint string) string {
	words := []string{labelMark, ledger, "g" + strconv.FormatInt(g.ID, 10), print16(fingerprint), string(g.Person), Alias(g.Alias)}
	text := strings.Join(words, " ")
	return strings.TrimRight(text[:min(len(text), labelRunes)], " ")
}

// ownLabel matches what Label wrote, with the ledger's id or, as it once was, without:
// the part that identifies the key, the ledger, the fingerprint, and the person.
var ownLabel = regexp.MustCompile(`^(` + labelMark + `(?: ([a-z2-7]{5}))? g[0-9]+ ([A-Za-z0-9_-]{16}))(?: ([A-Z0-9]+)(?: .*)?)?$`)

// SameLabel reports whether a label that was read is the one that was written, even
// if RunCloud cut one of ours behind the fingerprint or changed its case.
func SameLabel(read, written string) bool {
	least := len(written)
	if parts := ownLabel.FindStringSubmatch(written); parts != nil {
		least = len(parts[1])
	}
	return len(read) >= least && len(read) <= len(written) && strings.EqualFold(read, written[:len(read)])
}

// LabelOwner reads a label that Label wrote, in whatever ledger: whose key it is and
// what fingerprint it tells. ok is false for every other text.
func LabelOwner(label string) (person UserID, shortPrint string, ok bool) {
	parts := ownLabel.FindStringSubmatch(label)
	if parts == nil || parts[4] == "" {
		return "", "", false
	}
	return UserID(parts[4]), parts[3], true
}

// LabelFits reports whether a label is one that Label wrote for that fingerprint.
func LabelFits(label, fingerprint string) bool {
	_, shortPrint, ok := LabelOwner(label)
	return ok && shortPrint == print16(fingerprint)
}

// LabelLedger returns the id of the ledger that a label names; empty for a label of the
// older form, which names none, and for a stranger's.
func LabelLedger(label string) string {
	if parts := ownLabel.FindStringSubmatch(label); parts != nil {
		return parts[2]
	}
	return ""
}

// CarriesLedger reports whether a label claims to be of that ledger, cut or altered as
// it may be behind the id.
func CarriesLedger(label, ledger string) bool {
	mark := labelMark + " " + ledger + " "
	return ledger != "" && len(label) >= len(mark) && strings.EqualFold(label[:len(mark)], mark)
}

// print16 writes the start of a fingerprint with the safe alphabet of base64.
func print16(fingerprint string) string {
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(fingerprint, "SHA256:"))
	return text[:min(len(text), labelPrintRunes)]
}

// Alias keeps what is plain ASCII of a name, and "person" where nothing is left.
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
