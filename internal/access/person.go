package access

import (
	"time"

	"sshkeybot/internal/sshkey"
)

// UserID is the ID of a user in the directory. It alone identifies a person: names and e-mail
// addresses are for display.
type UserID string

// Person is what the ledger knows of a user.
type Person struct {
	ID           UserID
	OffboardedAt time.Time // zero while active
	ReturnedAt   time.Time // since when the account of somebody offboarded is active again; zero while it is not
	ReinstatedAt time.Time // when approvers took back the last offboarding; zero if they did not, or somebody offboarded the person since
	Standing     Standing  // the last standing that the directory told, unless it is Member; empty for a member
}

// Offboarded reports whether the person was offboarded, returned since or not. Such a
// person may not decide on requests.
func (p Person) Offboarded() bool { return !p.OffboardedAt.IsZero() }

// Away reports whether the person was offboarded and has not returned.
func (p Person) Away() bool { return p.Offboarded() && p.ReturnedAt.IsZero() }

// KeyEnd is why a key is no longer registered as a person's.
type KeyEnd string

// Why a key is no longer registered. It decides who may register that key again.
const (
	KeyCounts     KeyEnd = ""           // it still is
	KeyRemoved    KeyEnd = "removed"    // its holder removed it: anybody may register it
	KeyRevoked    KeyEnd = "revoked"    // nobody may register it until an approver frees it
	KeyOffboarded KeyEnd = "offboarded" // its holder was offboarded: whoever registers it has to prove that they hold it
	KeyLost       KeyEnd = "lost"       // somebody else proved that it is theirs
)

// Key is a public key that a person has registered.
type Key struct {
	Fingerprint  string // SHA256:… as ssh-keygen prints it; identifies the key
	Person       UserID // empty for an account's, and for one that was revoked and that nobody had registered
	Type         string // ssh-ed25519, …
	Blob         string // base64 of the key
	Note         string // the person's own words for it
	RegisteredAt time.Time
	ProvedAt     time.Time // when the person proved that they hold the private key; zero when they have not
	RemovedAt    time.Time // zero while it is registered
	Ended        KeyEnd
	EndedBy      UserID
}

// Public returns the public key itself.
func (k Key) Public() sshkey.Key { return sshkey.Key{Type: k.Type, Blob: k.Blob} }

// OfAccount reports whether the key is one that an account logs in with, named by its Note.
func (k Key) OfAccount() bool { return k.Person == "" && k.RemovedAt.IsZero() }

// Damaged reports whether the blob is not that of the fingerprint: then the row was altered,
// and placing its key would give access to a key that nobody approved.
func (k Key) Damaged() bool { return k.Public().Fingerprint() != k.Fingerprint }

// Standing is what a user is in the workspace.
type Standing string

// The standings of a user. Only a Member may ask for access, receive it or decide.
const (
	Member      Standing = "member"
	Deactivated Standing = "deactivated"
	Bot         Standing = "bot"
	Guest       Standing = "guest"
	Outsider    Standing = "outsider" // of another workspace, or of none that is named
	Nobody      Standing = "nobody"   // the directory has no such user
	Invited     Standing = "invited"  // has not accepted the invitation yet
)

// Profile is what the directory knows of a user.
type Profile struct {
	ID       UserID
	Standing Standing
	Name     string // for display and labels only

	RealName, DisplayName string // further names, which the label of a key may contain
}

// EndsAccess reports whether a user of this standing may be offboarded without asking the
// approvers. For the other standings they are always asked: a wrong setting, such as the
// token of another workspace, makes members look like that, too.
func (st Standing) EndsAccess() bool { return st == Deactivated || st == Guest }
