package workflow

import (
	"context"
	"fmt"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// prepare looks at the account once more and, where it still is what was approved, makes a pair
// and has its public half placed. It is in the ledger before it is anywhere else.
func (s *Service) prepare(ctx context.Context, r access.Rotation) error {
	account, err := s.readAccount(ctx, r)
	missing := access.CodeOf(err) == access.NotFound
	switch {
	case err != nil && !missing:
		return err
	case missing && r.AccountID == "":
	case missing:
		return s.giveUp(ctx, r, "The account is gone from "+s.Accounts.Title()+".")
	case r.Fingerprint != "" && account.Mark.Fingerprint == r.Fingerprint:
		return s.written(ctx, r, account) // the write whose answer was lost has landed after all
	case r.AccountID == "" && account.Mark.Request != r.RequestID:
		return s.giveUp(ctx, r, "Somebody has made an account of that name meanwhile.")
	default:
		why, err := s.changed(ctx, r, account)
		if err != nil || why != "" {
			return s.giveUpIf(ctx, r, why, err)
		}
		r.Space, r.AccountID, r.ModifiedAt = account.Space, account.ID, account.ModifiedAt
	}
	return s.place(ctx, r)
}

// readAccount reads the account of a rotation, by its name while its id is not known.
func (s *Service) readAccount(ctx context.Context, r access.Rotation) (access.KeyedAccount, error) {
	if r.AccountID == "" {
		return s.Accounts.Find(ctx, r.AccountName)
	}
	return s.Accounts.Account(ctx, r.AccountID)
}

// changed says why an account is not what was approved; empty if it is.
func (s *Service) changed(ctx context.Context, r access.Rotation, account access.KeyedAccount) (string, error) {
	if !r.ModifiedAt.IsZero() && !account.ModifiedAt.Equal(r.ModifiedAt) {
		return "Somebody has changed the account since this was asked for.", nil
	}
	if r.Created {
		return "", nil
	}
	found, _, err := s.examine(ctx, account)
	if err == nil && !r.Wrote {
		err = s.requireHealthy(found)
	}
	if code := access.CodeOf(err); err != nil && (code == access.Invalid || code == access.NotFound) {
		return access.MessageOf(err), nil
	}
	now := r
	now.AccountName, now.SystemUser, now.Found.AccountUses = account.Name, account.SystemUser, found.AccountUses
	if err == nil && now.Digest() != r.Digest() {
		return "The account, or which machines use it, has changed since this was asked for.", nil
	}
	return "", err
}

// place makes a pair and has its public half placed on the servers of the request.
func (s *Service) place(ctx context.Context, was access.Rotation) error {
	public, private, err := sshkey.NewPair()
	if err != nil {
		return fmt.Errorf("make a key pair: %w", err)
	}
	next := was
	next.State, next.Attempt, next.Problem = access.RotationPlacing, was.Attempt+1, ""
	next.Fingerprint = public.Fingerprint()
	s.halves.put(next.Fingerprint, private)
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx access.Tx) error {
		key := access.Key{Fingerprint: next.Fingerprint, Type: public.Type, Blob: public.Blob, Note: next.AccountName, RegisteredAt: s.Now()}
		g, covers, err := s.coverForAccount(ctx, tx, next, key)
		if err != nil {
			return err
		}
		next.GrantID, next.HeldUntil = g.ID, s.Now().Add(holdFor)
		won, err := s.moveRotation(ctx, tx, next, was, "")
		if err != nil {
			return err
		}
		if !won {
			return errOvertaken
		}
		return s.beginPlacing(ctx, tx, g, covers)
	})
}

// errOvertaken undoes a step of a rotation that another process has taken over.
var errOvertaken = &access.Error{Code: access.Conflict, Message: "Another process goes on with this."}

// coverForAccount puts the public half and a grant without an end into the ledger.
func (s *Service) coverForAccount(ctx context.Context, tx access.Tx, r access.Rotation, key access.Key) (access.Grant, []access.Cover, error) {
	request, err := tx.Request(ctx, r.RequestID)
	if err != nil {
		return access.Grant{}, nil, err
	}
	servers, err := tx.RequestServers(ctx, r.RequestID)
	if err != nil {
		return access.Grant{}, nil, err
	}
	if err := tx.SaveKey(ctx, key); err != nil {
		return access.Grant{}, nil, err
	}
	if err := s.auditKey(ctx, tx, "", access.DidKeyRegister, key.Fingerprint, "registered", "of an account"); err != nil {
		return access.Grant{}, nil, err
	}
	covers, results := s.coverAll(request, servers, []access.Key{key})
	g := access.Grant{RequestID: r.RequestID, Alias: r.AccountName, SystemUser: r.SystemUser, State: access.Live, StartsAt: s.Now()}
	if g, err = tx.InsertGrant(ctx, g, covers); err != nil {
		return g, nil, err
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return g, nil, err
	}
	detail := fmt.Sprintf("an account as %s on %d servers", g.SystemUser, len(servers))
	return g, covers, access.Record(ctx, tx, s.Now(), "", access.DidGrantStart, access.NounGrant, g.ID, "", string(access.Live), detail)
}

// awaitPlaced goes on once the public half is on every server, and then has the servers' lists read
// for it.
func (s *Service) awaitPlaced(ctx context.Context, was access.Rotation) error {
	if _, held := s.halves.of(was); !held {
		return s.beginAnew(ctx, was)
	}
	open, why, err := s.unplaced(ctx, was, false)
	if err != nil || why != "" {
		return s.giveUpIf(ctx, was, why, err)
	}
	if open > 0 {
		return nil
	}
	next := was
	next.State, next.Problem = access.RotationConfirming, ""
	return s.saveRotation(ctx, next, was, func(ctx context.Context, tx access.Tx) error {
		servers, err := tx.VerifyPlaced(ctx, was.GrantID, s.Now())
		if err != nil {
			return err
		}
		return wakeServers(ctx, tx, access.WorkAdd, servers)
	})
}

// awaitListed goes on once the lists of all servers have shown the public half: the private one
// is written.
func (s *Service) awaitListed(ctx context.Context, was access.Rotation) error {
	half, held := s.halves.of(was)
	if !held {
		return s.beginAnew(ctx, was)
	}
	open, why, err := s.unplaced(ctx, was, true)
	if err != nil || why != "" {
		return s.giveUpIf(ctx, was, why, err)
	}
	switch {
	case open > 0:
		return nil
	case s.Now().Sub(was.Since) > placeWithin:
		return s.giveUp(ctx, was, "The account could not be written in time. "+was.Problem)
	}
	return s.write(ctx, was, half)
}

// unplaced counts the servers that do not have the public half yet or, if listed is set, whose
// list has not shown it yet. It says why they will not: a server refuses it, or time is over.
func (s *Service) unplaced(ctx context.Context, r access.Rotation, listed bool) (open int, why string, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		servers, err := tx.RequestServers(ctx, r.RequestID)
		if err != nil {
			return err
		}
		placements, err := tx.Placements(ctx, access.PlacementQuery{
			Servers: access.IDsOf(servers), SystemUser: r.SystemUser, Fingerprint: r.Fingerprint,
			States: []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
		})
		if err != nil {
			return err
		}
		there := map[int64]access.Placement{}
		for _, p := range placements {
			there[p.ServerID] = p
		}
		var names []string
		for _, server := range servers {
			p := there[server.ID]
			if p.Stuck {
				why = "The key cannot be placed on " + server.Name + ": " + p.Detail
				return nil
			}
			if p.State != access.PlacementPlaced || listed && !p.VerifyAt.IsZero() {
				names = append(names, server.Name)
			}
		}
		if open = len(names); open > 0 && s.Now().Sub(r.Since) > placeWithin {
			why = "The key could not be placed in time on " + someOf(names, "the request") + "."
		}
		return nil
	})
	return open, why, err
}

// beginAnew drops the public half whose private one was lost with its process before it was
// written, and begins again.
func (s *Service) beginAnew(ctx context.Context, was access.Rotation) error {
	next := was
	next.State, next.Fingerprint, next.GrantID, next.Problem, next.NextAt = access.RotationPreparing, "", 0, "", s.Now()
	return s.saveRotation(ctx, next, was, func(ctx context.Context, tx access.Tx) error { return s.endAttempt(ctx, tx, was) })
}

// giveUpIf gives a rotation up for a reason, if there is one and no error.
func (s *Service) giveUpIf(ctx context.Context, r access.Rotation, why string, err error) error {
	if err != nil || why == "" {
		return err
	}
	return s.giveUp(ctx, r, why)
}

// giveUp ends a rotation before its private half was written: the account is as it was, and the new
// public half goes. Where one was, or may have been, written before, both stay, and people decide.
func (s *Service) giveUp(ctx context.Context, was access.Rotation, why string) error {
	if was.Wrote {
		return s.halfway(ctx, was, why, was.Unproven)
	}
	s.halves.drop(was)
	next := was
	next.State, next.Problem, next.NextAt = access.RotationFailed, why, time.Time{}
	return s.saveRotation(ctx, next, was, func(ctx context.Context, tx access.Tx) error {
		if err := s.endAttempt(ctx, tx, was); err != nil {
			return err
		}
		return tellRotation(ctx, tx, next)
	})
}
