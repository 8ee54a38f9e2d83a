package workflow

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"sshkeybot/internal/access"
)

// ReinstateAsk is an approver's wish that somebody who was offboarded may be given access again.
type ReinstateAsk struct {
	Source  string
	Asker   access.UserID
	Person  access.UserID
	Reason  string
	Channel string
}

// AskReinstate stores an approver's wish that somebody who was offboarded may be given access
// again, for another approver to decide. Where no other is named it is a draft that they confirm
// themselves, since it gives no access.
func (s *Service) AskReinstate(ctx context.Context, a ReinstateAsk) (access.Request, error) {
	if err := s.requireApprover(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	if err := s.requireOffboarded(ctx, a.Person); err != nil {
		return access.Request{}, err
	}
	if err := s.refuseSecondReinstatement(ctx, a); err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindReinstate, a.Source, a.Asker, a.Person, a.Channel)
	r.Reason = a.Reason
	others, err := s.otherApprovers(ctx, a.Asker)
	if err != nil {
		return access.Request{}, err
	}
	if len(others) == 0 {
		r.State, r.ExpiresAt = access.Draft, r.CreatedAt.Add(draftTTL)
	} else if err := s.requireDeciders(ctx, r); err != nil {
		return access.Request{}, err
	}
	return s.submit(ctx, r, nil)
}

// otherApprovers returns the approvers but one. It fails while a group cannot be read, which may
// have others.
func (s *Service) otherApprovers(ctx context.Context, id access.UserID) ([]access.UserID, error) {
	all, err := s.knownApprovers(ctx)
	return slices.DeleteFunc(all, func(other access.UserID) bool { return other == id }), err
}

// requireOffboarded refuses whoever was not offboarded, or may take no part for another reason.
func (s *Service) requireOffboarded(ctx context.Context, id access.UserID) error {
	profile, err := s.Directory.Profile(ctx, id, 0)
	if err != nil {
		return err
	}
	if reason := s.refusalOf(profile.Standing); reason != "" {
		return &access.Error{Code: access.Forbidden, About: id, Message: "cannot be reinstated: " + reason + "."}
	}
	if err := s.accountActive(ctx, id); err != nil {
		return err
	}
	return s.Store.Read(ctx, func(tx access.Tx) error {
		person, err := tx.Person(ctx, id)
		if err == nil && !person.Offboarded() {
			err = notOffboarded(id)
		}
		return err
	})
}

func notOffboarded(id access.UserID) error {
	return &access.Error{Code: access.Conflict, About: id, Message: "is not offboarded, so there is nothing to take back."}
}

func (s *Service) refuseSecondReinstatement(ctx context.Context, a ReinstateAsk) error {
	return s.Store.Read(ctx, func(tx access.Tx) error {
		open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}, Kinds: []access.RequestKind{access.KindReinstate}, Person: a.Person})
		if err != nil || len(open) == 0 || open[0].Source == a.Source {
			return err
		}
		return access.NewConflict(fmt.Sprintf("Request %d asks for that already.", open[0].ID))
	})
}

// approveReinstatement takes the offboarding back first: where somebody else has done that,
// nothing is decided.
func (s *Service) approveReinstatement(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	won, err := tx.Reinstate(ctx, r.Person, s.Now())
	if err != nil {
		return r, err
	}
	if !won {
		return r, notOffboarded(r.Person)
	}
	if err := access.Record(ctx, tx, s.Now(), actor, access.DidPersonReinstate, access.NounRequest, r.ID, "offboarded", "active", string(r.Person)); err != nil {
		return r, err
	}
	if err := tx.SetFlag(ctx, flagDeactivated+string(r.Person), ""); err != nil {
		return r, err
	}
	if err := announceReinstated(ctx, tx, r); err != nil {
		return r, err
	}
	return s.close(ctx, tx, r, access.Approved, actor, r.Note)
}

// announceReinstated has it said where the offboarding was announced, and that drawn anew.
func announceReinstated(ctx context.Context, tx access.Tx, r access.Request) error {
	last, err := lastOffboarding(ctx, tx, r.Person)
	if err != nil || last.ID == 0 {
		return err
	}
	n := access.Notice{Key: access.NoticeKey("reinstated", r.ID), Kind: access.NoticeReinstated, RequestID: last.ID, Detail: strconv.FormatInt(r.ID, 10)}
	if err := tx.Notify(ctx, n); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, last.ID)
}
