package workflow

import (
	"context"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// Registration is the outcome of registering a key.
type Registration struct {
	Key      access.Key
	Fresh    bool    // false when the person had registered it before
	First    bool    // it is the only one that they have
	Released []int64 // requests that waited for it and go to the approvers now

	Proof     ProofCause       // why it is not registered yet; empty when it is
	Challenge access.Challenge // what has to be signed then
}

// maxKeys is how many keys a person may have registered at a time.
const maxKeys = 10

// Register stores a person's own public key and lets requests that waited for it go on to
// the approvers. Where a proof is needed that the key is theirs, nothing is registered: the
// Registration carries the Challenge that they have to answer with Prove.
func (s *Service) Register(ctx context.Context, actor access.UserID, key sshkey.Key, note string) (Registration, error) {
	who, err := s.requireParticipant(ctx, actor, actorMaxAge)
	if err != nil {
		return Registration{}, err
	}
	workspace, err := s.Directory.Workspace(ctx)
	if err != nil {
		return Registration{}, err
	}
	var out Registration
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		k := access.Key{Fingerprint: key.Fingerprint(), Person: actor, Type: key.Type, Blob: key.Blob, Note: note, RegisteredAt: s.Now()}
		a, err := s.admit(ctx, tx, actor, k.Fingerprint)
		switch {
		case err != nil:
			return err
		case a.Proof != "":
			out = Registration{Key: k, Proof: a.Proof}
			out.Challenge, err = s.challenge(ctx, tx, k, who, workspace)
		case a.has():
			out = Registration{Key: a.own}
		default:
			k.ProvedAt = a.own.ProvedAt
			out, err = s.saveKey(ctx, tx, a, k)
		}
		return err
	})
	return out, err
}

// saveKey makes a key its person's, and that of nobody else.
func (s *Service) saveKey(ctx context.Context, tx access.Tx, a admission, k access.Key) (Registration, error) {
	if !a.has() && a.holder.Fingerprint != "" {
		if err := s.transferKey(ctx, tx, a.holder, k); err != nil {
			return Registration{}, err
		}
	}
	if err := tx.SaveKey(ctx, k); err != nil {
		return Registration{}, err
	}
	detail := ""
	if a.Proof != "" {
		detail = "proved with a signature"
	}
	if err := s.auditKey(ctx, tx, k.Person, access.DidKeyRegister, k.Fingerprint, "registered", detail, access.AboutPerson(k.Person)); err != nil {
		return Registration{}, err
	}
	if err := s.updateRevocations(ctx, tx, k); err != nil {
		return Registration{}, err
	}
	if err := s.keysChanged(ctx, tx, k.Person); err != nil {
		return Registration{}, err
	}
	all, err := tx.KeysOf(ctx, k.Person)
	if err != nil {
		return Registration{}, err
	}
	released, err := s.releaseWaiting(ctx, tx, k.Person)
	return Registration{Key: k, Fresh: true, First: len(all) == 1, Released: released}, err
}

func (s *Service) auditKey(ctx context.Context, tx access.Tx, actor access.UserID, action access.Action, fingerprint, to, detail string, about ...access.Subject) error {
	return tx.Audit(ctx, access.Event{
		At: s.Now(), Actor: actor, Action: action, Noun: access.NounKey, NounID: fingerprint, To: to, Detail: detail, About: access.AboutAll(about...),
	})
}

// keysChanged has the open requests for a person drawn anew, and what was approved of them
// approved anew.
func (s *Service) keysChanged(ctx context.Context, tx access.Tx, person access.UserID) error {
	if err := s.factsChanged(ctx, tx, person); err != nil {
		return err
	}
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending, access.WaitingForKey}, Person: person})
	if err != nil {
		return err
	}
	for _, r := range open {
		if err := access.AnnounceNow(ctx, tx, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// releaseWaiting puts requests that waited for the person's key before the approvers.
func (s *Service) releaseWaiting(ctx context.Context, tx access.Tx, person access.UserID) ([]int64, error) {
	waiting, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.WaitingForKey}, Person: person})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, r := range waiting {
		r.State = access.Pending
		r.ExpiresAt = s.Now().Add(s.Settings.RequestTTL)
		won, err := tx.MoveRequest(ctx, r, access.WaitingForKey)
		if err != nil {
			return nil, err
		}
		if !won {
			continue
		}
		if err := s.refreshFacts(ctx, tx, r); err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
		if err := access.Record(ctx, tx, s.Now(), person, access.DidRequestKeyArrived, access.NounRequest, r.ID, string(access.WaitingForKey), string(access.Pending), ""); err != nil {
			return nil, err
		}
		if err := s.personsChanged(ctx, tx, r); err != nil {
			return nil, err
		}
		if err := access.AnnounceNow(ctx, tx, r.ID); err != nil {
			return nil, err
		}
		if err := tx.Notify(ctx, access.Notice{Key: access.NoticeKey("decidable", r.ID), Kind: access.NoticeDecidable, RequestID: r.ID}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// RemoveKey takes a key off a person's list, and off every server.
func (s *Service) RemoveKey(ctx context.Context, actor access.UserID, fingerprint string) error {
	if err := s.Eligible(ctx, actor); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		key, err := tx.Key(ctx, fingerprint)
		switch {
		case access.CodeOf(err) == access.NotFound, err == nil && key.Person != actor:
			return access.NewNotFound("You have no key with that fingerprint.")
		case err != nil:
			return err
		case !key.RemovedAt.IsZero():
			return nil // the same wish again, after a crash
		}
		if err := s.endKey(ctx, tx, actor, key, access.KeyRemoved); err != nil {
			return err
		}
		return s.endCovers(ctx, tx, ending{actor: actor, reason: access.EndGivenBack}, access.CoverQuery{Person: actor, Fingerprint: fingerprint})
	})
}

// endKey takes a key off its person's list, and records how and by whom.
func (s *Service) endKey(ctx context.Context, tx access.Tx, actor access.UserID, key access.Key, how access.KeyEnd) error {
	key.RemovedAt, key.Ended, key.EndedBy = s.Now(), how, actor
	if err := tx.SaveKey(ctx, key); err != nil {
		return err
	}
	if err := s.auditKey(ctx, tx, actor, access.DidKeyRemove, key.Fingerprint, string(how), "of "+string(key.Person), access.AboutPerson(key.Person)); err != nil {
		return err
	}
	return s.keysChanged(ctx, tx, key.Person)
}

// Keys lists a person's registered keys: one's own, or anybody's for an approver.
func (s *Service) Keys(ctx context.Context, actor, of access.UserID) (keys []access.Key, err error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return nil, err
	}
	if of == "" {
		of = actor
	}
	if of != actor {
		approver, err := s.IsApprover(ctx, actor)
		if err != nil {
			return nil, err
		}
		if !approver {
			return nil, s.approversOnly("Only an approver may see somebody else's keys.")
		}
	}
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		keys, err = tx.KeysOf(ctx, of)
		return err
	})
	return keys, err
}
