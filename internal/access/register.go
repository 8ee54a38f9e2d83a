package access

import (
	"context"

	"sshkeybot/internal/sshkey"
)

// Register stores a person's own public key and lets requests that waited for it
// go on to the approvers. A key that somebody else has registered is refused.
func (s *Service) Register(ctx context.Context, actor UserID, key sshkey.Key, note string) (Registration, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return Registration{}, err
	}
	var out Registration
	err := s.Store.Update(ctx, func(tx Tx) error {
		out = Registration{Key: Key{
			Fingerprint: key.Fingerprint(), Person: actor, Type: key.Type, Blob: key.Blob, Note: note, RegisteredAt: s.Now(),
		}}
		known, err := tx.Key(ctx, out.Key.Fingerprint)
		switch {
		case CodeOf(err) == NotFound: // new to us
		case err != nil:
			return err
		case known.Person != actor:
			return othersKey()
		case known.RemovedAt.IsZero():
			out.Key = known
			return nil
		}
		out.Fresh = true
		if err := tx.SaveKey(ctx, out.Key); err != nil {
			return err
		}
		if err := s.auditKey(ctx, tx, actor, "key.register", out.Key.Fingerprint, "registered"); err != nil {
			return err
		}
		if out.Released, err = s.releaseWaiting(ctx, tx, actor); err != nil {
			return err
		}
		return s.factsChanged(ctx, tx, actor)
	})
	return out, err
}

func (s *Service) auditKey(ctx context.Context, tx Tx, actor UserID, action, fingerprint, to string) error {
	return tx.Audit(ctx, Event{At: s.Now(), Actor: actor, Action: action, Noun: "key", NounID: fingerprint, To: to})
}

// releaseWaiting puts requests that waited for the person's key before the approvers.
func (s *Service) releaseWaiting(ctx context.Context, tx Tx, person UserID) ([]int64, error) {
	waiting, err := tx.Requests(ctx, RequestQuery{States: []RequestState{WaitingForKey}, Person: person})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, r := range waiting {
		r.State = Pending
		r.ExpiresAt = s.Now().Add(s.Settings.RequestTTL)
		won, err := tx.MoveRequest(ctx, r, WaitingForKey)
		if err != nil {
			return nil, err
		}
		if !won {
			continue
		}
		if err := s.noteFacts(ctx, tx, r); err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
		if err := s.audit(ctx, tx, person, "request.key_arrived", "request", r.ID, string(WaitingForKey), string(Pending), ""); err != nil {
			return nil, err
		}
		if err := s.redrawHomes(ctx, tx, r); err != nil {
			return nil, err
		}
		if err := announceNow(ctx, tx, r.ID); err != nil {
			return nil, err
		}
		if err := tx.Notify(ctx, Notice{Key: noticeKey("decidable", r.ID), Kind: NoticeDecidable, RequestID: r.ID}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// RemoveKey takes a key off a person's list, and off every server.
func (s *Service) RemoveKey(ctx context.Context, actor UserID, fingerprint string) error {
	if err := s.Eligible(ctx, actor); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		key, err := tx.Key(ctx, fingerprint)
		switch {
		case CodeOf(err) == NotFound, err == nil && key.Person != actor:
			return notFound("You have no key with that fingerprint.")
		case err != nil:
			return err
		case !key.RemovedAt.IsZero():
			return nil // the same wish again, after a crash
		}
		if err := s.unregister(ctx, tx, actor, key); err != nil {
			return err
		}
		return s.endCovers(ctx, tx, ending{actor: actor, reason: EndGivenBack}, CoverQuery{Person: actor, Fingerprint: fingerprint})
	})
}

// unregister takes a key off its person's list.
func (s *Service) unregister(ctx context.Context, tx Tx, actor UserID, key Key) error {
	key.RemovedAt = s.Now()
	if err := tx.SaveKey(ctx, key); err != nil {
		return err
	}
	if err := s.auditKey(ctx, tx, actor, "key.remove", key.Fingerprint, "removed"); err != nil {
		return err
	}
	return s.factsChanged(ctx, tx, key.Person)
}

func othersKey() error {
	return conflict("This key is registered to somebody else already. Every person needs a key pair of their own.")
}

// Keys lists a person's registered keys: one's own, or anybody's for an approver.
func (s *Service) Keys(ctx context.Context, actor, of UserID) (keys []Key, err error) {
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
			return nil, s.forApprovers("Only an approver may see somebody else's keys.")
		}
	}
	err = s.Store.Read(ctx, func(tx Tx) error {
		keys, err = tx.KeysOf(ctx, of)
		return err
	})
	return keys, err
}
