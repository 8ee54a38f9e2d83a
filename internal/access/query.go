package access

import "time"

// RequestQuery selects requests; zero fields do not restrict.
type RequestQuery struct {
	States        []RequestState
	Kinds         []RequestKind
	Asker         UserID
	Person        UserID
	Concerns      UserID    // who asked it, or whom it is about
	ExpiresBefore time.Time // expires at or before
	CreatedAfter  time.Time
	After         int64 // with a higher ID
	Before        int64 // with a lower ID
	Newest        bool  // the newest of them, newest first; else the oldest, oldest first
	Limit         int   // 0 is no limit
}

// GrantQuery selects grants; zero fields do not restrict.
type GrantQuery struct {
	State       GrantState
	Person      UserID
	RequestID   int64
	EndsBefore  time.Time // ends at or before
	SteadyUntil time.Time // with EndsBefore: also those that end at or before that by the steady clock
	NotReminded bool
	After       int64 // with a higher ID
	Before      int64 // with a lower ID
	Newest      bool  // the newest of them, newest first; else the oldest, oldest first
	Limit       int   // 0 is no limit
}

// CoverQuery selects live covers; zero fields do not restrict.
type CoverQuery struct {
	Person      UserID
	SystemUser  string
	Fingerprint string
	Servers     []int64
	OfPersons   bool // leaves out those of accounts
}

// PlacementQuery selects placements; zero fields do not restrict.
type PlacementQuery struct {
	Target          string // of the servers
	Server          int64
	Servers         []int64
	States          []PlacementState
	Person          UserID
	Fingerprint     string
	Picked          string
	SystemUser      string
	Label           string
	Credential      string    // the CredentialID
	Due             time.Time // NextAt at or before, and not stuck
	DoubtEndsBefore time.Time // InDoubtUntil set and at or before; never a leaving one, which is due by its NextAt
	VerifyBefore    time.Time // placed, not stuck, VerifyAt set and at or before
	Renewed         bool      // Urgent
	Problem         Problem
	Limit           int
}

// RenewalQuery selects the placed keys to be placed anew.
type RenewalQuery struct {
	Target       string // of the servers; empty is any
	Now          time.Time
	Spare        time.Duration // how much earlier than its grant a temporary key may lapse
	LapsesBefore time.Time     // temporary keys that lapse at or before
	Spread       time.Duration // brings LapsesBefore forward by up to that much, for each key differently, so that not all are renewed at once
	PlacedBefore time.Time     // permanent keys placed at or before
	Permanent    time.Duration // grants longer than that, and those without an end, keep a key permanent
	Limit        int           // 0 is no limit
}

// Waits are the latest times that CapWaits leaves in the ledger.
type Waits struct {
	Retry   time.Time // for NextAt, unless one of the next two applies
	Refused time.Time // for the NextAt of what was refused
	Limited time.Time // for the NextAt of what was rate limited, and for VerifyAt
	InDoubt time.Time // for InDoubtUntil
}

// DebtQuery selects keys that must be gone and are not confirmed to be; zero fields do not restrict.
type DebtQuery struct {
	At     time.Time // what must be gone by then; never zero
	Since  time.Time // without those whose removal began later than that, and met no problem
	Person UserID
	After  int64 // with a higher ID
	Before int64 // with a lower ID
	Newest bool  // the newest of them, newest first; else the oldest, oldest first
	Limit  int   // 0 is no limit
}

// EventQuery selects events of the audit log; zero fields do not restrict.
type EventQuery struct {
	About  Subject   // it concerns, or acted
	After  int64     // with a higher number
	Before int64     // with a lower number
	Since  time.Time // at that time or later
	Newest bool      // the newest of them, newest first; else the oldest, oldest first
	Limit  int       // 0 is no limit
}
