package access

import "time"

// PlacementState is the state of a placement; the package comment draws them.
type PlacementState string

// The states of a placement. PlacementUnknown is stored before the call that places the
// key, so that after a crash or a lost answer the server's list is read, and the call is
// never repeated blindly.
//
// A placement is in doubt while a call without an answer may still take effect, which
// InDoubtUntil bounds. An unknown one is in doubt, and so is a leaving one without a
// CredentialID; a wanted or gone one never is. Only the call's answer ends the doubt, or a
// list of the server that was read after InDoubtUntil.
const (
	PlacementWanted  PlacementState = "wanted"  // to be placed; certainly not on the server
	PlacementUnknown PlacementState = "unknown" // may be on the server or not
	PlacementPlaced  PlacementState = "placed"  // on the server, as the target confirmed
	PlacementLeaving PlacementState = "leaving" // to be removed
	PlacementGone    PlacementState = "gone"    // certainly not on the server; final
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
	Label       string // unique on the server; see the function Label
	State       PlacementState

	CredentialID string    // the target's id, once known
	Temporary    bool      // the target removes it by itself at LapsesAt
	CalledAt     time.Time // when the last call began that may have placed it; zero if there was none
	PlacedAt     time.Time // when the target confirmed it
	LapsesAt     time.Time // for Temporary: when the target's own timer removes it; kept by what replaces it
	LeftAt       time.Time // when the ledger stopped wanting it
	GoneAt       time.Time // when the target confirmed the removal

	Attempts     int       // calls made in this state that did not settle it
	NextAt       time.Time // nothing is tried before this time; while Holder is set, when its hold ends
	InDoubtUntil time.Time // until then a call without an answer may still take effect; zero if there is none
	VerifyAt     time.Time // for a placed one: when to check that it still is there; zero is never
	Holder       string    // the replica whose call is under way; empty for none
	Urgent       bool      // it is one half of a renewal: leaves to be placed anew, or replaces what left
	Stuck        bool      // refused for good: waits for a person to press Retry
	ToldLapsed   bool      // its person was told that a renewal came too late
	Setback
}

// On returns the key that was placed, and where.
func (p Placement) On() KeyOn {
	return KeyOn{ServerID: p.ServerID, SystemUser: p.SystemUser, Fingerprint: p.Fingerprint, Picked: p.Picked}
}

// Problem is why a placement or a result is not settled yet.
type Problem string

// The problems of a placement.
const (
	NoProblem      Problem = ""
	ProblemOffline Problem = "offline"
	ProblemLimited Problem = "rate_limited"
	ProblemTrouble Problem = "trouble" // 5xx, timeouts, cut connections: retried
	ProblemRefused Problem = "refused" // 403, 422: the target said no
	ProblemForeign Problem = "foreign" // the key is there, but the bot did not place it and must not remove it
	ProblemDamaged Problem = "damaged" // Key.Damaged
	// ProblemDeleted is the problem of a placement whose key somebody deleted on the server: an
	// approver decides whether it is placed again.
	ProblemDeleted Problem = "deleted"
	// ProblemServerLeft is the problem of a placement that is gone because its server left
	// the account: nobody has confirmed that the key is off that server.
	ProblemServerLeft   Problem = "server_left"
	ProblemMissing      Problem = "missing"      // the server is not found, but may come back (Server.Missing)
	ProblemDoubted      Problem = "doubted"      // the list of servers cannot be right (TargetState.Doubt)
	ProblemUnconfigured Problem = "unconfigured" // the server's target is not configured any more
)

// Remedy is what a person can do so that a target no longer refuses a key.
type Remedy string

// The remedies. A target that knows none leaves it open.
const (
	NoRemedy         Remedy = ""
	RemedyUser       Remedy = "user"       // create the system user, or ask for another one
	RemedyKey        Remedy = "key"        // the same key is there, for another user or not placed by the bot: delete it
	RemedyLabel      Remedy = "label"      // another key has the label: delete or rename that key
	RemedyPermission Remedy = "permission" // let the bot's credentials change this server
	RemedyServer     Remedy = "server"     // the target does not have the server, or does not show it to the bot
)

// Setback is why a placement or a result is not settled yet. The zero value is none.
type Setback struct {
	Problem Problem
	Remedy  Remedy // for ProblemRefused, if the target knows one
	Detail  string // what the target said
}

// Move is a placement that changed its state, and the state that it had before.
type Move struct {
	From   PlacementState // empty if the placement is new
	Action Action         // for the audit log; empty for the one that follows from the new state

	Renewal bool // a part of placing a key anew that goes on being there: no news

	Placement
}

// Trying returns the states of a placement that is tried when its NextAt comes.
func Trying() []PlacementState {
	return []PlacementState{PlacementWanted, PlacementUnknown, PlacementLeaving}
}
