package access

import (
	"strings"
	"time"
)

// RequestKind says what a request asks for.
type RequestKind string

// The kinds of request. An offboarding that an approver asks for is a draft until they
// confirm it; that of a deactivated account is decided by the bot, or put before the
// approvers, as the team has chosen. One of orphans nobody asks for: it gathers the keys
// that FindOrphans finds, for approvers to decide about.
const (
	KindGrant    RequestKind = "grant"
	KindExtend   RequestKind = "extend"
	KindRevoke   RequestKind = "revoke"
	KindOffboard RequestKind = "offboard"
	KindOrphan   RequestKind = "orphan"
)

// EndsAccess reports whether a request of that kind only takes access away: nothing may
// wait in front of it.
func (k RequestKind) EndsAccess() bool { return k == KindRevoke || k == KindOffboard }

// RequestState is where a request stands; see doc.go for the drawing.
type RequestState string

// The states of a request.
const (
	Draft         RequestState = "draft" // what an approver ordered, until they confirm it
	WaitingForKey RequestState = "waiting_for_key"
	Pending       RequestState = "pending"
	Approved      RequestState = "approved"
	Denied        RequestState = "denied"
	Cancelled     RequestState = "cancelled"
	Expired       RequestState = "expired"
)

// Open tells whether a request can still be decided or cancelled.
func (s RequestState) Open() bool { return s == Draft || s == WaitingForKey || s == Pending }

// Request is somebody's wish for a grant, an extension or a revocation.
type Request struct {
	ID     int64
	Kind   RequestKind
	State  RequestState
	Source string // identity of the command that made it: the same command twice makes one request

	Asker  UserID
	Person UserID // who receives, or loses, access; empty for a revocation of a key nobody registered

	SystemUser string
	Duration   time.Duration // of a grant or an extension; 0 is forever
	Pattern    string        // the servers as they were written; empty is every server
	Reason     string

	// Who made it smaller, and what was asked before; zero values while nobody did.
	ShortenedBy   UserID
	AskedDuration time.Duration
	NarrowedBy    UserID
	AskedPattern  string

	Fingerprint string // KindRevoke of one key: its fingerprint
	PublicKey   string // KindRevoke of one key: TYPE BLOB, so that candidates can be found
	GrantID     int64  // the grant this made (KindGrant) or is about (KindExtend); 0 for none

	Channel    string // where the command was given
	CreatedAt  time.Time
	ExpiresAt  time.Time // when an unanswered request expires
	DecidedAt  time.Time
	DecidedBy  UserID // empty when time or the bot decided
	Note       string // the reason of a denial, or why the bot closed it
	RemindedAt time.Time
	Facts      string // digest of what its messages show while it is pending

	Undecidable bool // nobody is left who may decide it; it waits until somebody is
}

// Forever tells whether a grant is asked without an end.
func (r Request) Forever() bool { return r.Kind == KindGrant && r.Duration == 0 }

// Unregisters tells that a key is revoked as such, not only on some servers: it is lost, and
// must not come back, neither with the next grant nor by being registered again.
func (r Request) Unregisters() bool {
	return r.Kind == KindRevoke && r.Fingerprint != "" && r.Pattern == ""
}

// Verdict is what one approver says of a request.
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
	Facts     string // digest of what was approved
}

// CheckPending refuses what came at that time to a request that was no longer open then,
// and says how it ended.
func (r Request) CheckPending(at time.Time) error {
	if r.State == Pending && at.Before(r.ExpiresAt) {
		return nil
	}
	e := &Error{Code: Conflict, Who: r.DecidedBy, When: r.DecidedAt}
	switch r.State {
	case Approved:
		e.Message = "This has been approved already."
	case Denied:
		e.Message = "This has been denied already."
	case Cancelled:
		e.Message = "This has been cancelled already."
	case WaitingForKey:
		e.Message = "This is still waiting for the person to register a key."
	case Draft:
		e.Message = "This has not been confirmed by the one who wrote it."
	default:
		e.Message, e.When = "This request has expired unanswered. It can be asked again.", r.ExpiresAt
	}
	return e
}

// Asker is somebody who asked for the same end of access as the one who made the
// request.
type Asker struct {
	RequestID int64
	Asker     UserID
	Source    string // of their command
	Reason    string
	At        time.Time
}

// ShellSource begins the source of a request that came from the operator's shell.
const ShellSource = "shell:"

// FromShell tells that nobody in Slack asked for it, but the operator's shell.
func (r Request) FromShell() bool { return strings.HasPrefix(r.Source, ShellSource) }

// LeftSource begins the source of an offboarding for which nobody asked: Slack told that
// the person left.
const LeftSource = "left:"

// OnSlacksWord reports whether nobody but Slack is behind an offboarding. One that a
// person ordered, approved or confirmed is not undone by what Slack says later.
func (r Request) OnSlacksWord() bool {
	return strings.HasPrefix(r.Source, LeftSource) && r.DecidedBy == ""
}
