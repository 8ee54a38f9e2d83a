package reconcile

import (
	"context"
	"errors"
	"time"

	"sshkeybot/internal/access"
)

const (
	// goneAfter is how long a server has not been found, from one answer to another, when
	// it is settled that it is gone.
	goneAfter = time.Hour
	// askMissing is how often a missing server is asked for.
	askMissing = 10 * time.Minute
	// askUnlisted is how often one is asked for that the list lacks, and that is found.
	askUnlisted = time.Hour
	// givenUpFresh is how old the list of servers may be while something was given up with
	// a server that is gone for good.
	givenUpFresh = 6 * time.Hour
)

// serverMissingError is what work meets on a server that is missing.
func serverMissingError(target string) error {
	return &access.Error{Code: access.NotFound, Problem: access.ProblemMissing, Message: target + " does not find the server now; I ask again."}
}

// serverGoneError is what work meets on a server that is gone for good.
func serverGoneError(target string) error {
	return &access.Error{Code: access.NotFound, Message: "Server not found: it has left the " + target + " account.", Remedy: access.RemedyServer}
}

// absenceOf returns why a server need not be asked for: it is gone, or was not found lately.
// What is known of it is as good for all the keys there.
func (e *Engine) absenceOf(server access.Server) error {
	switch age := e.Now().Sub(server.AskedAt); {
	case server.Gone():
		return serverGoneError(e.Title(server.Target))
	case server.Missing() && age >= 0 && age < askMissing:
		return serverMissingError(e.Title(server.Target))
	}
	return nil
}

// fetchServer asks the target for one server and remembers the answer. An Error with code
// NotFound reports that it is missing, or gone for good.
func (e *Engine) fetchServer(ctx context.Context, id int64, p access.Priority) (access.Server, error) {
	at, err := e.placeOf(ctx, id)
	if err != nil {
		return access.Server{}, err
	}
	reader, ok := at.target.(access.ServerReader)
	if !ok {
		return e.knownServer(ctx, id)
	}
	call, release, err := at.target.Acquire(ctx, p)
	if err != nil {
		return access.Server{}, err
	}
	server, err := reader.Server(call, at.id)
	release()
	switch {
	case access.CodeOf(err) == access.NotFound:
		return access.Server{}, e.notFound(ctx, at.target, id)
	case err != nil:
		return access.Server{}, err
	}
	server.AskedAt = e.Now()
	return server, e.Store.Update(ctx, func(tx access.Tx) error {
		return e.saveServers(ctx, tx, at.target.Name(), []access.Server{server}, e.Now())
	})
}

// notFound remembers that a server was not found. The second time, an hour after the
// first, settles that it is gone, unless a list read meanwhile has it.
func (e *Engine) notFound(ctx context.Context, t access.Target, id int64) error {
	known, err := e.knownServer(ctx, id)
	if err != nil {
		return err
	}
	// The target may be mistaken: a second answer counts only once a list newer than the first
	// was read.
	if age := e.Now().Sub(known.NotFoundAt); known.Missing() && age >= goneAfter {
		if err := e.refreshServers(ctx, t, freshness{within: age}); err != nil {
			return err
		}
	}
	result := serverMissingError(t.Title())
	err = e.Store.Update(ctx, func(tx access.Tx) error {
		server, err := tx.Server(ctx, id)
		// Another replica, or an approver, has settled it while we asked.
		if err != nil || server.Gone() {
			return err
		}
		// The hour begins with the first answer, and anew where that list or another replica found
		// the server since, or the clock was put back: that answer seems to come from the future.
		now, fresh := e.Now(), !server.Missing()
		if server.AskedAt = now; fresh || now.Before(server.NotFoundAt) {
			server.NotFoundAt = now
		}
		// Two replicas that ask at once have one answer between them: only the time since the
		// first counts, not how many there were.
		if now.Sub(server.NotFoundAt) >= goneAfter {
			result = serverGoneError(t.Title())
			return e.SettleGone(ctx, tx, server, "")
		}
		if err := tx.SaveServer(ctx, server); err != nil || !fresh {
			return err
		}
		return e.readAgain(ctx, tx, server.Target) // once, with the first answer
	})
	if err != nil {
		return err
	}
	return result
}

func (e *Engine) knownServer(ctx context.Context, id int64) (server access.Server, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		server, err = tx.Server(ctx, id)
		return err
	})
	return server, err
}

// SettleGone records that a server is gone for good, which an approver or, where actor is
// empty, the target has said. What is owed on it is out of reach from now on.
func (e *Engine) SettleGone(ctx context.Context, tx access.Tx, server access.Server, actor access.UserID) error {
	server.GoneAt = e.Now()
	if err := tx.SaveServer(ctx, server); err != nil {
		return err
	}
	if err := access.Record(ctx, tx, e.Now(), actor, access.DidServerGone, access.NounServer, server.ID, "missing", "gone", server.Name); err != nil {
		return err
	}
	open, err := tx.OpenReadings(ctx, server.ID)
	if err != nil {
		return err
	}
	for _, r := range open {
		r.State, r.Setback = access.OutOfReach, access.Setback{Problem: access.ProblemServerLeft}
		if err := e.saveInspection(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := e.readAgain(ctx, tx, server.Target); err != nil {
		return err
	}
	return e.makeDue(ctx, tx, []int64{server.ID}, e.Now())
}

// readAgain has a target's list of servers read again if it is doubted: one that lacks what
// is missing or gone may be right.
func (e *Engine) readAgain(ctx context.Context, tx access.Tx, target string) error {
	t, err := tx.Target(ctx, target)
	if err != nil || t.Doubt == "" {
		return err
	}
	t.ListedAt = time.Time{}
	if t, err = tx.SaveTarget(ctx, t); err != nil {
		return err
	}
	open, err := tx.OpenLists(ctx, target)
	if err != nil || len(open) == 0 {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkList, ID: t.ID})
}

// serverIsGone reports whether a server that answered «not found» is gone for good. While that is
// not settled it returns why nothing can be done there.
func (e *Engine) serverIsGone(ctx context.Context, id int64, p access.Priority) (bool, error) {
	server, err := e.knownServer(ctx, id)
	if err == nil {
		err = e.absenceOf(server)
	}
	if err == nil {
		if _, err = e.fetchServer(ctx, id, p); err == nil {
			return false, &access.Error{Code: access.Unavailable, Message: e.Title(server.Target) + " has the server but does not find its keys."}
		}
	}
	if server, readErr := e.knownServer(ctx, id); readErr != nil || server.Gone() {
		return readErr == nil, readErr
	}
	return false, err
}

// FindReturned asks for the servers that are missing, or that the last list lacked, one
// question each: they are found, or it is settled that they are gone. Where something was
// given up with one that is gone, the list is read now and then: should it come back, what
// is owed there is done.
func (e *Engine) FindReturned(ctx context.Context) error {
	known, err := e.KnownServers(ctx)
	if err != nil {
		return err
	}
	var trouble error
	for _, t := range e.Targets {
		if known.targets[t.Name()].Halted() || refuseWhilePaused(t, access.Reading) != nil {
			continue // all work there waits
		}
		trouble = errors.Join(trouble, e.findReturned(ctx, t, known))
	}
	return trouble
}

func (e *Engine) findReturned(ctx context.Context, t access.Target, known serverList) error {
	for _, server := range known.All {
		if server.Target != t.Name() || !e.toAsk(server, known.targets[t.Name()].ListedAt) {
			continue
		}
		if _, err := e.fetchServer(ctx, server.ID, access.Addition); err != nil && access.CodeOf(err) != access.NotFound {
			return e.haltOr(ctx, t.Name(), err)
		}
	}
	givenUp, err := e.givenUp(ctx, t.Name())
	if err != nil || !givenUp {
		return err
	}
	return e.haltOr(ctx, t.Name(), e.refreshServers(ctx, t, freshness{within: givenUpFresh}))
}

// givenUp reports whether something was given up with a server of a target that is gone.
func (e *Engine) givenUp(ctx context.Context, target string) (given bool, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		gone, err := tx.Placements(ctx, access.PlacementQuery{Target: target, States: []access.PlacementState{access.PlacementGone}, Problem: access.ProblemServerLeft, Limit: 1})
		given = len(gone) > 0
		return err
	})
	return given, err
}

// toAsk reports whether a server is to be asked for now.
func (e *Engine) toAsk(server access.Server, read time.Time) bool {
	age := e.Now().Sub(server.AskedAt)
	switch {
	case server.Missing():
		return age < 0 || age >= askMissing
	case server.SeenAt.Before(read):
		return age < 0 || age >= askUnlisted
	}
	return false
}

// haltOr halts all work on a target when err says that our credentials are refused.
func (e *Engine) haltOr(ctx context.Context, target string, err error) error {
	if halted := e.haltIfUnauthorized(ctx, target, err); halted != nil {
		return halted
	}
	return err
}
