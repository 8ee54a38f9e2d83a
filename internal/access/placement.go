package access

import "time"

// PlacementState is where a key on a server stands; see doc.go for the drawing.
type PlacementState string

// The states of a placement. PlacementUnknown is written before the call that
// places a key is made, so that a crash or a lost answer is settled by reading
// the server's list and never by calling again blindly.
//
// The doubt of a placement (InDoubtUntil) is a part of its state. An unknown one is in
// doubt, and so is a leaving one without a CredentialID; a wanted or gone one never
// is. Only an answer, or a list that was read when the doubt was over, ends it.
const (
	PlacementWanted  PlacementState = "wanted"
	PlacementUnknown PlacementState = "unknown"
	PlacementPlaced  PlacementState = "placed"
	PlacementLeaving PlacementState = "leaving"
	PlacementGone    PlacementState = "gone"
)

// Placement is one key for one system user on one server.
type Placement struct {
	ID          int64
	ServerID    int64
	SystemUser  string
	Fingerprint string // SHA256:…; empty where Picked is not
	Picked      string // the id of a credential that a person picked, whose whole key nobody knows; else empty
	Person      UserID
	GrantID     int64  // the grant that first wanted it, named in the label; 0 for a picked credential
	Label       string // unique on the server; tells person, grant and fingerprint
	State       PlacementState

	CredentialID string    // the target's id, once known
	Temporary    bool      // RunCloud removes it by itself at LapsesAt
	PlacedAt     time.Time // when RunCloud confirmed it
	LapsesAt     time.Time // for Temporary: when RunCloud's own timer ends it
	LeftAt       time.Time // when the ledger stopped wanting it
	GoneAt       time.Time // when RunCloud confirmed the removal

	Attempts     int       // calls made in this state that did not settle it
	NextAt       time.Time // not before this time
	InDoubtUntil time.Time // the doubt: until then a write without an answer may land; zero is none
	VerifyAt     time.Time // of a placed one: when to look whether it still is there; zero is never
	Holder       string    // the replica whose call is under way
	Urgent       bool      // is being renewed: leaves to be placed anew, or replaces what left
	Stuck        bool      // refused for good: waits for a person to press Retry
	Problem      Problem   // why it is not settled
	Detail       string    // the other side's words
	ToldLapsed   bool      // its person was told that a renewal came too late
}

// On returns which key the placement is of, and where.
func (p Placement) On() KeyOn {
	return KeyOn{ServerID: p.ServerID, SystemUser: p.SystemUser, Fingerprint: p.Fingerprint, Picked: p.Picked}
}

// Problem says in one word why a placement is not settled yet.
type Problem string

// The problems of a placement.
const (
	NoProblem      Problem = ""
	ProblemOffline Problem = "offline"
	ProblemLimited Problem = "rate_limited"
	ProblemTrouble Problem = "trouble" // 5xx, timeouts, cut connections: retried
	ProblemRefused Problem = "refused" // 403, 422: RunCloud said no
	ProblemForeign Problem = "foreign" // somebody else has placed this very key; it is not ours to remove
	ProblemDamaged Problem = "damaged" // the ledger's copy of the key is not the one of its fingerprint
	// ProblemServerLeft is that of a placement that is gone with its server: the server
	// left the account, so nobody has confirmed that the key is off it.
	ProblemServerLeft   Problem = "server_left"
	ProblemMissing      Problem = "missing"      // the server is not found, and not settled as gone
	ProblemDoubted      Problem = "doubted"      // of a reading of the list of servers that cannot be right
	ProblemUnconfigured Problem = "unconfigured" // the server's target is not configured any more
)

// Credential is a key on a server as the target shows it.
type Credential struct {
	ID         string
	Label      string
	SystemUser string // empty where the target knows no users
	PublicKey  string // complete, or only what is visible of it
	Temporary  *bool  // nil where the target does not say
	CreatedAt  time.Time
}

// Session is an SSH session that is open on a server.
type Session struct {
	SystemUser string
	Address    string
	Since      string
}
