package access

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sshkeybot/internal/sshkey"
)

// Why a credential is a candidate. whyProof is no candidate: it is the key.
const (
	whyProof = "proof"
	WhyLabel = "label"  // the label names the person
	WhyKey   = "prefix" // what is visible fits one of their keys, and tells keys of that type apart
	WhyType  = "type"   // what is visible fits, but is the same for every key of that type
)

// suspect is whose keys an inspection looks for.
type suspect struct {
	person UserID
	keys   []sshkey.Key
	words  []string // names that a label may carry anywhere, in lower case
	names  []string // those that are words of it
	byKey  bool     // a pasted key is wanted: a complete key is proof
}

func (s *Service) suspectOf(ctx context.Context, tx Tx, r Request, profile Profile) (suspect, error) {
	sus := suspect{person: r.Person, byKey: r.PublicKey != ""}
	if sus.byKey {
		key, err := sshkey.Parse(r.PublicKey)
		sus.keys = []sshkey.Key{key}
		return sus, err
	}
	keys, err := tx.AllKeysOf(ctx, r.Person)
	for _, k := range keys {
		sus.keys = append(sus.keys, k.Public())
	}
	if err != nil {
		return sus, err
	}
	grants, err := tx.Grants(ctx, GrantQuery{Person: r.Person})
	for _, g := range grants {
		if a := alias(g.Alias); a != "person" && len(a) > 2 {
			sus.words = append(sus.words, a)
		}
	}
	for _, name := range []string{profile.Name, profile.RealName, profile.DisplayName} {
		for _, word := range wordsOf(name) {
			if utf8.RuneCountInString(word) > 2 {
				sus.names = append(sus.names, word)
			}
		}
	}
	return sus, err
}

// wordsOf splits a name or a label into its words, in lower case.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// why says what makes a credential one of the suspect's; empty for nothing.
func (s suspect) why(c Credential) string {
	if owner, _, ok := LabelOwner(c.Label); ok {
		switch {
		case s.fingerprintOf(c) != "":
			return whyProof // our own label with the fingerprint of a key that is looked for
		case owner == s.person && !s.byKey:
			return WhyLabel
		}
		return ""
	}
	why := ""
	for _, key := range s.keys {
		switch {
		case sshkey.Proves(c.PublicKey, key) && s.byKey:
			return whyProof
		case sshkey.Proves(c.PublicKey, key):
			return WhyKey
		case !sshkey.CouldBe(c.PublicKey, key):
		case sshkey.PrefixIsConstant(key.Type):
			why = WhyType
		default:
			return WhyKey
		}
	}
	label := strings.ToLower(c.Label)
	named := func(word string) bool { return strings.Contains(label, word) }
	called := func(word string) bool { return slices.Contains(s.names, word) }
	if !s.byKey && (slices.ContainsFunc(s.words, named) || slices.ContainsFunc(wordsOf(label), called)) {
		return WhyLabel
	}
	return why
}

// fingerprintOf answers which of the suspect's keys a credential is proven to be.
func (s suspect) fingerprintOf(c Credential) string {
	for _, key := range s.keys {
		if LabelFits(c.Label, key.Fingerprint()) || sshkey.Proves(c.PublicKey, key) {
			return key.Fingerprint()
		}
	}
	return ""
}
