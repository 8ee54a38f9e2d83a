package access

import (
	"context"
	"time"
)

// Store is the ledger. Both methods call fn again if the transaction failed only because of
// another one, so fn must have no effect outside the transaction. They return the error of
// fn, or an *Error with code Unavailable if the ledger is busy or cannot be written.
type Store interface {
	// Update runs fn in one transaction; an error from fn undoes everything.
	Update(ctx context.Context, fn func(Tx) error) error
	// Read runs fn on one consistent state. What fn tries to write fails.
	Read(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction on the ledger. Updates run one at a time, so what an update has
// read stays true until it commits. A method that returns one thing returns an *Error with
// code NotFound if there is none. A method that moves something to another state does so
// only if the stored state still is the expected one, and reports whether it was: two
// replicas, or a person and a timer, may try at once, and one of them comes too late.
type Tx interface {
	PersonTx
	KeyTx
	RequestTx
	ApprovalTx
	CandidateTx
	FindingTx
	GrantTx
	PlacementTx
	DueTx
	ResultTx
	ServerTx
	RotationTx
	NewsTx
	InboxTx
	FlagTx
	RestoreTx

	LogTx
	// Wake enqueues work, each piece at most once at a time. It is part of the transaction:
	// the work is enqueued if and only if the transaction commits.
	Wake(ctx context.Context, work ...Work) error
	// AfterCommit has call called once the transaction has committed. It is for what is only
	// counted: a crash in between loses it.
	AfterCommit(call func())
}

// LogTx keeps the audit log.
type LogTx interface {
	// Audit appends an event to the audit log. The store seals it when the update commits. It
	// concerns the subjects of its About, and before them the request that its noun names or
	// belongs to, whom that is about, and who asked for it. Events finds it by all of them.
	Audit(ctx context.Context, e Event) error
	// KeepMoves stores moves, each with its Action, that get their MoveEvents later: before the
	// next other event, unless they are of renewals, when there are very many, or by SealMoves.
	KeepMoves(ctx context.Context, at time.Time, moves []Move) error
	// OldestMove returns when the oldest was of the moves that are kept, those of renewals or the
	// others; zero when there are none.
	OldestMove(ctx context.Context, renewals bool) (time.Time, error)
	// SealMoves appends the events of all such moves that are kept when the transaction ends.
	SealMoves(ctx context.Context, renewals bool) error
	// Events returns the events that match.
	Events(ctx context.Context, q EventQuery) ([]Event, error)
}

// PersonTx keeps persons.
type PersonTx interface {
	// Person returns a person. One that the ledger has never seen is active.
	Person(ctx context.Context, id UserID) (Person, error)
	// SetOffboarded marks the person as offboarded at that time, and as not returned. It
	// changes nothing for somebody who is offboarded already and has not returned.
	SetOffboarded(ctx context.Context, id UserID, at time.Time) error
	// SetReturned sets the ReturnedAt of somebody who was offboarded; the zero time clears
	// it. It reports whether that changed whether they are back.
	SetReturned(ctx context.Context, id UserID, at time.Time) (bool, error)
	// Reinstate takes an offboarding of the person back at that time. It reports false, and changes
	// nothing, if they are not offboarded.
	Reinstate(ctx context.Context, id UserID, at time.Time) (bool, error)
	// SetStanding sets the Standing of a person; empty for a member.
	SetStanding(ctx context.Context, id UserID, standing Standing) error
	// KnownPersons returns everybody who has a key, a live grant or an open request, or was
	// offboarded.
	KnownPersons(ctx context.Context) ([]UserID, error)
}

// KeyTx keeps keys, and the challenges that prove them.
type KeyTx interface {
	// Key returns the key with that fingerprint: that of the person who holds it or, if
	// nobody does, of the one who held it last.
	Key(ctx context.Context, fingerprint string) (Key, error)
	// Holders returns the key with that fingerprint once for everybody who ever held it: the
	// present holder first, then the others, the latest first.
	Holders(ctx context.Context, fingerprint string) ([]Key, error)
	// KeysOf returns the keys that a person holds, oldest first; none for an empty id.
	KeysOf(ctx context.Context, id UserID) ([]Key, error)
	// AllKeysOf returns every key that the person ever registered, oldest first; none for an
	// empty id.
	AllKeysOf(ctx context.Context, id UserID) ([]Key, error)
	// SaveKey inserts or replaces the key of that person. It fails if somebody else holds
	// that key.
	SaveKey(ctx context.Context, k Key) error

	// SaveChallenge stores a challenge. It replaces an earlier one for the same person and key.
	SaveChallenge(ctx context.Context, c Challenge, now time.Time) error
	Challenge(ctx context.Context, nonce string) (Challenge, error)
	// DropChallenge deletes a challenge that is being used, and reports whether it was there:
	// the same answer sent twice counts once.
	DropChallenge(ctx context.Context, nonce string) (bool, error)
}

// RequestTx keeps requests, their servers, and who else asks for the same.
type RequestTx interface {
	// InsertRequest stores a new request with its servers and returns it with its ID. If
	// there is a request with that Source, it returns that one, and fresh is false: a
	// command may be delivered twice.
	InsertRequest(ctx context.Context, r Request, servers []ServerRef) (stored Request, fresh bool, err error)
	Request(ctx context.Context, id int64) (Request, error)
	// MoveRequest stores r if the stored state still is from, and reports whether it was.
	MoveRequest(ctx context.Context, r Request, from RequestState) (bool, error)
	// Requests returns the requests that match, and CountRequests how many there are.
	Requests(ctx context.Context, q RequestQuery) ([]Request, error)
	CountRequests(ctx context.Context, q RequestQuery) (int, error)
	// RequestServers returns the servers of a request, by name.
	RequestServers(ctx context.Context, id int64) ([]ServerRef, error)
	// SetRequestServers replaces the servers of a request (an approver narrowed it).
	SetRequestServers(ctx context.Context, id int64, servers []ServerRef) error
	// AddAsker adds somebody who asks for the same, and reports whether they are new.
	// DropAsker deletes them, and Askers returns them, oldest first.
	AddAsker(ctx context.Context, a Asker) (bool, error)
	DropAsker(ctx context.Context, id int64, asker UserID) error
	Askers(ctx context.Context, id int64) ([]Asker, error)
}

// ApprovalTx keeps verdicts on requests, and the facts that approvers were shown.
type ApprovalTx interface {
	// SaveFacts stores facts of a request under their digest, Facts returns them, and
	// DropFacts deletes all of a request.
	SaveFacts(ctx context.Context, id int64, f Facts) error
	Facts(ctx context.Context, id int64, digest string) (Facts, error)
	DropFacts(ctx context.Context, id int64) error
	// AddApproval stores a verdict. It reports false, and changes nothing, if that approver
	// has given one on the same facts before.
	AddApproval(ctx context.Context, a Approval) (bool, error)
	// Approvals returns the verdicts on a request, oldest first.
	Approvals(ctx context.Context, id int64) ([]Approval, error)
	// DropApproval deletes a verdict, and reports whether there was one.
	DropApproval(ctx context.Context, id int64, approver UserID) (bool, error)
}

// CandidateTx keeps the credentials that only a person may choose to remove.
type CandidateTx interface {
	// SaveCandidates adds candidates; those that exist stay as they are.
	SaveCandidates(ctx context.Context, cs []Candidate) error
	// Candidates returns the candidates of a request, by server name.
	Candidates(ctx context.Context, requestID int64) ([]Candidate, error)
	// CandidatesOn returns those on one server.
	CandidatesOn(ctx context.Context, requestID, serverID int64) ([]Candidate, error)
	// Undecided returns how many candidates nobody has decided about, for each request that has
	// some, the oldest first. Those of a purge, which are decided about together, do not count.
	Undecided(ctx context.Context) ([]Undecided, error)
	// PickCandidate stores the decision about a candidate: PickedBy, PickedAt and Spared. It
	// reports false if there is no such candidate, or it was decided about before.
	PickCandidate(ctx context.Context, c Candidate) (bool, error)
}

// FindingTx keeps what audits found.
type FindingTx interface {
	// Findings returns the findings on servers that are not gone, or on these alone if there are
	// any, by server and credential.
	Findings(ctx context.Context, servers ...int64) ([]Finding, error)
	// SaveFindings inserts or replaces findings.
	SaveFindings(ctx context.Context, fs []Finding) error
	// DropFindings deletes the findings of credentials on a server.
	DropFindings(ctx context.Context, server int64, credentials []string) error
}

// GrantTx keeps grants and what they cover.
type GrantTx interface {
	// InsertGrant stores a new live grant with its covers and returns it with its ID.
	InsertGrant(ctx context.Context, g Grant, covers []Cover) (Grant, error)
	Grant(ctx context.Context, id int64) (Grant, error)
	// MoveGrant stores g if the stored state still is from, and reports whether it was.
	MoveGrant(ctx context.Context, g Grant, from GrantState) (bool, error)
	// Grants returns the grants that match, and CountGrants how many there are.
	Grants(ctx context.Context, q GrantQuery) ([]Grant, error)
	CountGrants(ctx context.Context, q GrantQuery) (int, error)
	// Covers returns what a grant covers, ended covers included.
	Covers(ctx context.Context, grantID int64) ([]Cover, error)
	// GrantSize returns how much a grant covers now.
	GrantSize(ctx context.Context, id int64) (GrantSize, error)
	// EndCovers ends the covers of live grants that match. A live grant that covers nothing
	// any more stays live: see EmptyGrants.
	EndCovers(ctx context.Context, q CoverQuery, at time.Time) error
	// EmptyGrants returns the live grants without a single cover left.
	EmptyGrants(ctx context.Context) ([]Grant, error)
}

// PlacementTx keeps placements.
type PlacementTx interface {
	// Reconcile brings the placements in line with the grants that are live at that time,
	// on the given servers, or on all if there are none. It returns what it changed:
	//
	//   - A key that is covered by a grant and has no placement gets a wanted one, with the
	//     Label of the oldest grant that covers it.
	//   - A placement that no grant covers becomes leaving and is not urgent. A wanted one,
	//     whose key certainly is not on the server, is gone at once.
	//   - A leaving placement that is covered again becomes placed if no call to remove it
	//     was made yet, and unknown if it only was in doubt.
	Reconcile(ctx context.Context, now time.Time, servers []int64) ([]Move, error)
	// OutOfLine returns those of the servers, or of all if none are given, on which Reconcile
	// would change something at that time.
	OutOfLine(ctx context.Context, now time.Time, servers []int64) ([]int64, error)
	// MarkOutOfLine notes that Reconcile may have something to change on servers; ends says
	// whether access to them may have ended. Reconcile deletes the note.
	MarkOutOfLine(ctx context.Context, servers []int64, ends bool) error
	// MarkEnded is MarkOutOfLine for the servers on which a grant that has ended covers a key
	// that does not leave yet.
	MarkEnded(ctx context.Context, grantID int64) error
	// OutOfLineMark reports whether there is such a note about a server.
	OutOfLineMark(ctx context.Context, server int64) (bool, error)
	// MarkedOutOfLine returns servers with such a note, those first to which access may have
	// ended.
	MarkedOutOfLine(ctx context.Context, limit int) ([]int64, error)
	Placement(ctx context.Context, id int64) (Placement, error)
	InsertPlacement(ctx context.Context, p Placement) (Placement, error)
	// MovePlacement stores p, except for its server, system user and key, if the stored state
	// still is from and the stored Attempts still are attempts, and reports whether they were.
	MovePlacement(ctx context.Context, p Placement, from PlacementState, attempts int) (bool, error)
	// Placements returns the placements that match, oldest first.
	Placements(ctx context.Context, q PlacementQuery) ([]Placement, error)
	// Covered reports whether a grant that is live at that time covers the placement's key,
	// system user and server, and until when; zero is for ever. If the placement has a
	// person, only their grants count.
	Covered(ctx context.Context, p Placement, now time.Time) (covered bool, until time.Time, err error)
	// Debt returns the placements that must go and are not confirmed to be gone, and CountDebt
	// how many there are. Those that are only being renewed are not among them.
	Debt(ctx context.Context, q DebtQuery) ([]Placement, error)
	CountDebt(ctx context.Context, q DebtQuery) (int, error)
	// OldestDebt returns since when the oldest of them all must be gone; zero if there is none.
	OldestDebt(ctx context.Context, at time.Time) (time.Time, error)
}

// DueTx keeps when placements are to be looked at again: tried, verified, renewed or reread.
type DueTx interface {
	// VerifyPlaced sets the VerifyAt of the placed keys that a grant covers, stuck ones
	// included, and returns their servers.
	VerifyPlaced(ctx context.Context, grantID int64, at time.Time) ([]int64, error)
	// IdleWork returns the work on the servers that have a placement which is due, to be placed,
	// removed or verified, or whose doubt is over, and for which no job is in a queue: nobody
	// woke it, or what was woken is lost. Each piece is there once.
	IdleWork(ctx context.Context, now time.Time) ([]Work, error)
	// CountDue returns on how many servers of a target something is due by then, or limit if that
	// is less.
	CountDue(ctx context.Context, target string, by time.Time, limit int) (int, error)
	// RemovalsBy reports whether access to a target ends by then: by a live grant whose EndsAt it is,
	// or by the next try of a removal.
	RemovalsBy(ctx context.Context, target string, by time.Time) (bool, error)
	// DueRenewals returns the placed keys to be placed anew, those that lapse first at the
	// beginning: temporary ones that lapse before their grants end, and permanent ones that
	// no grant wants permanent any more. Keys of somebody who was offboarded, or has a
	// Standing, are not among them.
	DueRenewals(ctx context.Context, q RenewalQuery) ([]Placement, error)
	// CapWaits brings the times of placements that are later than the latest forward to
	// those, and jobs that are scheduled too late to now: their times were set while a
	// clock was wrong, and a removal would wait for days.
	CapWaits(ctx context.Context, latest Waits) error
	// AddReread schedules one more reading of the server of a placement.
	AddReread(ctx context.Context, placementID int64, due time.Time) error
	// DueRereads returns the placements with a reading that is due, by server.
	DueRereads(ctx context.Context, now time.Time) ([]Placement, error)
	// DropRereads deletes the readings for a placement that are due.
	DropRereads(ctx context.Context, placementID int64, now time.Time) error
}

// ResultTx keeps results.
type ResultTx interface {
	// InsertResults stores results; those that exist stay as they are.
	InsertResults(ctx context.Context, rs []Result) error
	// OweRemovals stores a waiting removal, under a request, for each cover of a grant that has
	// not ended, that matches, and whose key is on its server, or may be; those that exist
	// stay as they are.
	OweRemovals(ctx context.Context, requestID, grantID int64, q CoverQuery, now time.Time) error
	// OpenResults returns the additions and removals of a key on a server that are not final.
	OpenResults(ctx context.Context, on KeyOn) ([]Result, error)
	// OpenReadings returns the inspections of a server that are not final.
	OpenReadings(ctx context.Context, server int64) ([]Result, error)
	// OpenAudits returns the readings for audits that are not final and were last tried before
	// that time, the longest ago first, at most limit. Those that were tried long after it, by a
	// clock that was wrong, are among them.
	OpenAudits(ctx context.Context, before time.Time, limit int) ([]Result, error)
	// OpenLists returns the readings of a target's list of servers that are not final.
	OpenLists(ctx context.Context, target string) ([]Result, error)
	// WaitingKeys returns the keys that have an addition or a removal on the server that is
	// not final, each once.
	WaitingKeys(ctx context.Context, server int64) ([]KeyOn, error)
	// SaveResult inserts or replaces a result, except for its Told: see Tell.
	SaveResult(ctx context.Context, r Result) error
	// ReopenResults sets the removals of a key from a server that were done, or out of
	// reach, since that time back to waiting, and returns them: the key turned up again.
	ReopenResults(ctx context.Context, on KeyOn, since time.Time) ([]Result, error)
	// ReopenReadings has every server of a request that was read for candidates read again, and
	// returns them.
	ReopenReadings(ctx context.Context, requestID int64) ([]Result, error)
	// ReopenInspections sets the inspections of a server that were out of reach back to
	// waiting, and returns them.
	ReopenInspections(ctx context.Context, server int64) ([]Result, error)
	// ReopenAdditions sets the additions of a placement's key that were done, and for which
	// a grant is live at that time, back to waiting, and returns them: the key has to be
	// placed anew.
	ReopenAdditions(ctx context.Context, p Placement, now time.Time) ([]Result, error)
	// OpenInspections returns the inspections, and the readings of lists of servers, that are
	// not final, oldest first.
	OpenInspections(ctx context.Context) ([]Result, error)
	// Unsettled returns the requests that have a waiting or unsure result.
	Unsettled(ctx context.Context) ([]int64, error)
	// Results returns the results of a request, by server name.
	Results(ctx context.Context, requestID int64) ([]Result, error)
	// Tell sets Told to the State that each of these results has here: what the thread
	// has shown, even if the stored state has changed since.
	Tell(ctx context.Context, rs []Result) error
}

// ServerTx keeps what is known of servers.
type ServerTx interface {
	// SaveServers inserts or updates the servers of one target that were read, by their
	// ExternalID. They are neither missing nor gone then. It returns the IDs of those that
	// came online, or had been missing or gone.
	SaveServers(ctx context.Context, target string, servers []Server, now time.Time) ([]int64, error)
	// SaveServer replaces what is stored of one server, by its ID.
	SaveServer(ctx context.Context, s Server) error
	Server(ctx context.Context, id int64) (Server, error)
	// AllServers returns every server that was ever read.
	AllServers(ctx context.Context) ([]Server, error)
	// ServersAfter returns the IDs that follow one, in ascending order, at most limit.
	ServersAfter(ctx context.Context, id int64, limit int) ([]int64, error)
	// ServersOf returns these servers, in no order.
	ServersOf(ctx context.Context, ids []int64) ([]Server, error)
	// Away returns the servers that are offline, missing or gone, by name.
	Away(ctx context.Context) ([]Server, error)
	// Servers returns the servers that are not gone, by name.
	Servers(ctx context.Context) ([]Server, error)
	// CountServers returns how many servers of a target are not gone.
	CountServers(ctx context.Context, target string) (int, error)
	// DueReadings returns the servers of these targets that are not missing and were last
	// searched for orphans at or before that time, or never; the longest ago first.
	DueReadings(ctx context.Context, targets []string, now, before time.Time, limit int) ([]Server, error)
	// SetRead sets when servers, or all if none are given, were last searched for orphans.
	SetRead(ctx context.Context, servers []int64, at time.Time) error
	// Target returns what is stored of a target. One that was never saved has no ID.
	Target(ctx context.Context, name string) (TargetState, error)
	// Targets returns every target that was ever saved, by name.
	Targets(ctx context.Context) ([]TargetState, error)
	// SaveTarget inserts or replaces a target, by its name, and returns it with its ID.
	SaveTarget(ctx context.Context, t TargetState) (TargetState, error)
	// RenameTarget gives the servers of a target, and the readings of its list that are not final,
	// to another one, which has no servers; the target itself is deleted. It returns the IDs of the
	// servers.
	RenameTarget(ctx context.Context, from, to string) ([]int64, error)
}

// NewsTx takes what people are to be shown and told.
type NewsTx interface {
	// Announce says that requests have changed, so that they are drawn anew.
	Announce(ctx context.Context, requestIDs ...int64) error
	// PersonChanged says that at that time something changed of what these persons, or the
	// members of these user groups, see of their own: access, keys, requests, and what they
	// may decide. An empty id is nobody's.
	PersonChanged(ctx context.Context, at time.Time, ids ...UserID) error
	// Notify queues a message to one place; the same Key is queued once.
	Notify(ctx context.Context, n Notice) error
}

// InboxTx knows how far behind the inbox is: what people did is kept there, each in an
// envelope, until it was handled.
type InboxTx interface {
	// OldestEnvelope returns when the oldest envelope that is not handled was sent; zero
	// when none waits.
	OldestEnvelope(ctx context.Context) (time.Time, error)
}

// FlagTx keeps small values by name; empty is absent.
type FlagTx interface {
	Flag(ctx context.Context, name string) (string, error)
	SetFlag(ctx context.Context, name, value string) error
}
