package access

import (
	"context"
	"time"
)

// Store is the ledger. Both methods may call fn again when the database asks
// for it, so fn has no effect outside the transaction.
type Store interface {
	// Update runs fn in one transaction; an error from fn undoes everything.
	Update(ctx context.Context, fn func(Tx) error) error
	// Read runs fn on one consistent state, without writing.
	Read(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction on the ledger. Methods that look up one thing answer an
// Error with code NotFound when it is not there; in an Update, Request, Grant and
// Placement also lock what they answer until the transaction ends. Methods that
// change a state are conditional on the state they leave and tell whether they won.
type Tx interface {
	PersonTx
	RequestTx
	GrantTx
	PlacementTx
	ResultTx
	ServerTx
	OutboxTx

	// Audit appends an event to the chain; Seal is done by the store.
	Audit(ctx context.Context, e Event) error
	// Events lists audit events after a sequence number, oldest first, at most limit.
	Events(ctx context.Context, after int64, limit int) ([]Event, error)
	// Wake makes sure that each piece of work runs soon. It is part of the transaction.
	Wake(ctx context.Context, work ...Work) error
}

// PersonTx keeps persons and keys.
type PersonTx interface {
	// Person answers a person; one the ledger has not met is active and has no keys.
	Person(ctx context.Context, id UserID) (Person, error)
	// SetOffboarded marks the person; who was offboarded before stays so since then, and
	// who had returned is offboarded anew.
	SetOffboarded(ctx context.Context, id UserID, at time.Time) error
	// SetReturned notes since when the account of somebody who was offboarded is active
	// again; zero takes that back. False when it was so before, or nobody offboarded them.
	SetReturned(ctx context.Context, id UserID, at time.Time) (bool, error)
	// SetStanding notes how a person stands who is no member; empty takes that back.
	SetStanding(ctx context.Context, id UserID, standing Standing) error
	// KnownPersons lists everybody who has a key, a live grant or an open request, or was
	// offboarded.
	KnownPersons(ctx context.Context) ([]UserID, error)
	// Key answers the key with that fingerprint as its holder's, or as that of its last
	// holder where it has none now.
	Key(ctx context.Context, fingerprint string) (Key, error)
	// Holders lists the key as that of everybody who ever held it: the present holder
	// first, then those who lost it last.
	Holders(ctx context.Context, fingerprint string) ([]Key, error)
	// KeysOf lists a person's keys that count, oldest first.
	KeysOf(ctx context.Context, id UserID) ([]Key, error)
	// AllKeysOf lists every key the person ever registered, oldest first.
	AllKeysOf(ctx context.Context, id UserID) ([]Key, error)
	// SaveKey inserts the key, or replaces it as this person's. Only one person holds it.
	SaveKey(ctx context.Context, k Key) error

	// SaveChallenge stores a challenge in place of an earlier one for the same person and key.
	SaveChallenge(ctx context.Context, c Challenge, now time.Time) error
	Challenge(ctx context.Context, nonce string) (Challenge, error)
	// DropChallenge uses a challenge up; false when it was used before.
	DropChallenge(ctx context.Context, nonce string) (bool, error)
}

// RequestTx keeps requests, their servers and approvals.
type RequestTx interface {
	// InsertRequest stores a new request with its servers and answers it with its ID.
	// When a request with that Source exists, that one is answered and fresh is false.
	InsertRequest(ctx context.Context, r Request, servers []ServerRef) (stored Request, fresh bool, err error)
	Request(ctx context.Context, id int64) (Request, error)
	// MoveRequest stores r, whose State is new, if the stored state still is from.
	MoveRequest(ctx context.Context, r Request, from RequestState) (bool, error)
	// Requests lists requests that match, oldest first.
	Requests(ctx context.Context, q RequestQuery) ([]Request, error)
	RequestServers(ctx context.Context, id int64) ([]ServerRef, error)
	// SetRequestServers replaces the servers of a request (an approver narrowed it).
	SetRequestServers(ctx context.Context, id int64, servers []ServerRef) error
	// SaveFacts keeps what a digest of a request's facts stands for, and Facts returns
	// it. DropFacts forgets all of a request.
	SaveFacts(ctx context.Context, id int64, f Facts) error
	Facts(ctx context.Context, id int64, digest string) (Facts, error)
	DropFacts(ctx context.Context, id int64) error
	// AddApproval stores a verdict; false when that approver has given one on the same
	// facts before.
	AddApproval(ctx context.Context, a Approval) (bool, error)
	Approvals(ctx context.Context, id int64) ([]Approval, error)
	// DropApproval takes a verdict back; false when there is none.
	DropApproval(ctx context.Context, id int64, approver UserID) (bool, error)
	// AddAsker adds somebody who asks for the same; false when they are known. DropAsker
	// takes them back, and Askers lists them, oldest first.
	AddAsker(ctx context.Context, a Asker) (bool, error)
	DropAsker(ctx context.Context, id int64, asker UserID) error
	Askers(ctx context.Context, id int64) ([]Asker, error)
	// SaveCandidates adds credentials that a person may pick; known ones stay as they are.
	SaveCandidates(ctx context.Context, cs []Candidate) error
	Candidates(ctx context.Context, requestID int64) ([]Candidate, error)
	// PickCandidate stores who decided about a candidate, when and what; false when
	// that was decided before or it is not one.
	PickCandidate(ctx context.Context, c Candidate) (bool, error)
}

// RequestQuery selects requests; zero fields do not restrict.
type RequestQuery struct {
	States        []RequestState
	Kinds         []RequestKind
	Asker         UserID
	Person        UserID
	ExpiresBefore time.Time
	CreatedAfter  time.Time
	Limit         int // 0 is no limit
}

// GrantTx keeps grants and what they cover.
type GrantTx interface {
	// InsertGrant stores a new live grant with its covers and answers it with its ID.
	InsertGrant(ctx context.Context, g Grant, covers []Cover) (Grant, error)
	Grant(ctx context.Context, id int64) (Grant, error)
	// MoveGrant stores g if the stored state still is from.
	MoveGrant(ctx context.Context, g Grant, from GrantState) (bool, error)
	// Grants lists grants that match, oldest first.
	Grants(ctx context.Context, q GrantQuery) ([]Grant, error)
	// Covers lists what a grant covers, ended covers included.
	Covers(ctx context.Context, grantID int64) ([]Cover, error)
	// EndCovers ends the covers that match on live grants of the person (empty: of
	// anybody), narrowed to servers and fingerprint where given. A live grant that
	// covers nothing any more is left for the caller to end.
	EndCovers(ctx context.Context, q CoverQuery, at time.Time) error
	// EmptyGrants lists live grants without a single cover left.
	EmptyGrants(ctx context.Context) ([]Grant, error)
}

// GrantQuery selects grants; zero fields do not restrict.
type GrantQuery struct {
	State       GrantState
	Person      UserID
	RequestID   int64
	EndsBefore  time.Time // ends at or before
	SteadyUntil time.Time // with EndsBefore: those that end at or before that by the steady clock, too
	NotReminded bool
	Limit       int
}

// CoverQuery selects live covers; zero fields do not restrict.
type CoverQuery struct {
	Person      UserID
	Fingerprint string
	Servers     []int64
}

// PlacementTx keeps placements.
type PlacementTx interface {
	// Reconcile brings the placements in line with the grants that are live at that
	// time, on the given servers (none: on all): what is covered and not there
	// gets a wanted placement, with the Label of the oldest grant that covers it; what
	// is there, or may be, and no longer covered becomes leaving and is not urgent (a
	// wanted one, which surely is not there, is gone at once); a leaving one that is
	// covered again and for which no call was made is placed again, and one that is
	// only in doubt is unknown again. It returns what it changed.
	Reconcile(ctx context.Context, now time.Time, servers []int64) ([]Move, error)
	// OutOfLine lists the servers on which Align would change something at that time.
	OutOfLine(ctx context.Context, now time.Time) ([]int64, error)
	Placement(ctx context.Context, id int64) (Placement, error)
	InsertPlacement(ctx context.Context, p Placement) (Placement, error)
	// MovePlacement stores p if the stored state still is from and its Attempts
	// still are attempts.
	MovePlacement(ctx context.Context, p Placement, from PlacementState, attempts int) (bool, error)
	// Placements lists placements that match, oldest first.
	Placements(ctx context.Context, q PlacementQuery) ([]Placement, error)
	// Covered tells whether a grant that is live then, of the placement's person where it
	// has one, covers its key, user and server, and until when (zero: for ever).
	Covered(ctx context.Context, p Placement, now time.Time) (covered bool, until time.Time, err error)
	// VerifyPlaced has the placed keys that a grant covers looked for at that time, stuck
	// ones included, and answers their servers.
	VerifyPlaced(ctx context.Context, grantID int64, at time.Time) ([]int64, error)
	// ReleaseHeld frees the placements that the replica holds.
	ReleaseHeld(ctx context.Context, replica string) error
	// DueWork lists the work on the servers where a placement is due, or where the
	// list is to be read once more, each once.
	DueWork(ctx context.Context, now time.Time) ([]Work, error)
	// DueRenewals lists placed keys to be placed anew: temporary ones that lapse before
	// their grants end, and permanent ones that no grant asks to be permanent any more;
	// none of somebody who left, or whose noted standing is not a member's.
	DueRenewals(ctx context.Context, q RenewalQuery) ([]Placement, error)
	// CapWaits brings placements that wait for longer than anything is made to wait
	// forward to the latest times, and other work to now: a clock that was wrong had
	// set their times.
	CapWaits(ctx context.Context, latest Waits) error
	// Debt lists the placements that must go and are not confirmed to be gone, oldest
	// first, without those that are only being renewed.
	Debt(ctx context.Context, now time.Time) ([]Placement, error)
	// AddReread has a placement's server read once more at that time.
	AddReread(ctx context.Context, placementID int64, due time.Time) error
	// DueRereads lists the placements with a look that is due, by server.
	DueRereads(ctx context.Context, now time.Time) ([]Placement, error)
	// DropRereads forgets the looks at a placement that are due.
	DropRereads(ctx context.Context, placementID int64, now time.Time) error
}

// RenewalQuery selects the placed keys to be placed anew.
type RenewalQuery struct {
	Target       string // of whose servers; empty is of any
	Now          time.Time
	Spare        time.Duration // how much earlier than its grant a temporary key may lapse
	LapsesBefore time.Time     // temporary keys that lapse at or before
	Spread       time.Duration // up to how much sooner a key must lapse, each by another part of that, so that not all come at once
	PlacedBefore time.Time     // permanent keys placed at or before
	Permanent    time.Duration // grants longer than that, and those without an end, keep a key permanent
	Limit        int           // 0 is no limit
}

// Move is a placement in its new state, and the state that it left; empty for a new one.
type Move struct {
	From PlacementState
	Placement
}

// Waits are the latest times that anything may be made to wait for.
type Waits struct {
	Retry   time.Time // the next try
	Refused time.Time // the next try of what was refused
	Limited time.Time // the next try where the other side asked for patience, or look whether a key still is there
	InDoubt time.Time // reading a server's list once more
}

// PlacementQuery selects placements; zero fields do not restrict.
type PlacementQuery struct {
	Target          string // of whose servers
	Server          int64
	Servers         []int64
	States          []PlacementState
	Person          UserID
	Fingerprint     string
	Picked          string
	SystemUser      string
	Label           string
	Credential      string    // by the id that the target gave
	Due             time.Time // NextAt at or before, and not stuck
	DoubtEndsBefore time.Time // InDoubtUntil set and at or before; a leaving one's own work sees to that
	VerifyBefore    time.Time // placed, not stuck, VerifyAt set and at or before
	LapsesBefore    time.Time // LapsesAt set and at or before
	Problem         Problem
	Limit           int
}

// ResultTx keeps results.
type ResultTx interface {
	// InsertResults stores results; those that exist stay as they are.
	InsertResults(ctx context.Context, rs []Result) error
	// OpenResults lists results of a key on a server that are not final.
	OpenResults(ctx context.Context, on KeyOn) ([]Result, error)
	// OpenReadings lists the inspections of a server that are not final.
	OpenReadings(ctx context.Context, server int64) ([]Result, error)
	// OpenLists lists the readings of a target's list of servers that are not final.
	OpenLists(ctx context.Context, target string) ([]Result, error)
	// WaitingKeys lists the keys with additions to a server and removals from it that are
	// not final, each once.
	WaitingKeys(ctx context.Context, server int64) ([]KeyOn, error)
	SaveResult(ctx context.Context, r Result) error
	// ReopenResults makes removals of a key from a server wait again that were settled
	// as done, or as out of reach, since that time, and answers them.
	ReopenResults(ctx context.Context, on KeyOn, since time.Time) ([]Result, error)
	// ReopenInspections makes inspections of a server wait again that were out of reach,
	// and returns them.
	ReopenInspections(ctx context.Context, server int64) ([]Result, error)
	// ReopenAdditions makes additions of a placement's key to its server wait again that
	// were settled and whose grants want it there at that time, and answers them.
	ReopenAdditions(ctx context.Context, p Placement, now time.Time) ([]Result, error)
	// OpenInspections lists inspections, and readings of lists of servers, that are not final.
	OpenInspections(ctx context.Context) ([]Result, error)
	// Unsettled lists the requests with results that still change by themselves.
	Unsettled(ctx context.Context) ([]int64, error)
	// Results lists the results of a request, by server name.
	Results(ctx context.Context, requestID int64) ([]Result, error)
	// Tell records what the thread has shown of these results.
	Tell(ctx context.Context, rs []Result) error
}

// ServerTx keeps what is known of servers.
type ServerTx interface {
	// SaveServers stores servers of one target that were read, known by their ExternalID:
	// they are there. It returns the ids of those that came online or had been missing or gone.
	SaveServers(ctx context.Context, target string, servers []Server, now time.Time) ([]int64, error)
	// SaveServer stores what is known of one server as it is given.
	SaveServer(ctx context.Context, s Server) error
	Server(ctx context.Context, id int64) (Server, error)
	// AllServers lists every server that was ever read.
	AllServers(ctx context.Context) ([]Server, error)
	// Servers lists the servers that are not settled as gone, by name.
	Servers(ctx context.Context) ([]Server, error)
	// DueReadings lists servers of these targets that are found and were last read for
	// orphans at or before that time, or never, the longest ago first.
	DueReadings(ctx context.Context, targets []string, now, before time.Time, limit int) ([]Server, error)
	// SetRead notes when servers (none: all) were last read for orphans.
	SetRead(ctx context.Context, servers []int64, at time.Time) error
	// Target returns what is known of a target; one the ledger has not met has no ID.
	Target(ctx context.Context, name string) (TargetState, error)
	// Targets lists every target the ledger has met, by name.
	Targets(ctx context.Context) ([]TargetState, error)
	// SaveTarget stores what is known of a target and returns it with its ID.
	SaveTarget(ctx context.Context, t TargetState) (TargetState, error)
}

// OutboxTx keeps what Slack shows and still has to be told. It also tells how far behind
// the inbox is, and keeps flags.
type OutboxTx interface {
	// Announce marks requests to be drawn anew.
	Announce(ctx context.Context, requestIDs ...int64) error
	// Drawing answers the drawing of a request.
	Drawing(ctx context.Context, requestID int64) (Drawing, error)
	// SaveDrawing records how far Slack shows the request (Shown), when to draw next,
	// and how often that has failed.
	SaveDrawing(ctx context.Context, d Drawing) error
	// DueDrawings lists requests whose drawing is behind and due.
	DueDrawings(ctx context.Context, now time.Time) ([]int64, error)

	// Notify queues a message to one place; the same Key is queued once. That of an
	// App Home is queued again once it was sent.
	Notify(ctx context.Context, n Notice) error
	Notice(ctx context.Context, id int64) (Notice, error)
	DueNotices(ctx context.Context, now time.Time) ([]int64, error)
	SaveNotice(ctx context.Context, n Notice) error

	// Messages lists what was posted for a request; SaveMessage adds or replaces by (request, role, channel, ts).
	Messages(ctx context.Context, requestID int64) ([]Message, error)
	SaveMessage(ctx context.Context, m Message) error
	// OldestEnvelope is when the oldest envelope that is not handled was sent; zero
	// when none waits.
	OldestEnvelope(ctx context.Context) (time.Time, error)
	// Flag and SetFlag keep a small value under a name; empty is absent.
	Flag(ctx context.Context, name string) (string, error)
	SetFlag(ctx context.Context, name, value string) error
}

// KeyOn is a key for a system user on a server: a known one by its fingerprint, or one that
// a person picked by its credential id.
type KeyOn struct {
	ServerID    int64
	SystemUser  string
	Fingerprint string
	Picked      string
}

// Drawing says how far Slack shows a request.
type Drawing struct {
	RequestID int64
	Version   int64     // grows with every change
	Shown     int64     // the version that Slack shows
	NextAt    time.Time // do not draw before
	Attempts  int
}

// Message is a message that was posted for a request.
type Message struct {
	RequestID int64
	Role      string // "request", "progress", "summary", …: the drawer's word
	Channel   string
	TS        string
	Digest    string // of what it shows, so that the same is not sent twice
}

// Candidate is a credential on a server that may belong to somebody and that the
// bot did not place; only a person may choose to remove it.
type Candidate struct {
	RequestID  int64
	ServerID   int64
	ServerName string
	Credential Credential
	Why        string // WhyLabel, WhyKey, WhyType, WhyWhole or WhyOrphan: what made it a candidate
	PickedBy   UserID // who decided about it; empty while that is open
	PickedAt   time.Time
	Spared     bool // decided was that it stays
}
