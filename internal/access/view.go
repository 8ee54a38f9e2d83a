package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// RequestView is everything a message about a request shows, read in one
// transaction.
type RequestView struct {
	Request      Request
	Facts        Facts   // of a pending request: what a decision is about
	Askers       []Asker // who else asks for the same
	Servers      []ServerRef
	GrantPattern string // of an extension: the servers of its grant as they were written
	Offline      int    // how many of them were offline when last read
	Keys         []Key  // what it covers, or would cover if it were approved now
	Approvals    []Approval
	Needed       int         // approvals needed
	Deciders     []string    // configured approvers, users and groups, that may still decide
	MayDecide    bool        // whether who looks may decide it; set where somebody's own list is read
	Grant        *Grant      // once approved
	Revoked      []ServerRef // servers that the grant covers no more, though it lives
	Changes      []Request   // approved requests that extended the grant or revoked a part of it
	Overlaps     []GrantView // other live access of the same person that matters to an open request
	There        int         // servers where all keys are already placed by the bot for this system user
	Results      []Result    // by server name
	Owed         int         // of an offboarding: keys of the person that are, or may be, on a server
	Candidates   []Candidate
	Sessions     []OpenSession
	Missing      []ServerRef // servers that are owed something and not found now: an approver may say that one is gone for good
	Messages     []Message
	Drawing      Drawing

	SessionsUnread []ServerRef // servers of an inspection whose sessions were not read

	Leavers map[string]UserID // by fingerprint: who had one of the keys and was offboarded
	Passed  []Key             // of an offboarding: keys the person once had that are somebody else's now
	Refused bool              // of a revocation: its key cannot be registered until an approver frees it

	Leaver    Person // whom it is about
	LeaverOut bool   // they were offboarded and can be given no access

	Pace     Pace
	Paused   time.Time // until when the target asks to be left alone; zero when it does not, or not for long
	Halted   bool      // all work waits, because the target refuses our credentials
	Renewals Renewals
}

func (v RequestView) approvedBy(id UserID) bool {
	return slices.ContainsFunc(v.Approvals, func(a Approval) bool { return a.Approver == id && a.Verdict == Approve })
}

// Undecided counts the keys that the bot did not place and that nobody has decided
// about: to remove them, or to leave them.
func (v RequestView) Undecided() int {
	open := 0
	for _, c := range v.Candidates {
		if c.PickedBy == "" {
			open++
		}
	}
	return open
}

// OpenDigest names the keys that nobody has decided about: others have another digest.
func (v RequestView) OpenDigest() string {
	var open strings.Builder
	for _, c := range v.Candidates {
		if c.PickedBy == "" {
			fmt.Fprintf(&open, "%d:%d\n", c.ServerID, c.Credential.ID)
		}
	}
	return digest([]byte(open.String()))
}

// Read tells whether every server has been read for keys that the bot did not place.
func (v RequestView) Read() bool {
	return !slices.ContainsFunc(v.Results, func(r Result) bool { return r.Phase == PhaseInspect && !r.State.Final() })
}

// Renewals is what keeping a long grant alive costs of the target's quota.
type Renewals struct {
	Every         time.Duration // 0 when the grant needs none
	CallsPerMonth int
}

// OpenSession is an SSH session seen on a server while offboarding.
type OpenSession struct {
	Server  ServerRef
	Session Session
}

// GrantView is a grant as a list shows it.
type GrantView struct {
	Grant   Grant
	Servers int
	Names   []string // up to a handful of server names
	Pattern string
	Placed  int // keys placed now
	Wanted  int // keys not placed yet
}

// DebtView is a key that must go and is not confirmed to be gone.
type DebtView struct {
	Placement Placement
	Server    ServerRef
	Moving    bool // being removed now; else overdue
}

// overdueAfter is how long a removal may be under way before it is called overdue, though
// nothing stands in its way.
const overdueAfter = time.Minute

// moving reports whether a removal is under way and may be expected to end in a moment.
func (p Placement) moving(now time.Time) bool {
	waited := now.Sub(p.LeftAt)
	return p.State == PlacementLeaving && p.Problem == NoProblem && waited >= 0 && waited < overdueAfter
}

// Overview answers who has access now and what is owed.
type Overview struct {
	Grants   []GrantView
	Waiting  []Request // open requests of the persons shown
	Debt     []DebtView
	Complete bool // everybody's, not only one person's
}

// viewChanges fills in what became of a grant since its approval: where it was revoked
// though it lives, and the requests that changed it.
func (s *Service) viewChanges(ctx context.Context, tx Tx, v *RequestView) error {
	if v.Request.Kind != KindGrant {
		return nil
	}
	covers, err := tx.Covers(ctx, v.Grant.ID)
	if err != nil {
		return err
	}
	if v.Grant.State == Live {
		live := serversOf(liveCovers(slices.Clone(covers)))
		v.Revoked = slices.DeleteFunc(slices.Clone(v.Servers), func(ref ServerRef) bool { return slices.Contains(live, ref.ID) })
	}
	later, err := tx.Requests(ctx, RequestQuery{States: []RequestState{Approved}, Kinds: []RequestKind{KindExtend, KindRevoke}, Person: v.Grant.Person})
	if err != nil {
		return err
	}
	for _, r := range later {
		changed := r.Kind == KindExtend && r.GrantID == v.Grant.ID
		if r.Kind == KindRevoke && len(v.Revoked) > 0 && !r.DecidedAt.Before(v.Grant.StartsAt) {
			servers, err := tx.RequestServers(ctx, r.ID)
			if err != nil {
				return err
			}
			changed = slices.ContainsFunc(servers, func(ref ServerRef) bool { return contains(v.Revoked, ref.ID) })
		}
		if changed {
			v.Changes = append(v.Changes, r)
		}
	}
	return nil
}

// viewOverlaps fills in the other live access that somebody should know of who decides
// an open request: for a grant or a revocation, that on the same servers.
func (s *Service) viewOverlaps(ctx context.Context, tx Tx, v *RequestView) error {
	if v.Request.Person == "" || !v.Request.State.Open() {
		return nil
	}
	live, err := tx.Grants(ctx, GrantQuery{State: Live, Person: v.Request.Person})
	if err != nil {
		return err
	}
	names, err := serverNames(ctx, tx)
	if err != nil {
		return err
	}
	for _, g := range live {
		if g.ID == v.Request.GrantID || !g.LiveAt(s.Now()) {
			continue
		}
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		touched := slices.ContainsFunc(liveCovers(covers), func(c Cover) bool { return contains(v.Servers, c.ServerID) })
		if !touched && len(v.Servers) > 0 {
			continue
		}
		view, err := s.grantView(ctx, tx, g, names)
		if err != nil {
			return err
		}
		v.Overlaps = append(v.Overlaps, view)
	}
	return nil
}

func contains(refs []ServerRef, id int64) bool {
	return slices.ContainsFunc(refs, func(ref ServerRef) bool { return ref.ID == id })
}
