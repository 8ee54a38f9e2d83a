package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// serverList is what the ledger holds of the servers at one moment. Its parts are read
// together: another replica may store a newer list between two looks.
type serverList struct {
	All        []access.Server // that are not settled as gone, by name
	targets    map[string]access.TargetState
	configured []string // the names of the targets that are
}

// freshAt reports whether a target's list was read within age.
func (l serverList) freshAt(target string, now time.Time, age time.Duration) bool {
	return freshness{within: age}.holds(l.targets[target].ListedAt, now)
}

// hasAnyOf reports whether a server of these targets is known.
func (l serverList) hasAnyOf(targets ...access.Target) bool {
	return slices.ContainsFunc(l.All, func(server access.Server) bool {
		return slices.ContainsFunc(targets, func(t access.Target) bool { return t.Name() == server.Target })
	})
}

// Listed returns the servers that access may be asked for: those that their target lists or,
// while that list is doubted, those that are known; none that is missing, and none of a target
// that is not configured any more.
func (l serverList) Listed() []access.Server {
	return slices.DeleteFunc(slices.Clone(l.All), func(server access.Server) bool {
		t := l.targets[server.Target]
		return !slices.Contains(l.configured, server.Target) || server.Missing() || t.Doubt == "" && server.SeenAt.Before(t.ListedAt)
	})
}

// Servers returns the servers as readings at most fresh old say, of the list of every target that a
// pattern may be about. A target that cannot be read is no error while there is another one, and
// something is known of it, which stands in.
func (e *Engine) Servers(ctx context.Context, fresh time.Duration, pattern string) (serverList, error) {
	return e.serversOf(ctx, e.targetsIn(pattern), func(access.Target) time.Duration { return fresh })
}

// serversOf is Servers for these targets, with a freshness for each.
func (e *Engine) serversOf(ctx context.Context, asked []access.Target, fresh func(access.Target) time.Duration) (serverList, error) {
	trouble := make([]error, len(asked))
	var reading sync.WaitGroup
	for i, t := range asked {
		reading.Go(func() { trouble[i] = e.refreshSoon(ctx, t, freshness{within: fresh(t)}) })
	}
	reading.Wait()
	if ctx.Err() != nil {
		return serverList{}, ctx.Err()
	}
	known, err := e.KnownServers(ctx)
	standsIn := len(asked) < len(e.Targets) && known.hasAnyOf(asked...)
	if err == nil && !slices.Contains(trouble, nil) && !standsIn {
		err = errors.Join(trouble...)
	}
	return known, err
}

// targetsIn returns the targets that a pattern may be about.
func (e *Engine) targetsIn(pattern string) []access.Target {
	names := access.TargetsIn(pattern)
	var named []access.Target
	for _, t := range e.Targets {
		if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, t.Name()) }) {
			named = append(named, t)
		}
	}
	if len(named) < len(names) || len(names) == 0 { // a word that names no target may be a part of a server's name
		return e.Targets
	}
	return named
}

const (
	// listPatience is how long a person waits for a list: at 60 calls a minute, that of some
	// thousand servers is read by then.
	listPatience = time.Minute
	// failedLately is for how long a list that could not be read is not read again for a person.
	failedLately = time.Minute
)

// refreshSoon is refreshServers for a person who waits for it. While others can be read, one that has
// just failed is not waited for.
func (e *Engine) refreshSoon(ctx context.Context, t access.Target, fresh freshness) error {
	last := e.local(t.Name()).failed.Load()
	if last != nil && len(e.Targets) > 1 && time.Since(last.at) < failedLately {
		return last.err
	}
	soon, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	err := e.refreshServers(soon, t, fresh)
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		err = &access.Error{Code: access.Unavailable, Op: "list", Message: t.Title() + " did not list its servers in time; please try again.", Err: err}
		e.local(t.Name()).failed.Store(&failure{time.Now(), err})
	}
	return err
}

// refreshServers reads a target's list of servers unless the last reading is fresh. While several
// callers find that it is not, one reads, and the others get what comes of it.
func (e *Engine) refreshServers(ctx context.Context, t access.Target, fresh freshness) error {
	here, came := e.local(t.Name()), time.Now()
	if err := here.refresh.Lock(ctx); err != nil {
		return err
	}
	defer here.refresh.Unlock()
	if last := here.failed.Load(); last != nil && last.at.After(came) {
		return last.err
	}
	var state access.TargetState
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		state, err = tx.Target(ctx, t.Name())
		return err
	})
	if err != nil || fresh.holds(state.ListedAt, e.Now()) {
		return err
	}
	if err = e.readServers(ctx, t); err == nil {
		here.failed.Store(nil)
	} else if ctx.Err() == nil {
		here.failed.Store(&failure{time.Now(), err})
	}
	return err
}

// KnownServers returns what the ledger holds of the servers, however old.
func (e *Engine) KnownServers(ctx context.Context) (l serverList, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		if l.All, err = tx.Servers(ctx); err != nil {
			return err
		}
		for i, server := range l.All {
			_, l.All[i].Alone = e.lender(server.Target)
			if _, err := e.target(server.Target); err == nil {
				e.known.Store(server.ID, Identity{server.Target, server.ExternalID})
			}
		}
		known, err := tx.Targets(ctx)
		l.targets = make(map[string]access.TargetState, len(known))
		for _, t := range known {
			l.targets[t.Name] = t
		}
		return err
	})
	for _, t := range e.Targets {
		l.configured = append(l.configured, t.Name())
	}
	return l, err
}

// readServers reads all servers of a target and wakes the work on those that came back.
// Nothing counts as gone because the list lacks it: FindReturned asks.
func (e *Engine) readServers(ctx context.Context, t access.Target) error {
	list, err := t.Servers(ctx)
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		now := e.Now().Truncate(time.Millisecond)
		if err := e.adoptFormer(ctx, tx, t, list); err != nil {
			return err
		}
		state, err := tx.Target(ctx, t.Name())
		if err != nil {
			return err
		}
		if state.Doubt, err = doubtOf(ctx, tx, t.Name(), list); err != nil {
			return err
		}
		state.ListedAt = now
		if _, err := tx.SaveTarget(ctx, state); err != nil {
			return err
		}
		return e.saveServers(ctx, tx, t.Name(), list, now)
	})
}

// doubtOf says why a target's list of servers is not believed: it is empty, or has lost
// more than a tenth of those that were there. One that was not found when it was asked for
// is not lost.
func doubtOf(ctx context.Context, tx access.Tx, target string, list []access.Server) (string, error) {
	all, err := tx.AllServers(ctx)
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(s access.Server) bool { return s.Target != target })
	listed := make(map[string]bool, len(list))
	for _, s := range list {
		listed[s.ExternalID] = true
	}
	there, lost, open := 0, 0, 0
	for _, known := range all {
		if !known.Gone() {
			open++
		}
		if known.Gone() || known.Missing() {
			continue
		}
		there++
		if !listed[known.ExternalID] {
			lost++
		}
	}
	switch {
	case len(list) == 0 && (open > 0 || len(all) == 0):
		return "The list is empty.", nil
	case 10*lost > there:
		return fmt.Sprintf("The list lacks %d of %d servers.", lost, there), nil
	}
	return "", nil
}

func (e *Engine) saveServers(ctx context.Context, tx access.Tx, target string, servers []access.Server, now time.Time) error {
	changed, err := tx.SaveServers(ctx, target, servers, now)
	if err != nil {
		return err
	}
	return e.serversChanged(ctx, tx, changed, now)
}

// serversChanged makes everything due on servers that came online or came back.
func (e *Engine) serversChanged(ctx context.Context, tx access.Tx, ids []int64, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	if err := e.backWithServers(ctx, tx, ids); err != nil {
		return err
	}
	return e.makeDue(ctx, tx, ids, now)
}

// makeDue makes what waits on servers due now.
func (e *Engine) makeDue(ctx context.Context, tx access.Tx, ids []int64, now time.Time) error {
	waiting, err := tx.Placements(ctx, access.PlacementQuery{Servers: ids, States: []access.PlacementState{access.PlacementWanted, access.PlacementLeaving}})
	if err != nil {
		return err
	}
	for _, p := range waiting {
		p.NextAt = now
		if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
			return err
		}
		if err := tx.Wake(ctx, WorkOn(p)); err != nil {
			return err
		}
	}
	return nil
}

// backWithServers has what was given up with a server that is back looked for again: its
// keys, and the keys on it that the bot did not place.
func (e *Engine) backWithServers(ctx context.Context, tx access.Tx, ids []int64) error {
	givenUp, err := tx.Placements(ctx, access.PlacementQuery{Servers: ids, States: []access.PlacementState{access.PlacementGone}, Problem: access.ProblemServerLeft})
	if err != nil {
		return err
	}
	_, err = e.moveEach(ctx, tx, givenUp, func(p access.Placement) access.Placement {
		p.State, p.GoneAt, p.InDoubtUntil, p.NextAt, p.Setback = access.PlacementLeaving, time.Time{}, e.Now(), e.Now(), access.Setback{}
		return p
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		reopened, err := tx.ReopenInspections(ctx, id)
		if err != nil {
			return err
		}
		if err := e.retract(ctx, tx, reopened); err != nil {
			return err
		}
		if err := e.makeInspectionsDue(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// makeInspectionsDue has a server that is back read at once for whoever waits for that.
func (e *Engine) makeInspectionsDue(ctx context.Context, tx access.Tx, server int64) error {
	open, err := tx.OpenReadings(ctx, server)
	if err != nil || len(open) == 0 {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkInspect, ID: server})
}

// WorkOn returns the work that a placement needs.
func WorkOn(p access.Placement) access.Work {
	switch priorityOf(p) {
	case access.Removal:
		return access.Work{Kind: access.WorkRemove, ID: p.ServerID}
	case access.Renewal:
		return access.Work{Kind: access.WorkRenew, ID: p.ServerID}
	case access.Addition, access.Reading:
	}
	return access.Work{Kind: access.WorkAdd, ID: p.ServerID}
}

// ServersFresh is how old a reading of the servers may be when a request fixes its set.
const ServersFresh = time.Minute
