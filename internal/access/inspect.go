package access

import (
	"context"
	"slices"
	"time"
)

// allServers stands for the account in an inspection: its work reads the list of
// servers, and has each inspected that is known. It is done when the list is believed.
// No server has this id.
const allServers int64 = 0

const (
	firstInspectAgain = 30 * time.Second
	lastInspectAgain  = 15 * time.Minute
)

// startInspection has servers read for keys that the bot did not place: the given
// ones, or with none, every server that the account has by then.
func (s *Service) startInspection(ctx context.Context, tx Tx, r Request, servers []ServerRef) error {
	if len(servers) == 0 {
		servers = []ServerRef{{ID: allServers, Name: "(the list of servers)"}}
	}
	var results []Result
	var work []Work
	for _, server := range servers {
		results = append(results, NewResult(s.Now(), r.ID, PhaseInspect, server.ID, server.Name, "", ""))
		work = append(work, Work{Kind: WorkInspect, ID: server.ID})
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return err
	}
	return tx.Wake(ctx, work...)
}

// Inspect reads one server for every request that waits for it: what may belong to
// the person becomes a candidate for an approver to choose; a key of theirs that
// carries the bot's own label, or that shows completely and is the one that was
// pasted, is removed on that proof.
func (s *Service) Inspect(ctx context.Context, server int64, settle func(Tx) error) error {
	open, err := s.openInspections(ctx, server)
	if err != nil || len(open) == 0 {
		return s.settled(ctx, settle, err)
	}
	if server == allServers {
		if err := s.inspectAll(ctx, open); err != nil {
			return s.inspectionFailed(ctx, open, err, settle)
		}
		return s.settled(ctx, settle, nil)
	}
	requests, err := s.requestsOf(ctx, open)
	if err != nil {
		return s.inspectionFailed(ctx, open, err, settle)
	}
	people, err := s.inspectedPeople(ctx, requests)
	if err != nil {
		return s.inspectionFailed(ctx, open, err, settle)
	}
	found, sessions, err := s.readForInspection(ctx, server, requests)
	if err != nil {
		return s.inspectionFailed(ctx, open, err, settle)
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		for _, result := range open {
			if err := s.inspected(ctx, tx, result, people[result.RequestID], found, sessions); err != nil {
				return err
			}
		}
		return settle(tx)
	})
}

func (s *Service) settled(ctx context.Context, settle func(Tx) error, err error) error {
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, settle)
}

func (s *Service) openInspections(ctx context.Context, server int64) (open []Result, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		if err := s.running(ctx, tx); err != nil {
			return err
		}
		all, err := tx.OpenResults(ctx, server, "", "")
		open = open[:0]
		for _, r := range all {
			if r.Phase == PhaseInspect {
				open = append(open, r)
			}
		}
		return err
	})
	return open, err
}

// inspectAll reads the list of servers and has each server inspected that is not settled
// as gone, whether or not the list has it. An error says why the list is not believed.
func (s *Service) inspectAll(ctx context.Context, open []Result) error {
	if err := s.patience(Renewal); err != nil {
		return err
	}
	_, unread := s.servers(ctx, serversFresh)
	if ctx.Err() != nil || CodeOf(unread) == Unauthorized {
		return unread
	}
	err := s.Store.Update(ctx, func(tx Tx) error {
		known, err := tx.Servers(ctx)
		if err != nil {
			return err
		}
		doubt, err := tx.Flag(ctx, flagServersDoubt)
		if err != nil {
			return err
		}
		if unread == nil && doubt != "" {
			unread = &Error{Code: Unavailable, Op: opDoubt, Message: doubt}
		}
		for _, result := range open {
			if err := s.inspectKnown(ctx, tx, result, known, unread == nil); err != nil {
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
func (s *Service) inspectKnown(ctx context.Context, tx Tx, result Result, known []Server, believed bool) error {
	begun, err := tx.Results(ctx, result.RequestID)
	if err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(known), func(server Server) bool {
		return slices.ContainsFunc(begun, func(r Result) bool { return r.Phase == PhaseInspect && r.ServerID == server.ID })
	})
	if len(fresh) > 0 {
		if err := s.startInspection(ctx, tx, Request{ID: result.RequestID}, refsOf(fresh)); err != nil {
			return err
		}
	}
	if !believed {
		return nil
	}
	result.State, result.Problem, result.Detail = Done, NoProblem, ""
	return s.saveInspection(ctx, tx, result)
}

func (s *Service) saveInspection(ctx context.Context, tx Tx, r Result) error {
	r.UpdatedAt = s.Now()
	if err := tx.SaveResult(ctx, r); err != nil {
		return err
	}
	return tx.Announce(ctx, r.RequestID)
}

func (s *Service) requestsOf(ctx context.Context, open []Result) (requests []Request, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		requests = requests[:0]
		for _, result := range open {
			r, err := tx.Request(ctx, result.RequestID)
			if err != nil {
				return err
			}
			requests = append(requests, r)
		}
		return nil
	})
	return requests, err
}

// namesFresh is how old the names may be by which keys are looked for.
const namesFresh = time.Hour

// inspectedPeople asks Slack by what names the people are known whose keys the requests
// look for: not where one key is looked for. An offboarding from the shell does without
// while Slack is away.
func (s *Service) inspectedPeople(ctx context.Context, requests []Request) (people map[int64]Profile, err error) {
	people = map[int64]Profile{}
	for _, r := range requests {
		if r.PublicKey != "" {
			continue
		}
		if people[r.ID], err = s.Directory.Profile(ctx, r.Person, namesFresh); err != nil && !r.FromShell() {
			return nil, &Error{Code: Unavailable, Message: "Slack does not tell me now by what names to look for keys.", Err: err}
		}
	}
	return people, nil
}

// readForInspection lists a server's keys, and its sessions where somebody is
// being offboarded.
func (s *Service) readForInspection(ctx context.Context, server int64, requests []Request) ([]Credential, []Session, error) {
	if err := s.patience(Renewal); err != nil {
		return nil, nil, err
	}
	turn, release, err := s.Target.Turn(ctx, Renewal)
	if err != nil {
		return nil, nil, err
	}
	found, err := s.Target.List(turn, server)
	release()
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(requests, func(r Request) bool { return r.Kind == KindOffboard }) {
		return found, nil, nil
	}
	turn, release, err = s.Target.Turn(ctx, Renewal)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	sessions, err := s.Target.Sessions(turn, server)
	switch {
	case CodeOf(err) == Unauthorized:
		return nil, nil, err
	case err != nil:
		return found, nil, nil // shown as not read; nothing hangs on them
	case sessions == nil:
		sessions = []Session{}
	}
	return found, sessions, nil
}

// inspectionFailed keeps the inspection open: shown, and tried again by the sweep.
func (s *Service) inspectionFailed(ctx context.Context, open []Result, cause error, settle func(Tx) error) error {
	gone := false
	if server := open[0].ServerID; CodeOf(cause) == NotFound && server != allServers {
		var err error
		if gone, err = s.lost(ctx, server, Addition); err != nil {
			cause = err
		}
	}
	if halted := s.haltOn(ctx, cause); halted != nil {
		return halted
	}
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		for _, r := range open {
			r.State, r.Problem, r.Detail = Waiting, problemOf(cause), MessageOf(cause)
			switch {
			case gone: // what was on it nobody has seen
				r.State, r.Problem, r.Detail = OutOfReach, ProblemServerLeft, ""
			case CodeOf(cause) == Forbidden:
				r.State = Failed
			}
			if err := s.saveInspection(ctx, tx, r); err != nil {
				return err
			}
		}
		return settle(tx)
	})
}

// inspectAgainAt answers when an inspection that failed is tried again: soon at
// first, and ever more rarely.
func inspectAgainAt(r Result, decided time.Time) time.Time {
	wait := r.UpdatedAt.Sub(decided) / 4
	return r.UpdatedAt.Add(min(max(wait, firstInspectAgain), lastInspectAgain))
}

// inspected turns what was read on one server into candidates and removals.
func (s *Service) inspected(ctx context.Context, tx Tx, result Result, profile Profile, found []Credential, sessions []Session) error {
	r, err := tx.Request(ctx, result.RequestID)
	if err != nil {
		return err
	}
	suspect, err := s.suspectOf(ctx, tx, r, profile)
	if err != nil {
		return err
	}
	known, err := s.claimsOn(ctx, tx, result.ServerID)
	if err != nil {
		return err
	}
	var candidates []Candidate
	for _, c := range found {
		ours, err := s.wrote(ctx, tx, result.ServerID, c.Label)
		if err != nil {
			return err
		}
		why := suspect.why(c, ours)
		switch {
		case why == "", known.hold(c): // what the ledger holds goes, or stays, with its grant
			continue
		case why == whyProof:
			err = s.removeProven(ctx, tx, r, result, c, suspect.fingerprintOf(c))
		default:
			candidates = append(candidates, Candidate{RequestID: r.ID, ServerID: result.ServerID, ServerName: result.ServerName, Credential: c, Why: why})
		}
		if err != nil {
			return err
		}
	}
	if err := tx.SaveCandidates(ctx, candidates); err != nil {
		return err
	}
	result.State, result.Problem, result.Detail, result.Sessions = Done, NoProblem, "", sessions
	return s.saveInspection(ctx, tx, result)
}

// claims are the placements of a server that a credential there may belong to.
type claims []Placement

func (s *Service) claimsOn(ctx context.Context, tx Tx, server int64) (claims, error) {
	return tx.Placements(ctx, PlacementQuery{
		Server: server, States: []PlacementState{PlacementUnknown, PlacementPlaced, PlacementLeaving},
	})
}

// hold tells whether the ledger accounts for a credential. One whose id is not
// recorded yet is known by its label: its own work settles it.
func (cs claims) hold(c Credential) bool {
	return slices.ContainsFunc(cs, func(p Placement) bool {
		if p.CredentialID != 0 {
			return p.CredentialID == c.ID
		}
		return p.labels(c)
	})
}

// unclaimed refuses what a person decided about a credential that the ledger has come to
// account for since.
func (s *Service) unclaimed(ctx context.Context, tx Tx, c Candidate) error {
	known, err := s.claimsOn(ctx, tx, c.ServerID)
	if err == nil && known.hold(c.Credential) {
		err = conflict("My ledger accounts for this key by now: it stays, or goes, with the access that it belongs to.")
	}
	return err
}

// removeProven removes a credential that is proven to be the person's, or the
// pasted key, though the ledger did not hold it.
func (s *Service) removeProven(ctx context.Context, tx Tx, r Request, result Result, c Credential, fingerprint string) error {
	p, err := tx.InsertPlacement(ctx, Placement{
		ServerID: result.ServerID, SystemUser: c.SystemUser, Fingerprint: fingerprint, Person: r.Person,
		Label: c.Label, State: PlacementLeaving, CredentialID: c.ID, LeftAt: s.Now(),
	})
	if err != nil {
		return err
	}
	removal := NewResult(s.Now(), r.ID, PhaseRemove, result.ServerID, result.ServerName, c.SystemUser, fingerprint)
	if err := tx.SaveResult(ctx, removal); err != nil { // even where it had been reported as done
		return err
	}
	if err := Record(ctx, tx, s.Now(), "", "placement.found", "placement", p.ID, "", string(PlacementLeaving), c.Label); err != nil {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkRemove, ID: result.ServerID})
}
