package reconcile

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// whyProof is what makes a credential one that is removed without anybody choosing it.
const whyProof access.Why = "proof"

// keyMatcher is whose keys an inspection looks for.
type keyMatcher struct {
	person access.UserID
	prints []string    // the fingerprints of the keys
	keys   []soughtKey // those that the ledger holds undamaged
	words  []string    // names that a label may carry anywhere, in lower case
	names  []string    // those that are words of it
	byKey  bool        // one key is wanted, whosever it is
}

// soughtKey is a key that is looked for.
type soughtKey struct {
	sshkey.Key
	proven bool // to be this complete key is proof that a credential is to be removed
}

func (e *Engine) newKeyMatcher(ctx context.Context, tx access.Tx, r access.Request, profile access.Profile) (keyMatcher, error) {
	m := keyMatcher{person: r.Person, byKey: r.PublicKey != ""}
	if m.byKey {
		key, err := sshkey.Parse(r.PublicKey)
		if err != nil {
			return m, err
		}
		proven, err := ownersProved(ctx, tx, r)
		m.add(r.Fingerprint, key, proven)
		return m, err
	}
	keys, err := tx.AllKeysOf(ctx, r.Person)
	if err != nil {
		return m, err
	}
	for _, k := range keys {
		others, err := heldByAnother(ctx, tx, k.Fingerprint, r.Person)
		if err != nil {
			return m, err
		}
		m.add(k.Fingerprint, k.Public(), !k.ProvedAt.IsZero() && k.Ended != access.KeyLost && !others)
	}
	grants, err := tx.Grants(ctx, access.GrantQuery{Person: r.Person})
	for _, g := range grants {
		if a := access.Alias(g.Alias); a != "person" && len(a) > 2 {
			m.words = append(m.words, a)
		}
	}
	for _, name := range []string{profile.Name, profile.RealName, profile.DisplayName} {
		for _, word := range wordsOf(name) {
			if utf8.RuneCountInString(word) > 2 {
				m.names = append(m.names, word)
			}
		}
	}
	return m, err
}

// add has a key looked for: by its fingerprint alone where the ledger's copy of it is
// damaged, and so another key.
func (m *keyMatcher) add(fingerprint string, key sshkey.Key, proven bool) {
	m.prints = append(m.prints, fingerprint)
	if key.Fingerprint() == fingerprint {
		m.keys = append(m.keys, soughtKey{key, proven})
	}
}

// heldByAnother reports whether a key is registered by somebody else than that person.
func heldByAnother(ctx context.Context, tx access.Tx, fingerprint string, person access.UserID) (bool, error) {
	k, err := tx.Key(ctx, fingerprint)
	if access.CodeOf(err) == access.NotFound {
		return false, nil
	}
	return k.Ended == access.KeyCounts && k.Person != person, err
}

// unregistered returns WhyUnregistered for a key that nobody has registered, and else nothing.
func unregistered(ctx context.Context, tx access.Tx, c access.Credential) (access.Why, error) {
	if key, err := sshkey.Parse(c.PublicKey); err == nil { // nobody can register another one
		if held, err := heldByAnother(ctx, tx, key.Fingerprint(), ""); err != nil || held {
			return "", err
		}
	}
	return access.WhyUnregistered, nil
}

// wordsOf splits a name or a label into its words, in lower case.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// why says what makes a credential one that is looked for; empty for nothing. ours reports
// that its label is of this ledger.
func (m keyMatcher) why(c access.Credential, ours bool) access.Why {
	owner, _, labelled := access.LabelOwner(c.Label)
	if labelled && ours {
		switch {
		case m.labelled(c) != "":
			return whyProof // our own label with the fingerprint of a key that is looked for
		case owner == m.person && !m.byKey:
			return access.WhyLabel
		case !slices.ContainsFunc(m.keys, func(k soughtKey) bool { return sshkey.Proves(c.PublicKey, k.Key) }):
			return ""
		}
	}
	var why access.Why
	for _, key := range m.keys {
		switch {
		case sshkey.Proves(c.PublicKey, key.Key) && key.proven:
			return whyProof
		case sshkey.Proves(c.PublicKey, key.Key):
			return access.WhyWhole
		case !sshkey.CouldBe(c.PublicKey, key.Key):
		case sshkey.PrefixIsConstant(key.Type):
			why = access.WhyType
		default:
			return access.WhyKey
		}
	}
	label := strings.ToLower(c.Label)
	named := func(word string) bool { return strings.Contains(label, word) }
	called := func(word string) bool { return slices.Contains(m.names, word) }
	if !m.byKey && (labelled && owner == m.person || slices.ContainsFunc(m.words, named) || slices.ContainsFunc(wordsOf(label), called)) {
		return access.WhyLabel
	}
	return why
}

// labelled returns which of the keys looked for our own label on a credential names.
func (m keyMatcher) labelled(c access.Credential) string {
	for _, fingerprint := range m.prints {
		if access.LabelFits(c.Label, fingerprint) {
			return fingerprint
		}
	}
	return ""
}

// fingerprintOf returns which of the keys looked for a credential is proven to be.
func (m keyMatcher) fingerprintOf(c access.Credential) string {
	if fingerprint := m.labelled(c); fingerprint != "" {
		return fingerprint
	}
	for _, key := range m.keys {
		if sshkey.Proves(c.PublicKey, key.Key) {
			return key.Fingerprint()
		}
	}
	return ""
}

// wroteLabel reports whether a label on a server is of this ledger. One of the older form,
// which names no ledger, is where a placement there has it.
func (e *Engine) wroteLabel(ctx context.Context, tx access.Tx, server int64, label string) (bool, error) {
	if _, _, ok := access.LabelOwner(label); !ok {
		return false, nil
	}
	if ledger := access.LabelLedger(label); ledger != "" {
		id, err := tx.Flag(ctx, access.FlagLedgerID)
		return ledger == id, err
	}
	placed, err := tx.Placements(ctx, access.PlacementQuery{Server: server, Label: label, Limit: 1})
	return len(placed) > 0, err
}

// ownersProved reports whether nobody can have the key of a revocation removed that is not
// theirs: whoever had it registered when it was asked for or decided has proved it, or nobody
// had. A public key can be registered by anybody who has seen it.
func ownersProved(ctx context.Context, tx access.Tx, r access.Request) (bool, error) {
	holders, err := tx.Holders(ctx, r.Fingerprint)
	unproved := func(k access.Key) bool {
		claimed := k.Ended == access.KeyCounts || k.Ended == access.KeyRevoked || k.Person == r.Person
		return k.Person != "" && claimed && k.ProvedAt.IsZero()
	}
	return !slices.ContainsFunc(holders, unproved), err
}
