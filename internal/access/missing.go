package access

import (
	"context"
	"slices"
	"time"
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

// notFoundServer is what work meets on a server that is missing.
func notFoundServer() error {
	return &Error{Code: NotFound, Op: opMissing, Message: "RunCloud does not find the server now; I ask again."}
}

// leftServer is what work meets on a server that is gone for good.
func leftServer() error {
	return &Error{Code: NotFound, Message: "Server not found: it has left the RunCloud account."}
}

// absent returns why a server need not be asked for: it is gone, or was not found lately.
// What is known of it is as good for all the keys there.
func (s *Service) absent(server Server) error {
	switch age := s.Now().Sub(server.AskedAt); {
	case server.Gone():
		return leftServer()
	case server.Missing() && age >= 0 && age < askMissing:
		return notFoundServer()
	}
	return nil
}

// find asks the target for one server and remembers the answer. An Error with code
// NotFound reports that it is missing, or gone for good.
func (s *Service) find(ctx context.Context, id int64, p Priority) (Server, error) {
	turn, release, err := s.Target.Turn(ctx, p)
	if err != nil {
		return Server{}, err
	}
	server, err := s.Target.Server(turn, id)
	release()
	switch {
	case CodeOf(err) == NotFound:
		return Server{}, s.notFound(ctx, id)
	case err != nil:
		return Server{}, err
	}
	server.AskedAt = s.Now()
	return server, s.Store.Update(ctx, func(tx Tx) error { return s.saveServers(ctx, tx, []Server{server}, s.Now()) })
}

// notFound remembers that a server was not found. The second time, an hour after the
// first, settles that it is gone, unless a list read meanwhile has it.
func (s *Service) notFound(ctx context.Context, id int64) error {
	known, err := s.knownServer(ctx, id)
	if err != nil {
		return err
	}
	if age := s.Now().Sub(known.NotFoundAt); known.Missing() && age >= goneAfter {
		if _, err := s.servers(ctx, age); err != nil {
			return err
		}
	}
	result := notFoundServer()
	err = s.Store.Update(ctx, func(tx Tx) error {
		server, err := tx.Server(ctx, id)
		if err != nil || server.Gone() {
			return err
		}
		now, fresh := s.Now(), !server.Missing()
		if server.AskedAt = now; fresh || now.Before(server.NotFoundAt) {
			server.NotFoundAt = now
		}
		if now.Sub(server.NotFoundAt) >= goneAfter {
			result = leftServer()
			return s.settleGone(ctx, tx, server, "")
		}
		if err := tx.SaveServer(ctx, server); err != nil || !fresh {
			return err
		}
		return s.readAgain(ctx, tx)
	})
	if err != nil {
		return err
	}
	return result
}

func (s *Service) knownServer(ctx context.Context, id int64) (server Server, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		server, err = tx.Server(ctx, id)
		return err
	})
	return server, err
}

// settleGone records that a server is gone for good, which an approver or, where actor is
// empty, the target has said. What is owed on it is out of reach from now on.
func (s *Service) settleGone(ctx context.Context, tx Tx, server Server, actor UserID) error {
	server.GoneAt = s.Now()
	if err := tx.SaveServer(ctx, server); err != nil {
		return err
	}
	if err := Record(ctx, tx, s.Now(), actor, "server.gone", "server", server.ID, "missing", "gone", server.Name); err != nil {
		return err
	}
	open, err := tx.OpenResults(ctx, server.ID, "", "")
	if err != nil {
		return err
	}
	for _, r := range open {
		r.State, r.Problem, r.Detail = OutOfReach, ProblemServerLeft, ""
		if err := s.saveInspection(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := s.readAgain(ctx, tx); err != nil {
		return err
	}
	return s.hasten(ctx, tx, []int64{server.ID}, s.Now())
}

// readAgain has the list of servers read again if it is doubted: one that lacks what is
// missing or gone may be right.
func (s *Service) readAgain(ctx context.Context, tx Tx) error {
	doubt, err := tx.Flag(ctx, flagServersDoubt)
	if err != nil || doubt == "" {
		return err
	}
	if err := tx.SetFlag(ctx, flagServersRead, ""); err != nil {
		return err
	}
	return s.hastenInspections(ctx, tx, allServers)
}

// lost reports whether a server that answered «not found» is gone for good. While that is
// not settled it returns why nothing can be done there.
func (s *Service) lost(ctx context.Context, id int64, p Priority) (bool, error) {
	server, err := s.knownServer(ctx, id)
	if err == nil {
		err = s.absent(server)
	}
	if err == nil {
		if _, err = s.find(ctx, id, p); err == nil {
			return false, &Error{Code: Unavailable, Message: "RunCloud has the server but does not find its keys."}
		}
	}
	if server, readErr := s.knownServer(ctx, id); readErr != nil || server.Gone() {
		return readErr == nil, readErr
	}
	return false, err
}

// FindReturned asks for the servers that are missing, or that the last list lacked, one
// question each: they are found, or it is settled that they are gone. Where something was
// given up with one that is gone, the list is read now and then: should it come back, what
// is owed there is done.
func (s *Service) FindReturned(ctx context.Context) error {
	var known []Server
	var givenUp []Placement
	var read time.Time
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		if err := s.running(ctx, tx); err != nil {
			return err
		}
		if known, err = tx.Servers(ctx); err != nil {
			return err
		}
		if read, err = serversRead(ctx, tx); err != nil {
			return err
		}
		givenUp, err = tx.Placements(ctx, PlacementQuery{States: []PlacementState{PlacementGone}, Problem: ProblemServerLeft, Limit: 1})
		return err
	})
	if CodeOf(err) == Unauthorized || s.patience(Reading) != nil {
		return nil //nolint:nilerr // all work waits
	}
	if err != nil {
		return err
	}
	for _, server := range known {
		if !s.toAsk(server, read) {
			continue
		}
		if _, err := s.find(ctx, server.ID, Addition); err != nil && CodeOf(err) != NotFound {
			return s.haltedOr(ctx, err)
		}
	}
	if len(givenUp) == 0 {
		return nil
	}
	_, err = s.servers(ctx, givenUpFresh)
	return s.haltedOr(ctx, err)
}

// toAsk reports whether a server is to be asked for now.
func (s *Service) toAsk(server Server, read time.Time) bool {
	age := s.Now().Sub(server.AskedAt)
	switch {
	case server.Missing():
		return age < 0 || age >= askMissing
	case server.SeenAt.Before(read):
		return age < 0 || age >= askUnlisted
	}
	return false
}

// haltedOr halts all work when err says that our credentials are refused.
func (s *Service) haltedOr(ctx context.Context, err error) error {
	if halted := s.haltOn(ctx, err); halted != nil {
		return halted
	}
	return err
}

// GoneForGood settles, at an approver's word, that a server which a request still owes is
// gone: nobody has confirmed that its keys are off it, but nothing waits for it any more.
func (s *Service) GoneForGood(ctx context.Context, requestID, serverID int64, actor UserID) (gone Server, err error) {
	if err := s.mustApprove(ctx, actor); err != nil {
		return Server{}, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		results, err := tx.Results(ctx, requestID)
		if err != nil {
			return err
		}
		if gone, err = tx.Server(ctx, serverID); err != nil {
			return err
		}
		owes := func(o Result) bool { return o.ServerID == serverID && o.owed() }
		switch {
		case gone.Gone():
			return conflict("It is settled already that this server is gone.")
		case !gone.Missing():
			return conflict("RunCloud finds this server again, so I go on there by myself.")
		case r.State != Approved || !slices.ContainsFunc(results, owes):
			return conflict("Nothing of this request waits for that server.")
		}
		return s.settleGone(ctx, tx, gone, actor)
	})
	return gone, err
}

// owed reports whether a removal or an inspection is still to be done.
func (r Result) owed() bool { return r.Phase != PhaseAdd && !r.State.Final() }

// missingOf lists the missing servers that results wait for.
func missingOf(results []Result, known []Server) (missing []ServerRef) {
	for _, server := range known {
		waits := func(r Result) bool { return r.ServerID == server.ID && r.owed() }
		if server.Missing() && slices.ContainsFunc(results, waits) {
			missing = append(missing, ServerRef{ID: server.ID, Name: server.Name})
		}
	}
	return missing
}
