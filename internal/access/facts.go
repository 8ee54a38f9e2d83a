package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// Facts are what somebody decides on: what a request would let a person do, or would
// take away. Texts, names and times that only inform are no part of them. A request that
// ends access has those alone that name what ends: what it hits may grow while it waits,
// and that must not hold it up.
//
// The JSON form is stored and its digest travels in buttons, so a field may be added only
// with omitempty, and none may be renamed.
type Facts struct {
	Kind        RequestKind   `json:"kind"`
	Person      UserID        `json:"person"`
	Fingerprint string        `json:"fingerprint,omitempty"` // of a revocation of one key
	Keys        []string      `json:"keys,omitempty"`        // fingerprints, sorted
	Servers     []int64       `json:"servers,omitempty"`     // sorted
	SystemUser  string        `json:"system_user,omitempty"`
	Duration    time.Duration `json:"duration,omitempty"` // of a grant; 0 is for ever
	Until       time.Time     `json:"until,omitzero"`     // of an extension: the end that it leads to
}

// Digest names the facts: equal facts have equal digests, in every version of the bot.
func (f Facts) Digest() string {
	text, _ := json.Marshal(f) // such fields always marshal
	return Digest(text)
}

// Digest returns a short digest of a text, which a button can carry.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// FactsChange says what is decided on now, and what it was before.
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
