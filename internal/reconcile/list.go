package reconcile

import (
	"context"
	"slices"

	"sshkeybot/internal/access"
)

// InspectAll has every server of every target read for keys that the bot did not place:
// those that their lists hold when they are read next, too.
func (e *Engine) InspectAll(ctx context.Context, tx access.Tx, r access.Request) error {
	var lists []access.Result
	var work []access.Work
	for _, t := range e.Targets {
		state, err := tx.Target(ctx, t.Name())
		if err == nil && state.ID == 0 {
			state, err = tx.SaveTarget(ctx, state)
		}
		if err != nil {
			return err
		}
		lists = append(lists, access.Result{
			RequestID: r.ID, Phase: access.PhaseList, Target: t.Name(), ServerName: e.listName(t), State: access.Waiting, UpdatedAt: e.Now(),
		})
		work = append(work, access.Work{Kind: access.WorkList, ID: state.ID})
	}
	if err := tx.InsertResults(ctx, lists); err != nil {
		return err
	}
	return tx.Wake(ctx, work...)
}

// listName is what a list of servers is called among servers.
func (e *Engine) listName(t access.Target) string {
	if len(e.Targets) == 1 {
		return "(the list of servers)"
	}
	return "(the list of servers of " + t.Name() + ")"
}

// InspectServers has these servers read for keys that the bot did not place.
func (e *Engine) InspectServers(ctx context.Context, tx access.Tx, request int64, servers []access.ServerRef) error {
	results := make([]access.Result, len(servers))
	work := make([]access.Work, len(servers))
	for i, server := range servers {
		results[i] = access.NewInspection(e.Now(), request, server)
		work[i] = access.Work{Kind: access.WorkInspect, ID: server.ID}
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return err
	}
	return tx.Wake(ctx, work...)
}

// InspectAgain has an inspection, or the reading of a list of servers, tried at once.
func (e *Engine) InspectAgain(ctx context.Context, tx access.Tx, r access.Result) error {
	r.State, r.Setback = access.Waiting, access.Setback{}
	if err := e.SaveResult(ctx, tx, r); err != nil {
		return err
	}
	work, err := inspectionOf(ctx, tx, r)
	if err != nil {
		return err
	}
	return tx.Wake(ctx, work)
}

// inspectionOf returns the work that an open inspection, or reading of a list, waits for.
func inspectionOf(ctx context.Context, tx access.Tx, r access.Result) (access.Work, error) {
	if r.Phase == access.PhaseList {
		t, err := tx.Target(ctx, r.Target)
		return access.Work{Kind: access.WorkList, ID: t.ID}, err
	}
	return access.Work{Kind: access.WorkInspect, ID: r.ServerID}, nil
}

// ReadList reads the list of a target's servers for every request that waits for it, and
// has each server inspected that is not settled as gone, whether or not the list has it.
// It is done when the list is believed.
func (e *Engine) ReadList(ctx context.Context, target int64, settle func(access.Tx) error) error {
	state, open, err := e.openLists(ctx, target)
	if err != nil || len(open) == 0 {
		return e.settled(ctx, settle, err)
	}
	if err := e.readList(ctx, state.Name, open); err != nil {
		if halted := e.haltIfUnauthorized(ctx, state.Name, err); halted != nil {
			return halted
		}
		return e.keepOpen(ctx, open, err, false, settle)
	}
	return e.settled(ctx, settle, nil)
}

// openLists returns a target with the readings of its list that are still to be made.
func (e *Engine) openLists(ctx context.Context, target int64) (state access.TargetState, open []access.Result, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		known, err := tx.Targets(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(known, func(t access.TargetState) bool { return t.ID == target })
		if i < 0 {
			return nil
		}
		if state = known[i]; state.Halted() {
			return errHalted
		}
		open, err = tx.OpenLists(ctx, state.Name)
		return err
	})
	return state, open, err
}

// readList has the servers inspected that are known after its target's list was read. An
// error says why the list is not believed.
func (e *Engine) readList(ctx context.Context, name string, open []access.Result) error {
	t, err := e.target(name)
	if err != nil {
		return err
	}
	if err := refuseWhilePaused(t, access.Renewal); err != nil {
		return err
	}
	unread := e.refreshServers(ctx, t, freshness{within: ServersFresh})
	if ctx.Err() != nil || access.CodeOf(unread) == access.Unauthorized {
		return unread
	}
	err = e.Store.Update(ctx, func(tx access.Tx) error {
		known, err := tx.Servers(ctx)
		if err != nil {
			return err
		}
		known = slices.DeleteFunc(known, func(s access.Server) bool { return s.Target != name })
		state, err := tx.Target(ctx, name)
		if err != nil {
			return err
		}
		if unread == nil && state.Doubt != "" {
			unread = &access.Error{Code: access.Unavailable, Problem: access.ProblemDoubted, Message: state.Doubt}
		}
		for _, result := range open {
			if err := e.inspectKnown(ctx, tx, result, known, unread == nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return unread
}

// inspectKnown has every known server inspected for one request, if it is not yet.
func (e *Engine) inspectKnown(ctx context.Context, tx access.Tx, list access.Result, known []access.Server, believed bool) error {
	begun, err := tx.Results(ctx, list.RequestID)
	if err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(known), func(server access.Server) bool {
		return slices.ContainsFunc(begun, func(r access.Result) bool { return r.Phase == access.PhaseInspect && r.ServerID == server.ID })
	})
	if err := e.InspectServers(ctx, tx, list.RequestID, access.Refs(fresh)); err != nil || !believed {
		return err
	}
	list.State, list.Setback = access.Done, access.Setback{}
	return e.saveInspection(ctx, tx, list)
}
