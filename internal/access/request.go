package access

import (
	"strings"
	"time"
)

// RequestKind is what a request asks for.
type RequestKind string

// The kinds of request.
const (
	KindGrant  RequestKind = "grant"
	KindExtend RequestKind = "extend"
	KindRevoke RequestKind = "revoke"
	// KindOffboard that an approver asks for is a draft until they confirm it. For a
	// deactivated account the bot makes and approves it or, if so configured, puts it before
	// the approvers.
	KindOffboard RequestKind = "offboard"
	// KindOrphan is made by the bot: it collects the keys that it finds under its own labels
	// without the ledger knowing them, for approvers to decide about.
	KindOrphan RequestKind = "orphan"
	// KindReinstate lets somebody who was offboarded be given access again. It gives none by
	// itself.
	KindReinstate RequestKind = "reinstate"
	// KindPurge removes exactly the credentials that are its candidates: all that a system user
	// has on its servers when it is asked for or, without a system user, those that somebody
	// chose.
	KindPurge RequestKind = "purge"
	// KindAudit compares what is on servers with the ledger. Nobody decides it: what it finds is
	// decided about one by one.
	KindAudit RequestKind = "audit"
	// KindRotate replaces the key that an account logs in with: see Rotation.
	KindRotate RequestKind = "rotate"
	// KindRestore is made when the ledger is put back from a copy: with its approval, which needs
	// one approver, access is given again. It does not expire.
	KindRestore RequestKind = "restore"
)

// EndsAccess reports whether a request of that kind only ends access. Its work and its
// messages go before those of all others.
func (k RequestKind) EndsAccess() bool {
	return k == KindRevoke || k == KindOffboard || k == KindPurge
}

// NeedsAnother reports whether somebody else than who asks decides a request of that kind, also
// where people may otherwise decide what they asked for themselves.
func (k RequestKind) NeedsAnother() bool {
	return k == KindReinstate || k == KindPurge || k == KindRotate
}

// RequestState is the state of a request; the package comment draws them.
type RequestState string

// The states of a request.
const (
	Draft         RequestState = "draft"           // the approver who ordered it has not confirmed it yet
	WaitingForKey RequestState = "waiting_for_key" // the person has no key yet
	Pending       RequestState = "pending"         // approvers can decide
	Approved      RequestState = "approved"
	Denied        RequestState = "denied"
	Cancelled     RequestState = "cancelled"
	Expired       RequestState = "expired"
)

// Open reports whether a request can still be decided or cancelled.
func (s RequestState) Open() bool { return s == Draft || s == WaitingForKey || s == Pending }

// Request is what somebody asked for and what became of it: see the kinds of request.
type Request struct {
	ID     int64
	Kind   RequestKind
	State  RequestState
	Source string // identifies the command that made it, so that a command delivered twice makes one request; may be empty

	Asker  UserID
	Person UserID // who receives, or loses, access; empty for a revocation of a key nobody registered

	SystemUser string
	Duration   time.Duration // of a grant or an extension; 0 is forever
	Pattern    string        // the servers as they were typed (MatchServers); empty is every server
	Reason     string

	// What was asked for, if an approver shortened or narrowed it; zero values otherwise.
	ShortenedBy   UserID
	AskedDuration time.Duration
	NarrowedBy    UserID
	AskedPattern  string

	Standing Standing // of an offboarding that the bot made: as what the directory showed the person then; empty for others

	Fingerprint string // KindRevoke of one key: its fingerprint
	PublicKey   string // KindRevoke of one key: TYPE BLOB, to find candidates by
	GrantID     int64  // the grant that it made (KindGrant) or is about (KindExtend); 0 for none

	Channel    string // of the command
	CreatedAt  time.Time
	ExpiresAt  time.Time // when an unanswered request expires
	DecidedAt  time.Time
	DecidedBy  UserID // empty when time or the bot decided
	Note       string // the reason of a denial, or why the bot closed it
	RemindedAt time.Time
	Facts      string // digest of what its messages show while it is pending (Facts.Digest)

	Undecidable bool // nobody may decide it at the moment, so it waits until somebody may
}

// Forever reports whether it asks for a grant without an end.
func (r Request) Forever() bool { return r.Kind == KindGrant && r.Duration == 0 }

// Unregisters reports whether it revokes a key everywhere, not only on some servers. Such a
// key is taken for lost or stolen: no later grant places it, and nobody may register it
// until an approver frees it.
func (r Request) Unregisters() bool {
	return r.Kind == KindRevoke && r.Fingerprint != "" && r.Pattern == ""
}

// Verdict is what one approver decided about a request.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Deny    Verdict = "deny"
)

// Approval is one approver's verdict on a request.
type Approval struct {
	RequestID int64
	Approver  UserID
	Verdict   Verdict
	Reason    string
	At        time.Time
	Facts     string // digest of what was approved (Facts.Digest)
}

// CheckPending returns nil if the request could be decided at that time, and an *Error with
// code Conflict otherwise, which says how it ended, by whom and when.
func (r Request) CheckPending(at time.Time) error {
	if r.State == Pending && (r.ExpiresAt.IsZero() || at.Before(r.ExpiresAt)) {
		return nil
	}
	e := &Error{Code: Conflict, Who: r.DecidedBy, When: r.DecidedAt}
	switch r.State {
	case Approved:
		e.Message = "This has been approved already."
	case Denied:
		e.Message = "This has been denied already."
	case Cancelled:
		e.Message = "This has been withdrawn already."
		if r.DecidedBy == "" {
			e.Message = "This has been cancelled automatically."
		}
	case WaitingForKey:
		e.Message = "This is still waiting for the person to register a key."
	case Draft:
		e.Message = "This has not been confirmed by the one who wrote it."
	default:
		e.Message, e.When = "This request has expired unanswered. It can be asked again.", r.ExpiresAt
	}
	return e
}

// Asker is somebody else who asked for the same end of access as the Asker of the request,
// while that was open. Both stand behind the one request.
type Asker struct {
	RequestID int64
	Asker     UserID
	Source    string // identifies their command, as Request.Source does
	Reason    string
	At        time.Time
}

// ShellSource is the prefix of the Source of a request that came from the operator's shell.
const ShellSource = "shell:"

// FromShell reports whether the request came from the operator's shell, not from a person in the directory.
func (r Request) FromShell() bool { return strings.HasPrefix(r.Source, ShellSource) }

// DeactivatedSource is the prefix of the Source of an offboarding that the bot made, because
// the directory shows that the account is no longer a member's.
const DeactivatedSource = "deactivated:"

// Automatic reports whether an offboarding was made and approved by the bot alone, because
// of what the directory shows. If that shows the account as active again, its person may
// ask for access again; after one that somebody ordered, approved or confirmed, they may not.
func (r Request) Automatic() bool {
	return strings.HasPrefix(r.Source, DeactivatedSource) && r.DecidedBy == ""
}
