package workflow

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// AuditView is what an audit has found and nobody has decided about.
type AuditView struct {
	Read    int // servers read
	Moving  int // servers that are being read
	Missing []MissingGroup
	Groups  []FindingGroup // those with root first, then the oldest
	Kept    int            // credentials that stay, as somebody decided
	Unknown []int64        // requests with keys under our label to decide about
}

// HasNews reports whether an audit has found something to tell.
func (a *AuditView) HasNews(v RequestView) bool {
	removed := slices.ContainsFunc(v.Results, func(r access.Result) bool { return r.Phase == access.PhaseRemove })
	return removed || len(a.Missing)+len(a.Unknown) > 0 || slices.ContainsFunc(a.Groups, func(g FindingGroup) bool { return g.Asked == 0 })
}

// MissingGroup is a key of a grant that somebody deleted on servers.
type MissingGroup struct {
	Grant      access.Grant
	Key        access.Key
	Placements []access.Placement
	Servers    []access.ServerRef
	Digest     string
}

// FindingGroup are credentials that nobody manages, with the same label and the same visible
// key: equal beginnings may be different keys.
type FindingGroup struct {
	Label     string
	PublicKey string
	Users     []string // system users, root first
	Findings  []access.Finding
	Servers   []access.ServerRef
	Oldest    time.Time // when the oldest was placed; zero where the target does not say
	New       bool      // this audit was the first to find one of them
	Asked     int64     // the request to remove them that is open, or approved; 0 for none
	Digest    string
}

// viewAudit fills in what an audit has found.
func (s *Service) viewAudit(ctx context.Context, tx access.Tx, v *RequestView) (err error) {
	if v.Request.Kind != access.KindAudit {
		return nil
	}
	a := &AuditView{}
	for _, r := range v.Results {
		switch {
		case r.Phase != access.PhaseAudit:
		case r.State.Final():
			a.Read++
		case s.Now().Sub(v.Request.CreatedAt) < auditWithin && r.Moving():
			a.Moving++
		}
	}
	if a.Missing, err = s.missingOn(ctx, tx, v.Servers); err != nil {
		return err
	}
	if err := s.viewFindings(ctx, tx, v, a); err != nil {
		return err
	}
	a.Unknown, err = undecidedOrphans(ctx, tx)
	v.Audit = a
	return err
}

// missingOn returns the keys that somebody deleted on servers, by grant.
func (s *Service) missingOn(ctx context.Context, tx access.Tx, servers []access.ServerRef) ([]MissingGroup, error) {
	deleted, err := tx.Placements(ctx, access.PlacementQuery{Problem: access.ProblemDeleted, States: []access.PlacementState{access.PlacementPlaced, access.PlacementWanted}})
	if err != nil {
		return nil, err
	}
	type of struct {
		grant int64
		key   string
	}
	groups := map[of]*MissingGroup{}
	for _, p := range deleted {
		i := slices.IndexFunc(servers, func(ref access.ServerRef) bool { return ref.ID == p.ServerID })
		if i < 0 {
			continue
		}
		at := of{p.GrantID, p.Fingerprint}
		if groups[at] == nil {
			groups[at] = &MissingGroup{}
		}
		groups[at].Placements = append(groups[at].Placements, p)
		groups[at].Servers = append(groups[at].Servers, servers[i])
	}
	var all []MissingGroup
	for at, g := range groups {
		if g.Grant, err = tx.Grant(ctx, at.grant); err != nil {
			return nil, err
		}
		if g.Key, err = keyAs(ctx, tx, at.key, g.Grant.Person); err != nil {
			return nil, err
		}
		text := ""
		for _, p := range g.Placements {
			text += fmt.Sprintf("%d\n", p.ID)
		}
		g.Digest = access.Digest([]byte(text))
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b MissingGroup) int {
		return cmp.Or(cmp.Compare(a.Grant.ID, b.Grant.ID), strings.Compare(a.Key.Fingerprint, b.Key.Fingerprint))
	})
	return all, nil
}

// viewFindings fills in what nobody manages on the servers of an audit.
func (s *Service) viewFindings(ctx context.Context, tx access.Tx, v *RequestView, a *AuditView) error {
	found, err := tx.Findings(ctx, access.IDsOf(v.Servers)...)
	if err != nil {
		return err
	}
	states := map[int64]access.RequestState{}
	var open []access.Finding
	for _, f := range found {
		if f.Kept() {
			a.Kept++
			continue
		}
		if _, known := states[f.RequestID]; f.RequestID != 0 && !known {
			r, err := tx.Request(ctx, f.RequestID)
			if err != nil {
				return err
			}
			states[f.RequestID] = r.State
		}
		if state := states[f.RequestID]; state != access.Pending && state != access.Approved {
			f.RequestID = 0
		}
		open = append(open, f)
	}
	a.Groups = groupFindings(open, v.Servers, v.Request.CreatedAt)
	return nil
}

// groupFindings puts credentials together that look the same.
func groupFindings(found []access.Finding, servers []access.ServerRef, since time.Time) []FindingGroup {
	refs := map[int64]access.ServerRef{}
	for _, ref := range servers {
		refs[ref.ID] = ref
	}
	slices.SortStableFunc(found, func(a, b access.Finding) int { return strings.Compare(refs[a.ServerID].Name, refs[b.ServerID].Name) })
	type of struct {
		label, key string
		asked      int64
	}
	index := map[of]int{}
	var groups []FindingGroup
	for _, f := range found {
		at := of{f.Credential.Label, f.Credential.PublicKey, f.RequestID}
		i, known := index[at]
		if !known {
			i = len(groups)
			index[at] = i
			groups = append(groups, FindingGroup{Label: at.label, PublicKey: at.key, Asked: at.asked})
		}
		groups[i].add(f, refs[f.ServerID], since)
	}
	for i := range groups {
		groups[i].Digest = digestOf(groups[i].Findings)
	}
	slices.SortStableFunc(groups, compareGroups)
	return groups
}

func (g *FindingGroup) add(f access.Finding, at access.ServerRef, since time.Time) {
	c := f.Credential
	g.Findings = append(g.Findings, f)
	g.Servers = append(g.Servers, at)
	if g.Oldest.IsZero() || !c.CreatedAt.IsZero() && c.CreatedAt.Before(g.Oldest) {
		g.Oldest = c.CreatedAt
	}
	g.New = g.New || !f.FoundAt.Before(since)
	if c.SystemUser != "" && !slices.Contains(g.Users, c.SystemUser) {
		g.Users = append(g.Users, c.SystemUser)
		slices.SortFunc(g.Users, func(a, b string) int { return cmp.Or(rootFirst(a)-rootFirst(b), strings.Compare(a, b)) })
	}
}

func rootFirst(user string) int {
	if user == "root" {
		return 0
	}
	return 1
}

// compareGroups sorts what is new first, then what is root's, then the oldest.
func compareGroups(a, b FindingGroup) int {
	rank := func(g FindingGroup) int {
		n := 0
		if !g.New {
			n += 4
		}
		if !slices.Contains(g.Users, "root") {
			n += 2
		}
		return n
	}
	return cmp.Or(rank(a)-rank(b), a.Oldest.Compare(b.Oldest), strings.Compare(a.Label, b.Label), strings.Compare(a.PublicKey, b.PublicKey))
}

func digestOf(found []access.Finding) string {
	var text strings.Builder
	for _, f := range found {
		fmt.Fprintf(&text, "%d:%s\n", f.ServerID, f.Credential.ID)
	}
	return access.Digest([]byte(text.String()))
}

// undecidedOrphans returns the requests with keys under our label that nobody has decided about.
func undecidedOrphans(ctx context.Context, tx access.Tx) (open []int64, err error) {
	requests, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindOrphan}})
	if err != nil {
		return nil, err
	}
	for _, r := range requests {
		candidates, err := tx.Candidates(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(candidates, func(c access.Candidate) bool { return !c.Decided() }) {
			open = append(open, r.ID)
		}
	}
	return open, nil
}
