package workflow

import (
	"context"
	"fmt"
	"slices"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// ProofCause says why somebody has to prove that a key is theirs.
type ProofCause string

// Why a proof is asked for; NoProof where none is.
const (
	NoProof         ProofCause = ""
	ProofHeld       ProofCause = "held"       // somebody else has registered the key
	ProofOffboarded ProofCause = "offboarded" // somebody who was offboarded once had it
	ProofAlways     ProofCause = "always"     // the team wants one for every key
)

// admission is what the ledger says to a person who wants to register a key.
type admission struct {
	own    access.Key // theirs, as it is or as it ended; zero when they never had it
	holder access.Key // that of who holds it now; zero when nobody does
	Proof  ProofCause
}

// has reports whether the person has the key registered now.
func (a admission) has() bool { return a.holder.Fingerprint != "" && a.holder.Person == a.own.Person }

// admit refuses a key that nobody may register, and one too many, and says whether it takes
// a proof. It writes nothing.
func (s *Service) admit(ctx context.Context, tx access.Tx, person access.UserID, fingerprint string) (a admission, err error) {
	if out, err := isOffboarded(ctx, tx, person); err != nil {
		return a, err
	} else if out { // just now
		return a, access.NewForbidden("An offboarding has ended your access, so you cannot use this.")
	}
	holders, err := tx.Holders(ctx, fingerprint)
	if err != nil {
		return a, err
	}
	for _, k := range holders {
		if k.Ended == access.KeyRevoked {
			return a, &access.Error{Code: access.Conflict, Message: "This key was revoked, so it cannot be registered until an approver allows it, on the message of that revocation. A new key pair is the safer way.", Who: k.EndedBy, When: k.RemovedAt}
		}
		if k.OfAccount() {
			return a, access.NewConflict("That is the key of an account, and of no person.")
		}
		if k.Person == person {
			a.own = k
		}
		if k.Ended == access.KeyCounts {
			a.holder = k
		}
	}
	a.Proof = s.proofFor(a, holders)
	if a.has() {
		return a, nil
	}
	keys, err := tx.KeysOf(ctx, person)
	if err == nil && len(keys) >= maxKeys {
		err = access.NewInvalid(fmt.Sprintf("You have %d keys registered, and more are not possible. Remove one that you no longer use first, in my Home tab.", len(keys)))
	}
	return a, err
}

// proofFor says why the person has to prove a key that was, or is, in these hands.
func (s *Service) proofFor(a admission, holders []access.Key) ProofCause {
	leavers := func(k access.Key) bool { return k.Ended == access.KeyOffboarded && !a.own.ProvedAt.After(k.RemovedAt) }
	switch {
	case a.has() && (!s.Settings.ProveAlways || !a.own.ProvedAt.IsZero()):
		return NoProof
	case a.holder.Fingerprint != "" && !a.has():
		return ProofHeld
	case slices.ContainsFunc(holders, leavers):
		return ProofOffboarded
	case s.Settings.ProveAlways:
		return ProofAlways
	}
	return NoProof
}

// transferKey ends a key with its former holder, because somebody else has proved that it is
// theirs. What it was covered with for the former one ends, and all whom it concerns are told.
func (s *Service) transferKey(ctx context.Context, tx access.Tx, former, now access.Key) error {
	if err := s.endKey(ctx, tx, now.Person, former, access.KeyLost); err != nil {
		return err
	}
	e := ending{actor: now.Person, reason: access.EndKeyLost}
	if err := s.endCovers(ctx, tx, e, access.CoverQuery{Person: former.Person, Fingerprint: former.Fingerprint}); err != nil {
		return err
	}
	if err := tx.PersonChanged(ctx, s.Now(), former.Person); err != nil {
		return err
	}
	moved := access.KeyMove{Fingerprint: now.Fingerprint, From: former.Person, To: now.Person}
	for _, to := range []access.UserID{former.Person, now.Person, ""} { // the last is the channel, or every approver
		key := fmt.Sprintf("key_moved:%s:%d:%s", now.Fingerprint, s.Now().UnixMilli(), to)
		if err := tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeKeyMoved, To: to, Detail: moved.Detail()}); err != nil {
			return err
		}
	}
	return nil
}

// updateRevocations has open revocations of a key name who holds it now, with no approval of what
// they said before. A draft, which only its asker has seen, has to be written again.
func (s *Service) updateRevocations(ctx context.Context, tx access.Tx, k access.Key) error {
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Draft, access.Pending}, Kinds: []access.RequestKind{access.KindRevoke}})
	if err != nil {
		return err
	}
	for _, r := range open {
		switch {
		case r.Fingerprint != k.Fingerprint || r.Person == k.Person:
		case r.State == access.Draft:
			_, err = s.close(ctx, tx, r, access.Cancelled, "", "the key is somebody else's now.")
		default:
			err = s.nameHolder(ctx, tx, r, k.Person)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) nameHolder(ctx context.Context, tx access.Tx, r access.Request, holder access.UserID) error {
	before := r.Person
	r.Person = holder
	if won, err := tx.MoveRequest(ctx, r, access.Pending); err != nil || !won {
		return err
	}
	given, err := tx.Approvals(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, a := range given {
		if _, err := tx.DropApproval(ctx, r.ID, a.Approver); err != nil {
			return err
		}
	}
	if err := access.Record(ctx, tx, s.Now(), "", access.DidRequestHolder, access.NounRequest, r.ID, string(before), string(holder), r.Fingerprint, access.AboutPerson(before)); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}

// refuseKey has a revoked key refused from now on, whoever held it.
func (s *Service) refuseKey(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) error {
	holders, err := tx.Holders(ctx, r.Fingerprint)
	if err != nil {
		return err
	}
	if len(holders) > 0 && holders[0].Ended == access.KeyCounts {
		return s.endKey(ctx, tx, actor, holders[0], access.KeyRevoked)
	}
	if refused(holders) {
		return nil
	}
	key, err := sshkey.Parse(r.PublicKey)
	if err != nil {
		return access.NewInvalid("The key of this request cannot be read.")
	}
	return s.endKey(ctx, tx, actor, access.Key{Fingerprint: r.Fingerprint, Type: key.Type, Blob: key.Blob}, access.KeyRevoked)
}

// refused reports whether a key was revoked and not freed since.
func refused(holders []access.Key) bool {
	return slices.ContainsFunc(holders, func(k access.Key) bool { return k.Ended == access.KeyRevoked })
}

// FreeKey lets the key of a revocation be registered again, by whoever may have it then.
func (s *Service) FreeKey(ctx context.Context, requestID int64, actor access.UserID) (access.Request, error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return access.Request{}, err
	}
	var r access.Request
	err := s.Store.Update(ctx, func(tx access.Tx) (err error) {
		if r, err = tx.Request(ctx, requestID); err != nil {
			return err
		}
		holders, err := tx.Holders(ctx, r.Fingerprint)
		switch {
		case err != nil:
			return err
		case r.State != access.Approved || !r.Unregisters() || !refused(holders):
			return access.NewConflict("This key may be registered again already.")
		case actor == r.Person && !s.Settings.SelfApproval:
			return access.NewForbidden("This is about your own key, so another approver has to allow it.")
		}
		return s.freeKey(ctx, tx, r, holders, actor)
	})
	return r, err
}

func (s *Service) freeKey(ctx context.Context, tx access.Tx, r access.Request, holders []access.Key, actor access.UserID) error {
	for _, k := range holders {
		if k.Ended != access.KeyRevoked {
			continue
		}
		k.Ended = access.KeyRemoved
		if err := tx.SaveKey(ctx, k); err != nil {
			return err
		}
	}
	if err := s.auditKey(ctx, tx, actor, access.DidKeyFree, r.Fingerprint, string(access.KeyRemoved), fmt.Sprintf("revoked by request %d", r.ID), access.AboutRequest(r.ID), access.AboutPerson(r.Person)); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}

// endKeysOf ends every key that a person who is being offboarded has, or once had: they may
// still hold the private half. One that was revoked stays refused.
func (s *Service) endKeysOf(ctx context.Context, tx access.Tx, person, actor access.UserID) error {
	keys, err := tx.AllKeysOf(ctx, person)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Ended == access.KeyRevoked || k.Ended == access.KeyOffboarded {
			continue
		}
		if err := s.endKey(ctx, tx, actor, k, access.KeyOffboarded); err != nil {
			return err
		}
	}
	return nil
}
