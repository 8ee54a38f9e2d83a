package access

import (
	"context"
	"encoding/json"
	"time"
)

// RotationState is the state of a rotation; the package comment draws them.
type RotationState string

// The states of a rotation. From RotationPlacing to RotationWriting the private half is in the
// memory of one process, its Holder, and nowhere else. Only from RotationRemoving on are old
// keys taken away.
const (
	RotationAsked      RotationState = "asked"      // its request waits for a decision
	RotationPreparing  RotationState = "preparing"  // to begin, or to begin anew: there is no pair yet
	RotationPlacing    RotationState = "placing"    // the public half is being placed
	RotationConfirming RotationState = "confirming" // it was placed everywhere, and the servers' lists are read for it
	RotationWriting    RotationState = "writing"    // the private half may be in the account, or not
	RotationChecking   RotationState = "checking"   // it is in the account, and the machines are checked
	RotationDraining   RotationState = "draining"   // they are healthy; waits for what the system is doing on them
	RotationRemoving   RotationState = "removing"   // old keys are taken away
	RotationProving    RotationState = "proving"    // the machines are checked once more
	RotationHalfway    RotationState = "halfway"    // not proven: both halves stay, and people decide
	RotationDone       RotationState = "done"
	RotationFailed     RotationState = "failed"  // the account is as it was, and the new key goes
	RotationDropped    RotationState = "dropped" // its request was not approved
)

// Over reports whether nothing of a rotation in that state is left to do.
func (s RotationState) Over() bool {
	return s == RotationDone || s == RotationFailed || s == RotationDropped
}

// InMemory reports whether in that state the private half is in memory alone.
func (s RotationState) InMemory() bool {
	return s == RotationPlacing || s == RotationConfirming || s == RotationWriting
}

// Rotation is the replacement of the key of one KeyedAccount, which its request asks for. While
// one is not over, there is no other of the same account.
type Rotation struct {
	RequestID int64
	State     RotationState

	Space       string // of the account; empty while that does not exist
	AccountID   string // empty while it does not exist: then it is to be made
	AccountName string
	SystemUser  string
	Created     bool // the account is made by this rotation
	Found       AccountFindings

	Attempt     int       // how often a pair was made
	Fingerprint string    // of the pair of this attempt
	GrantID     int64     // that has its public half placed
	Wrote       bool      // a private half that was made here is in the account, or may be
	ModifiedAt  time.Time // of the account, as it was read, or written, last; zero if any is right
	Checks      int       // how often the machines were checked
	Check       string    // the id of the check under way; empty for none
	Removes     bool      // an old key was, or is being, taken away
	Unproven    []string  // the names of the machines that the last check did not prove
	Busy        []string  // what the system is, or was last, doing on its machines
	Problem     string    // why it is half way or failed, or what holds it up: a sentence

	Since     time.Time // when it came to its state
	NextAt    time.Time // nothing is done before that time
	Holder    string    // the process that has the private half, or works on it; empty for none
	HeldUntil time.Time // when others may take it over
}

// AccountFindings is what was found of an account when its rotation was asked for. A decision is
// about exactly this.
type AccountFindings struct {
	Version string `json:"version"` // of the system
	AccountUses
	Busy       []string  `json:"busy,omitempty"`   // what the system was doing on its machines
	Known      bool      `json:"known,omitempty"`  // the key in it is one that this ledger had placed
	Edited     bool      `json:"edited,omitempty"` // somebody has changed it since this ledger wrote it
	ModifiedAt time.Time `json:"modified_at,omitzero"`
	ModifiedBy string    `json:"modified_by,omitempty"` // as the system writes it
}

// Digest names what a decision about a rotation is about: the account and who uses it, but not
// how they are.
func (r Rotation) Digest() string {
	type machine struct {
		ID     string
		Server int64
	}
	about := struct {
		Space, Account, Name, User string
		Known, Edited              bool
		Machines                   []machine
	}{Space: r.Space, Account: r.AccountID, Name: r.AccountName, User: r.SystemUser, Known: r.Found.Known, Edited: r.Found.Edited}
	for _, m := range r.Found.Machines {
		about.Machines = append(about.Machines, machine{m.ID, m.ServerID})
	}
	text, _ := json.Marshal(about) // such fields always marshal
	return Digest(text)
}

// MachineIDs returns the ids of the machines that are checked: those that are not disabled.
func (f AccountFindings) MachineIDs() []string {
	var ids []string
	for _, m := range f.Machines {
		if !m.Disabled {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// DidRotate returns the action for a rotation that came to that state.
func DidRotate(to RotationState) Action { return "rotation." + Action(to) }

// RotationTx keeps rotations.
type RotationTx interface {
	// InsertRotation stores a new rotation. It reports false, and changes nothing, if there is
	// one of the same account that is not over.
	InsertRotation(ctx context.Context, r Rotation) (bool, error)
	// Rotation returns the rotation of a request.
	Rotation(ctx context.Context, requestID int64) (Rotation, error)
	// MoveRotation stores r if the stored State, Attempt and Holder still are those of was, and
	// reports whether they were.
	MoveRotation(ctx context.Context, r, was Rotation) (bool, error)
	// OpenRotations returns the rotations that are not over, oldest first.
	OpenRotations(ctx context.Context) ([]Rotation, error)
	// RotationsOf returns all rotations of an account, oldest first.
	RotationsOf(ctx context.Context, space, accountID string) ([]Rotation, error)
}
