package workflow

import (
	"context"
	"maps"
	"slices"

	"sshkeybot/internal/access"
)

// namesShown is on how many servers a grant may be whose view carries their names.
const namesShown = 10

// Access returns who has access now and the first of what is overdue: one's own, a person's for an
// approver, or, for an approver who names nobody, everybody's.
func (s *Service) Access(ctx context.Context, actor, of access.UserID) (Overview, error) {
	of, approver, err := s.mayList(ctx, actor, of)
	if err != nil {
		return Overview{}, err
	}
	return s.overview(ctx, of, approver, s.firstOverdue())
}

// Everybody stands for everybody's access where somebody asks for that, whether or not they may see it. Where
// nobody is named, approvers are shown everybody's access, and others their own.
const Everybody access.UserID = "*"

// mayList returns whose access somebody sees who asks for that of a person, or of nobody in particular; empty is
// everybody's. It also returns whether they are an approver.
func (s *Service) mayList(ctx context.Context, actor, of access.UserID) (whose access.UserID, approver bool, err error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return "", false, err
	}
	approver, err = s.IsApprover(ctx, actor)
	switch {
	case err != nil:
		return "", false, err
	case approver && of == Everybody:
		return "", true, nil
	case approver:
		return of, true, nil
	case of != "" && of != actor:
		return "", false, s.approversOnly("Only an approver may see somebody else's access.")
	}
	return actor, false, nil
}

// Overview returns the access of one person, or of everybody when of is empty, all that is
// owed, and what approvers have to decide about key by key. It asks nobody for permission: Access does.
func (s *Service) Overview(ctx context.Context, of access.UserID) (Overview, error) {
	return s.overview(ctx, of, true, access.DebtQuery{})
}

// Summary returns everybody's access, the first of what is overdue, and what approvers have to
// decide about key by key.
func (s *Service) Summary(ctx context.Context) (Overview, error) {
	return s.overview(ctx, "", true, s.firstOverdue())
}

// overdueShown is how many overdue keys are shown where they are not all.
const overdueShown = 100

func (s *Service) firstOverdue() access.DebtQuery {
	return access.DebtQuery{Since: s.Now().Add(-overdueAfter), Limit: overdueShown}
}

func (s *Service) overview(ctx context.Context, of access.UserID, forApprover bool, debt access.DebtQuery) (Overview, error) {
	debt.At, debt.Person = s.Now(), of
	var out Overview
	err := s.Store.Read(ctx, func(tx access.Tx) error {
		out = Overview{Complete: of == ""}
		grants, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: of})
		if err != nil {
			return err
		}
		for _, g := range grants {
			view, err := s.grantView(ctx, tx, g)
			if err != nil {
				return err
			}
			out.Grants = append(out.Grants, view)
		}
		if out.Waiting, err = tx.Requests(ctx, waitingOf(of)); err != nil {
			return err
		}
		if out.Log, err = logHead(ctx, tx); err != nil {
			return err
		}
		if forApprover {
			if out.Undecided, err = undecidedOf(ctx, tx, of); err != nil {
				return err
			}
			if out.Deciders, err = s.candidateDeciders(ctx, tx); err != nil {
				return err
			}
		}
		if out.Overdue, out.Moving, err = s.countDebt(ctx, tx, of); err != nil || out.Overdue+out.Moving == 0 {
			return err
		}
		out.Debt, err = s.debtViews(ctx, tx, debt)
		return err
	})
	return out, err
}

// countDebt returns how many keys of one person, or of everybody, are overdue, and how many are
// being removed now.
func (s *Service) countDebt(ctx context.Context, tx access.Tx, of access.UserID) (overdue, moving int, err error) {
	q := access.DebtQuery{At: s.Now(), Person: of}
	all, err := tx.CountDebt(ctx, q)
	if err != nil || all == 0 {
		return 0, 0, err
	}
	q.Since = q.At.Add(-overdueAfter)
	overdue, err = tx.CountDebt(ctx, q)
	return overdue, all - overdue, err
}

// waitingOf selects the requests before the approvers that a person asked or that are
// about them; of nobody in particular, all.
func waitingOf(of access.UserID) access.RequestQuery {
	return access.RequestQuery{States: []access.RequestState{access.WaitingForKey, access.Pending}, Concerns: of}
}

func (s *Service) debtViews(ctx context.Context, tx access.Tx, q access.DebtQuery) ([]DebtView, error) {
	debt, err := tx.Debt(ctx, q)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(debt))
	for i, p := range debt {
		ids[i] = p.ServerID
	}
	servers, err := access.ServersByID(ctx, tx, ids)
	views := make([]DebtView, len(debt))
	for i, p := range debt {
		at := servers[p.ServerID]
		views[i] = DebtView{Placement: p, Server: at.Ref(), Title: s.Engine.Title(at.Target), Moving: moving(p, q.At)}
	}
	return views, err
}

func (s *Service) grantView(ctx context.Context, tx access.Tx, g access.Grant) (GrantView, error) {
	r, err := tx.Request(ctx, g.RequestID)
	if err != nil {
		return GrantView{}, err
	}
	size, err := tx.GrantSize(ctx, g.ID)
	if err != nil {
		return GrantView{}, err
	}
	view := GrantView{Grant: g, Pattern: r.Pattern, Servers: size.Servers, Placed: size.Placed, Wanted: size.Keys - size.Placed}
	if size.Servers > namesShown {
		return view, nil
	}
	covers, err := tx.Covers(ctx, g.ID)
	if err != nil {
		return view, err
	}
	on, err := access.ServersByID(ctx, tx, access.ServersOf(access.LiveCovers(covers)))
	for _, server := range on {
		view.Names = append(view.Names, server.Name)
		if len(on) == 1 && s.Engine.LendsAccount(server.Target) {
			view.Account = s.Engine.Title(server.Target)
		}
	}
	slices.Sort(view.Names)
	view.Within = access.Withins(slices.Collect(maps.Values(on)))
	return view, err
}

// pending lists the requests that wait for an approver, as that one sees them.
func (s *Service) pending(ctx context.Context, tx access.Tx, actor access.UserID) (views []RequestView, err error) {
	all, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}})
	for _, r := range all {
		v, err := s.pendingView(ctx, tx, r, actor)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, err
}

func (s *Service) pendingView(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (RequestView, error) {
	v, err := s.view(ctx, tx, r.ID)
	v.MayDecide = s.checkIndependent(r, actor) == nil && !v.approvedBy(actor)
	return v, err
}

// FindServers lists the servers that a pattern names, for approvers.
func (s *Service) FindServers(ctx context.Context, actor access.UserID, pattern string) ([]access.Server, error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return nil, err
	}
	list, err := s.Engine.ServersToChoose(ctx, pattern)
	if err != nil {
		return nil, err
	}
	if pattern == "" && len(list.All) > 0 {
		return access.SortServers(list.Listed()), nil // accounts, too, which no pattern names beside servers
	}
	return access.MatchServers(list.Listed(), pattern)
}
