package workflow

import (
	"context"
	"errors"
	"slices"

	"sshkeybot/internal/access"
)

// factsOf returns what a decision about the request would carry out now.
func (s *Service) factsOf(ctx context.Context, tx access.Tx, r access.Request) (access.Facts, error) {
	servers, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return access.Facts{}, err
	}
	return s.factsOn(ctx, tx, r, servers)
}

// factsOn is factsOf for a request of which the servers are known.
func (s *Service) factsOn(ctx context.Context, tx access.Tx, r access.Request, servers []access.ServerRef) (access.Facts, error) {
	f := access.Facts{Kind: r.Kind, Person: r.Person, Fingerprint: r.Fingerprint, SystemUser: r.SystemUser}
	switch r.Kind {
	case access.KindGrant:
		f.Duration, f.Servers = r.Duration, access.IDsOf(servers)
		keys, err := tx.KeysOf(ctx, r.Person)
		for _, k := range keys {
			f.Keys = append(f.Keys, k.Fingerprint)
		}
		slices.Sort(f.Keys)
		return f, err
	case access.KindExtend:
		err := fillFromGrant(ctx, tx, &f, r)
		return f, err
	case access.KindRevoke:
		if r.Pattern != "" {
			f.Servers = access.IDsOf(servers)
		}
	case access.KindPurge:
		listed, err := tx.Candidates(ctx, r.ID)
		f.Servers, f.List = access.IDsOf(servers), listDigest(listed)
		return f, err
	case access.KindRotate:
		rotation, err := tx.Rotation(ctx, r.ID)
		f.Servers, f.List = access.IDsOf(servers), rotation.Digest()
		return f, err
	case access.KindRestore:
		v, err := s.restoredView(ctx, tx, r)
		f.List = v.digest()
		return f, err
	case access.KindOffboard, access.KindReinstate: // the person says all
	case access.KindOrphan, access.KindAudit: // nothing is approved
	}
	return f, nil
}

// fillFromGrant fills in what an extension would prolong, and until when.
func fillFromGrant(ctx context.Context, tx access.Tx, f *access.Facts, r access.Request) error {
	g, err := tx.Grant(ctx, r.GrantID)
	if err != nil {
		return err
	}
	covers, err := tx.Covers(ctx, g.ID)
	covers = access.LiveCovers(covers)
	for _, c := range covers {
		f.Keys = append(f.Keys, c.Fingerprint)
	}
	slices.Sort(f.Keys)
	f.Keys, f.Servers = slices.Compact(f.Keys), access.ServersOf(covers)
	if !g.EndsAt.IsZero() {
		f.Until = g.EndsAt.Add(r.Duration)
	}
	return err
}

// refreshFacts brings what a pending request's messages show in line with the facts. When
// those have changed, every copy is drawn anew and approvals given before are void.
func (s *Service) refreshFacts(ctx context.Context, tx access.Tx, r access.Request) error {
	if r.State != access.Pending {
		return nil
	}
	now, err := s.factsOf(ctx, tx, r)
	if err != nil || now.Digest() == r.Facts {
		return err
	}
	was := r.Facts
	r.Facts = now.Digest()
	if _, err := tx.MoveRequest(ctx, r, access.Pending); err != nil {
		return err
	}
	if err := tx.SaveFacts(ctx, r.ID, now); err != nil {
		return err
	}
	if was != "" {
		if err := access.Record(ctx, tx, s.Now(), "", access.DidRequestChange, access.NounRequest, r.ID, was, r.Facts, "what is asked has changed"); err != nil {
			return err
		}
	}
	if err := s.voidAll(ctx, tx, r); err != nil {
		return err
	}
	if err := s.personsChanged(ctx, tx, r); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}

// voidAll drops the approvals that were given to what a request asked before, and has
// the approvers told.
func (s *Service) voidAll(ctx context.Context, tx access.Tx, r access.Request) error {
	given, err := tx.Approvals(ctx, r.ID)
	if err != nil {
		return err
	}
	var void []access.UserID
	for _, a := range given {
		if a.Facts != r.Facts {
			void = append(void, a.Approver)
		}
	}
	if len(void) == 0 {
		return nil
	}
	if err := s.dropApprovals(ctx, tx, r, void, "what is asked has changed"); err != nil {
		return err
	}
	return tx.Notify(ctx, access.Notice{Key: access.NoticeKey("changed:"+r.Facts, r.ID), Kind: access.NoticeChanged, RequestID: r.ID})
}

// factsChanged looks at the pending requests about a person after their keys, or what
// their grants cover, have changed.
func (s *Service) factsChanged(ctx context.Context, tx access.Tx, person access.UserID) error {
	if person == "" {
		return nil
	}
	pending, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}, Person: person})
	if err != nil {
		return err
	}
	for _, r := range pending {
		if err := s.refreshFacts(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}

// checkShown refuses a decision about other facts than the message showed in which it was
// made.
func (s *Service) checkShown(ctx context.Context, tx access.Tx, r access.Request, shown string) error {
	now, err := s.factsOf(ctx, tx, r)
	if err != nil || now.Digest() == shown {
		return err
	}
	was, err := tx.Facts(ctx, r.ID, shown)
	if access.CodeOf(err) == access.NotFound { // drawn by a version that did not say what it showed
		return &access.Error{Code: access.Conflict, Err: errOutdated, Message: "That message no longer shows what this is about, so nothing was decided. It is being drawn anew; please look again."}
	}
	if err != nil {
		return err
	}
	names, err := access.ServerNames(ctx, tx, slices.Concat(was.Servers, now.Servers))
	if err != nil {
		return err
	}
	return &access.Error{
		Code: access.Conflict, Err: errOutdated, Message: "What this asks for has changed since that message was drawn, so nothing was decided.",
		Changed: &access.FactsChange{Was: was, Now: now, Names: names},
	}
}

// errOutdated is wrapped by the refusal of a decision about other facts than those of now.
var errOutdated = errors.New("outdated")

// refreshIfOutdated notes the facts of a request after somebody decided about older ones.
func (s *Service) refreshIfOutdated(ctx context.Context, id int64, cause error) error {
	if !errors.Is(cause, errOutdated) {
		return cause
	}
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil {
			return err
		}
		return s.refreshFacts(ctx, tx, r)
	})
	if err != nil {
		return err
	}
	return cause
}
