package access

import (
	"time"

	"sshkeybot/internal/sshkey"
)

// UserID is a Slack user ID (U… or W…), the only identity a person has here.
// Names and e-mail addresses are for display.
type UserID string

// Person is what the ledger knows of a Slack user.
type Person struct {
	ID           UserID
	OffboardedAt time.Time // zero while active
	ReturnedAt   time.Time // since when the account of somebody offboarded is active again; zero while it is not
	Standing     Standing  // what Slack said last of somebody who is no member; empty while nothing else is known
}

// Offboarded tells whether the person has been offboarded. Then they decide nothing,
// even if they have returned since.
func (p Person) Offboarded() bool { return !p.OffboardedAt.IsZero() }

// Away reports whether the person was offboarded and has not returned.
func (p Person) Away() bool { return p.Offboarded() && p.ReturnedAt.IsZero() }

// KeyEnd says how a key ended to be somebody's.
type KeyEnd string

// How a key ended. A removed one is free for anybody, a revoked one is refused until an
// approver frees it, one whose holder was offboarded needs a proof.
const (
	KeyCounts     KeyEnd = ""
	KeyRemoved    KeyEnd = "removed"
	KeyRevoked    KeyEnd = "revoked"
	KeyOffboarded KeyEnd = "offboarded"
	KeyLost       KeyEnd = "lost" // to somebody who proved that it is theirs
)

// Key is a public key that a person has registered.
type Key struct {
	Fingerprint  string // SHA256:… as ssh-keygen prints it; identity of the key
	Person       UserID // empty for a key that was revoked and that nobody had registered
	Type         string // ssh-ed25519, …
	Blob         string // base64 of the key
	Note         string // the person's own words for it
	RegisteredAt time.Time
	ProvedAt     time.Time // when the person proved that they hold the private key; zero when they have not
	RemovedAt    time.Time // zero while it counts
	Ended        KeyEnd
	EndedBy      UserID
}

// Public answers the key as sshkey knows it.
func (k Key) Public() sshkey.Key { return sshkey.Key{Type: k.Type, Blob: k.Blob} }

// Damaged reports whether the blob is not that of the fingerprint: the row was altered,
// and what it holds is a key that nobody has approved.
func (k Key) Damaged() bool { return k.Public().Fingerprint() != k.Fingerprint }

// Standing says what Slack tells of a user: who may take part, and why not.
type Standing string

// Only a Member may ask, receive or decide.
const (
	Member      Standing = "member"
	Deactivated Standing = "deactivated"
	Bot         Standing = "bot"
	Guest       Standing = "guest"
	Outsider    Standing = "outsider" // of another workspace, or a record without a team
	Nobody      Standing = "nobody"   // Slack knows no such user
	Invited     Standing = "invited"  // has not accepted the invitation yet
)

// Profile is a Slack user as Slack describes them now.
type Profile struct {
	ID       UserID
	Standing Standing
	Name     string // for display and labels only

	RealName, DisplayName string // further names, by which a key may be called
}

// EndsAccess reports whether the standing is one that ends access by itself. Who is unknown
// or foreign is asked about: that may as well be a mistake in a setting.
func (st Standing) EndsAccess() bool { return st == Deactivated || st == Guest }
