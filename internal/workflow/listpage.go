package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// How many entries a page has: as many as fit into a message when all of them are long.
const (
	accessOnPage  = 20
	pendingOnPage = 8
	serversOnPage = 30
)

// The parts of the list of who has access: what has to end comes first, then what has to be decided.
const (
	PartDebt = iota
	PartUndecided
	PartWaiting
	PartGrants
)

// The parts of the list of what waits for an approver.
const (
	PartPending = iota
	PartToDecide
)

// AccessPage is a page of who has access and what is owed. Of these, its Overview has only what it shows; keys
// that are being removed now are only counted.
type AccessPage struct {
	Overview
	Page
}

// ToDecide returns how many requests have keys to decide about, one by one, in all.
func (p AccessPage) ToDecide() int { return p.Parts[PartUndecided] }

// Open returns how many requests are before the approvers in all.
func (p AccessPage) Open() int { return p.Parts[PartWaiting] }

// Live returns how many grants are live in all.
func (p AccessPage) Live() int { return p.Parts[PartGrants] }

// AccessPage returns a page of what Access returns, to the same persons.
func (s *Service) AccessPage(ctx context.Context, actor, of access.UserID, q PageQuery) (AccessPage, error) {
	of, approver, err := s.mayList(ctx, actor, of)
	if err != nil {
		return AccessPage{}, err
	}
	var page AccessPage
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		page = AccessPage{Overview: Overview{Complete: of == ""}}
		debt := access.DebtQuery{At: s.Now(), Person: of}
		owed, err := tx.CountDebt(ctx, debt)
		if err != nil {
			return err
		}
		var undecided []UndecidedView
		if approver {
			if undecided, err = undecidedOf(ctx, tx, of); err != nil {
				return err
			}
		}
		page.Page, err = readPage(s.accessParts(ctx, tx, &page, debt, undecided), q, accessOnPage)
		if err == nil {
			page.Overdue = page.Parts[PartDebt]
			page.Moving = owed - page.Overdue
		}
		return err
	})
	return page, err
}

func (s *Service) accessParts(ctx context.Context, tx access.Tx, page *AccessPage, debt access.DebtQuery, undecided []UndecidedView) []part {
	overdue := s.overduePart(ctx, tx, debt, func(d DebtView) error { page.Debt = append(page.Debt, d); return nil })
	waiting := requestsPart(ctx, tx, waitingOf(debt.Person), func(r access.Request) error { page.Waiting = append(page.Waiting, r); return nil })
	live := grantsPart(ctx, tx, access.GrantQuery{State: access.Live, Person: debt.Person}, func(g access.Grant) error {
		view, err := s.grantView(ctx, tx, g)
		page.Grants = append(page.Grants, view)
		return err
	})
	toDecide := undecidedPart(undecided, func(u UndecidedView) { page.Undecided = append(page.Undecided, u) })
	return []part{PartDebt: overdue, PartUndecided: toDecide, PartWaiting: waiting, PartGrants: live}
}

func (s *Service) overduePart(ctx context.Context, tx access.Tx, q access.DebtQuery, show func(DebtView) error) part {
	q.Since = q.At.Add(-overdueAfter)
	between := func(s span) access.DebtQuery {
		q := q
		q.After, q.Before, q.Newest, q.Limit = s.After, s.Before, s.Newest, s.Limit
		return q
	}
	count := func(at span) (int, error) { return tx.CountDebt(ctx, between(at)) }
	read := func(at span) ([]DebtView, error) { return s.debtViews(ctx, tx, between(at)) }
	return stored(count, read, func(d DebtView) entry { return entry{d.Placement.ID, func() error { return show(d) }} })
}

func requestsPart(ctx context.Context, tx access.Tx, q access.RequestQuery, show func(access.Request) error) part {
	between := func(s span) access.RequestQuery {
		q := q
		q.After, q.Before, q.Newest, q.Limit = s.After, s.Before, s.Newest, s.Limit
		return q
	}
	count := func(s span) (int, error) { return tx.CountRequests(ctx, between(s)) }
	read := func(s span) ([]access.Request, error) { return tx.Requests(ctx, between(s)) }
	return stored(count, read, func(r access.Request) entry { return entry{r.ID, func() error { return show(r) }} })
}

func grantsPart(ctx context.Context, tx access.Tx, q access.GrantQuery, show func(access.Grant) error) part {
	between := func(s span) access.GrantQuery {
		q := q
		q.After, q.Before, q.Newest, q.Limit = s.After, s.Before, s.Newest, s.Limit
		return q
	}
	count := func(s span) (int, error) { return tx.CountGrants(ctx, between(s)) }
	read := func(s span) ([]access.Grant, error) { return tx.Grants(ctx, between(s)) }
	return stored(count, read, func(g access.Grant) entry { return entry{g.ID, func() error { return show(g) }} })
}

// PendingPage is a page of what waits for an approver: requests, and then those that have keys
// to decide about, one by one.
type PendingPage struct {
	Page
	Views     []RequestView
	Undecided []UndecidedView
}

// Open returns how many requests wait for an approver in all.
func (p PendingPage) Open() int { return p.Parts[PartPending] }

// ToDecide returns how many requests have keys to decide about in all.
func (p PendingPage) ToDecide() int { return p.Parts[PartToDecide] }

// PendingRequests returns a page of what waits for an approver.
func (s *Service) PendingRequests(ctx context.Context, actor access.UserID, q PageQuery) (PendingPage, error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return PendingPage{}, err
	}
	var page PendingPage
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		page = PendingPage{}
		all := requestsPart(ctx, tx, access.RequestQuery{States: []access.RequestState{access.Pending}}, func(r access.Request) error {
			v, err := s.pendingView(ctx, tx, r, actor)
			page.Views = append(page.Views, v)
			return err
		})
		undecided, err := undecidedOf(ctx, tx, "")
		if err != nil {
			return err
		}
		toDecide := undecidedPart(undecided, func(u UndecidedView) { page.Undecided = append(page.Undecided, u) })
		page.Page, err = readPage([]part{PartPending: all, PartToDecide: toDecide}, q, pendingOnPage)
		return err
	})
	return page, err
}

// ServersPage is a page of the servers that a pattern names.
type ServersPage struct {
	Page
	Pattern                string
	Servers                []access.Server
	Offline, Alone, Listed int // of those that it names; how many there are at all
	Accounts               int // of how many accounts, where there are several; else 0
}

// ServersPage returns a page of the servers that a pattern names, for approvers. It is the first one where the
// server is gone that marks another.
func (s *Service) ServersPage(ctx context.Context, actor access.UserID, pattern string, q PageQuery) (ServersPage, error) {
	listed, err := s.FindServers(ctx, actor, "")
	found := listed
	if err == nil && pattern != "" {
		found, err = s.FindServers(ctx, actor, pattern)
	}
	if err != nil {
		return ServersPage{}, err
	}
	rank := map[int64]int64{} // by name, as they are shown
	for i, server := range listed {
		rank[server.ID] = int64(i + 1)
	}
	page := ServersPage{Pattern: pattern, Listed: len(listed), Accounts: len(access.Withins(listed))}
	var all []entry
	for _, server := range found {
		all = append(all, entry{rank[server.ID], func() error { page.Servers = append(page.Servers, server); return nil }})
		page.Offline += oneIf(!server.Online)
		page.Alone += oneIf(server.Alone)
	}
	q.After.ID, q.Before.ID = rank[q.After.ID], rank[q.Before.ID]
	page.Page, err = readPage([]part{inMemory(all)}, q, serversOnPage)
	if n := len(page.Servers); n > 0 {
		page.From.ID, page.To.ID = page.Servers[0].ID, page.Servers[n-1].ID
	}
	return page, err
}

func oneIf(set bool) int {
	if set {
		return 1
	}
	return 0
}
