package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// Facts are what an approver decides on: the access that a request would give or end, and
// for whom. An approval is for one Digest, so that a request which changes after it was
// shown is not approved by mistake. Texts, names and times that only inform are left out.
// So is, for a request that ends access, everything but what names the access: the grants
// it ends may become more while it waits, and that must not void an approval.
//
// The JSON form is stored and its digest travels in buttons, so a field may be added only
// with omitempty, and none may be renamed.
type Facts struct {
	Kind        RequestKind   `json:"kind"`
	Person      UserID        `json:"person"`
	Fingerprint string        `json:"fingerprint,omitempty"` // for a revocation of one key
	Keys        []string      `json:"keys,omitempty"`        // fingerprints, sorted
	Servers     []int64       `json:"servers,omitempty"`     // sorted
	SystemUser  string        `json:"system_user,omitempty"`
	Duration    time.Duration `json:"duration,omitempty"` // of a grant; 0 is for ever
	Until       time.Time     `json:"until,omitzero"`     // of an extension: the new end
	List        string        `json:"list,omitempty"`     // a digest: of a purge, of the credentials to be removed; of a rotation, of its account
}

// Digest returns the digest of the JSON form. Equal facts have equal digests, in every
// version of the bot.
func (f Facts) Digest() string {
	text, _ := json.Marshal(f) // such fields always marshal
	return Digest(text)
}

// Digest returns the first 128 bits of a text's SHA-256 in URL-safe base64: 22 characters,
// short enough for the value of a button.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// FactsChange is a change of a request's facts while it waited for a decision.
type FactsChange struct {
	Was, Now Facts
	Names    map[int64]string // of the servers
}

// IDsOf returns the ids of servers in ascending order.
func IDsOf(refs []ServerRef) []int64 {
	var ids []int64
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	slices.Sort(ids)
	return ids
}
