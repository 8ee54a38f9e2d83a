package workflow

import (
	"context"
	"strings"

	"sshkeybot/internal/access"
)

// OffboardFromShell offboards a person at the word of whoever has the operator's
// shell: no approver decides it, so the request has no asker, and names the
// operator in its reason and in the audit log. For a person who is offboarded
// already it returns the request that did it, and changes nothing, unless that was
// because of the directory alone, which may say otherwise later. NotFound for an id that
// neither the ledger nor the directory knows: most likely a slip.
func (s *Service) OffboardFromShell(ctx context.Context, person access.UserID, operator, reason, source string) (access.Request, error) {
	if err := s.knownToLedger(ctx, person); access.CodeOf(err) == access.NotFound {
		if err := s.knownUser(ctx, person); err != nil {
			return access.Request{}, err
		}
	} else if err != nil {
		return access.Request{}, err
	}
	wish := s.newRequest(access.KindOffboard, access.ShellSource+source, "", person, "")
	wish.Reason = strings.TrimSpace(access.CleanText(reason + " (from the shell, by " + operator + ")"))
	var r access.Request
	err := s.Store.Update(ctx, func(tx access.Tx) (err error) {
		if r, err = offboardingOf(ctx, tx, person); err != nil || r.ID != 0 && !r.Automatic() {
			return err
		}
		var fresh bool
		if r, fresh, err = tx.InsertRequest(ctx, wish, nil); err != nil || !fresh {
			return err
		}
		if err := s.submitted(ctx, tx, r); err != nil {
			return err
		}
		if err := access.Record(ctx, tx, s.Now(), "", access.DidRequestShell, access.NounRequest, r.ID, "", string(access.Pending), access.CleanText(operator)); err != nil {
			return err
		}
		r, err = s.approve(ctx, tx, r, "", "")
		return err
	})
	return r, err
}

// knownToLedger asks nobody outside, so that what is known here can be offboarded
// while the directory is away.
func (s *Service) knownToLedger(ctx context.Context, id access.UserID) error {
	return s.Store.Read(ctx, func(tx access.Tx) error {
		person, err := tx.Person(ctx, id)
		if err != nil || person.Offboarded() {
			return err
		}
		keys, err := tx.AllKeysOf(ctx, id)
		if err != nil || len(keys) > 0 {
			return err
		}
		named, err := tx.Requests(ctx, access.RequestQuery{Person: id, Limit: 1})
		if err == nil && len(named) == 0 {
			err = access.NewNotFound("The ledger does not know this person.")
		}
		return err
	})
}

// offboardingOf returns the request that offboarded a person, and the zero Request
// while they may take part.
func offboardingOf(ctx context.Context, tx access.Tx, id access.UserID) (access.Request, error) {
	out, err := isOffboarded(ctx, tx, id)
	if err != nil || !out {
		return access.Request{}, err
	}
	return lastOffboarding(ctx, tx, id)
}

// lastOffboarding returns the last request that offboarded a person, though they may be
// back since; the zero Request when there was none.
func lastOffboarding(ctx context.Context, tx access.Tx, id access.UserID) (access.Request, error) {
	done, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Approved}, Kinds: []access.RequestKind{access.KindOffboard}, Person: id})
	if err != nil || len(done) == 0 {
		return access.Request{}, err
	}
	return done[len(done)-1], nil
}
