package workflow

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// RequestView is everything a message about a request shows, read in one
// transaction.
type RequestView struct {
	Request      access.Request
	Facts        access.Facts   // of a pending request: what a decision is about
	Askers       []access.Asker // who else asks for the same
	Servers      []access.ServerRef
	Rotation     *access.Rotation // of a request that asks for one
	System       string           // what people call the system of that rotation's account
	Account      string           // what people call the account that it is about instead of servers; empty for none
	Lending      string           // what it means to hold a key of that account, as a sentence
	GrantPattern string           // of an extension: the servers of its grant as they were written
	Offline      int              // how many of them were offline when last read
	Keys         []access.Key     // what it covers, or would cover if it were approved now
	Approvals    []access.Approval
	Needed       int                // approvals needed
	TicketURL    string             // as in Settings
	Deciders     []string           // configured approvers, users and groups, that may still decide it, or about its candidates
	Quiet        []string           // those of them whom only the reminder mentions
	MayDecide    bool               // whether who looks may decide it; set where somebody's own list is read
	Grant        *access.Grant      // once approved
	Revoked      []access.ServerRef // servers that the grant covers no more, though it lives
	Changes      []access.Request   // approved requests that extended the grant or revoked a part of it
	Overlaps     []GrantView        // other live access of the same person that matters to an open request
	There        int                // servers where all keys are already placed by the bot for this system user
	Results      []access.Result    // by server name
	Owed         int                // of an offboarding: keys of the person that are, or may be, on a server
	Candidates   []access.Candidate
	Audit        *AuditView    // of an audit
	Restored     *RestoredView // of a request to go on after the ledger was put back from a copy
	Sessions     []OpenSession
	Missing      []access.ServerRef // servers that are owed something and not found now: an approver may say that one is gone for good

	SessionsUnread []access.ServerRef // servers of an inspection whose sessions were not read
	ListsSessions  bool               // of an offboarding: a target that it is about can tell who is logged in
	ManualSteps    []string           // of an offboarding: what its targets leave to be done by hand, a sentence each

	FormerHolders map[string]access.UserID // by fingerprint: who had one of the keys and was offboarded
	Passed        []access.Key             // of an offboarding: keys the person once had that are somebody else's now
	Refused       bool                     // of a revocation: its key cannot be registered until an approver frees it

	Subject       access.Person // whom it is about
	SubjectBarred bool          // they were offboarded and can be given no access

	Pace        access.Pace
	Paused      time.Time        // until when a target asks to be left alone; zero when none does, or not for long
	PausedBy    string           // what people call that target
	ExternalIDs map[int64]string // what targets call the servers of Results, by their ids
	HaltedBy    []string         // what people call the targets on which all work waits, because they refuse our credentials
	Renewals    reconcile.Renewals
}

func (v RequestView) approvedBy(id access.UserID) bool {
	return slices.ContainsFunc(v.Approvals, func(a access.Approval) bool { return a.Approver == id && a.Verdict == access.Approve })
}

// FullyInspected reports whether every server has been read for keys that the bot did not place.
func (v RequestView) FullyInspected() bool {
	return !slices.ContainsFunc(v.Results, func(r access.Result) bool { return r.Reads() && !r.State.Final() })
}

// OpenSession is an SSH session seen on a server while offboarding.
type OpenSession struct {
	Server  access.ServerRef
	Session access.Session
}

// GrantView is a grant as a list shows it.
type GrantView struct {
	Grant   access.Grant
	Account string // as in RequestView
	Servers int
	Names   []string // of the servers, if they are a handful
	Within  []string // whose they are then, where there are several accounts
	Pattern string
	Placed  int // keys placed now
	Wanted  int // keys not placed yet
}

// DebtView is a key that must go and is not confirmed to be gone.
type DebtView struct {
	Placement access.Placement
	Server    access.ServerRef
	Title     string // what people call its target
	Moving    bool   // being removed now; else overdue
}

// overdueAfter is how long a removal may be under way before it is called overdue, though
// nothing stands in its way.
const overdueAfter = time.Minute

// moving reports whether a removal is under way and may be expected to end in a moment.
func moving(p access.Placement, now time.Time) bool {
	waited := now.Sub(p.LeftAt)
	return p.State == access.PlacementLeaving && p.Problem == access.NoProblem && waited >= 0 && waited < overdueAfter
}

// Overview is who has access now and what is owed.
type Overview struct {
	Grants    []GrantView
	Waiting   []access.Request // open requests of the persons shown
	Undecided []UndecidedView  // for approvers: what they have to decide about key by key
	Deciders  []string         // configured approvers, users and groups, that may do so
	Debt      []DebtView       // all, or the first that are overdue
	Overdue   int              // keys that are, whether or not Debt has them
	Moving    int              // keys that are being removed now
	Complete  bool             // everybody's, not only one person's
	Log       access.Head
}

// viewChanges fills in what became of a grant since its approval: where it was revoked
// though it lives, and the requests that changed it.
func (s *Service) viewChanges(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.Kind != access.KindGrant {
		return nil
	}
	covers, err := tx.Covers(ctx, v.Grant.ID)
	if err != nil {
		return err
	}
	if v.Grant.State == access.Live {
		live := coveredBy(covers)
		v.Revoked = slices.DeleteFunc(slices.Clone(v.Servers), func(ref access.ServerRef) bool { return live[ref.ID] })
	}
	later, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Approved}, Kinds: []access.RequestKind{access.KindExtend, access.KindRevoke}, Person: v.Grant.Person})
	if err != nil {
		return err
	}
	for _, r := range later {
		changed := r.Kind == access.KindExtend && r.GrantID == v.Grant.ID
		if r.Kind == access.KindRevoke && len(v.Revoked) > 0 && !r.DecidedAt.Before(v.Grant.StartsAt) {
			servers, err := tx.RequestServers(ctx, r.ID)
			if err != nil {
				return err
			}
			revoked := access.ServerSet(v.Revoked)
			changed = slices.ContainsFunc(servers, func(ref access.ServerRef) bool { return revoked[ref.ID] })
		}
		if changed {
			v.Changes = append(v.Changes, r)
		}
	}
	return nil
}

// viewOverlaps fills in the other live access that somebody should know of who decides
// an open request: for a grant or a revocation, that on the same servers.
func (s *Service) viewOverlaps(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.Person == "" || !v.Request.State.Open() {
		return nil
	}
	live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: v.Request.Person})
	if err != nil {
		return err
	}
	asked := access.ServerSet(v.Servers)
	for _, g := range live {
		if g.ID == v.Request.GrantID || !g.LiveAt(s.Now()) {
			continue
		}
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		touched := slices.ContainsFunc(access.LiveCovers(covers), func(c access.Cover) bool { return asked[c.ServerID] })
		if !touched && len(v.Servers) > 0 {
			continue
		}
		view, err := s.grantView(ctx, tx, g)
		if err != nil {
			return err
		}
		v.Overlaps = append(v.Overlaps, view)
	}
	return nil
}

// Settled reports whether nothing of a request's work is owed any more: every key
// removed or lawfully kept, every server read, and no key of somebody who was
// offboarded that is, or may be, on a server.
func (v RequestView) Settled() bool {
	return v.Owed == 0 && !slices.ContainsFunc(v.Results, func(r access.Result) bool {
		return r.Phase != access.PhaseAdd && !r.State.Final()
	})
}
