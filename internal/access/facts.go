package access

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Facts are what somebody decides on: what a request would let a person do, or would
// take away. Texts, names and times that only inform are no part of them. A request that
// ends access has those alone that name what ends: what it hits may grow while it waits,
// and that must not hold it up.
//
// The JSON form is stored and its digest travels in buttons, so a field may be added only
// with omitempty, and none may be renamed.
type Facts struct {
	Kind        RequestKind   `json:"kind"`
	Person      UserID        `json:"person"`
	Fingerprint string        `json:"fingerprint,omitempty"` // of a revocation of one key
	Keys        []string      `json:"keys,omitempty"`        // fingerprints, sorted
	Servers     []int64       `json:"servers,omitempty"`     // sorted
	SystemUser  string        `json:"system_user,omitempty"`
	Duration    time.Duration `json:"duration,omitempty"` // of a grant; 0 is for ever
	Until       time.Time     `json:"until,omitzero"`     // of an extension: the end that it leads to
}

// Digest names the facts: equal facts have equal digests, in every version of the bot.
func (f Facts) Digest() string {
	text, _ := json.Marshal(f) // such fields always marshal
	return digest(text)
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// FactsChange says what is decided on now, and what it was before.
type FactsChange struct {
	Was, Now Facts
	Names    map[int64]string // of the servers
}

// factsOf returns what a decision about the request would carry out now.
func (s *Service) factsOf(ctx context.Context, tx Tx, r Request) (Facts, error) {
	f := Facts{Kind: r.Kind, Person: r.Person, Fingerprint: r.Fingerprint, SystemUser: r.SystemUser}
	switch r.Kind {
	case KindGrant:
		f.Duration = r.Duration
		err := fillFromRequest(ctx, tx, &f, r)
		return f, err
	case KindExtend:
		err := fillFromGrant(ctx, tx, &f, r)
		return f, err
	case KindRevoke:
		if r.Pattern == "" {
			return f, nil
		}
		servers, err := tx.RequestServers(ctx, r.ID)
		f.Servers = idsOf(servers)
		return f, err
	case KindOffboard: // the person says all
	case KindOrphan: // nothing is approved
	}
	return f, nil
}

// fillFromRequest fills in the keys and servers that a grant would begin with.
func fillFromRequest(ctx context.Context, tx Tx, f *Facts, r Request) error {
	keys, err := tx.KeysOf(ctx, r.Person)
	if err != nil {
		return err
	}
	for _, k := range keys {
		f.Keys = append(f.Keys, k.Fingerprint)
	}
	slices.Sort(f.Keys)
	servers, err := tx.RequestServers(ctx, r.ID)
	f.Servers = idsOf(servers)
	return err
}

// fillFromGrant fills in what an extension would prolong, and until when.
func fillFromGrant(ctx context.Context, tx Tx, f *Facts, r Request) error {
	g, err := tx.Grant(ctx, r.GrantID)
	if err != nil {
		return err
	}
	covers, err := tx.Covers(ctx, g.ID)
	covers = liveCovers(covers)
	for _, c := range covers {
		f.Keys = append(f.Keys, c.Fingerprint)
	}
	slices.Sort(f.Keys)
	f.Keys, f.Servers = slices.Compact(f.Keys), serversOf(covers)
	if !g.EndsAt.IsZero() {
		f.Until = g.EndsAt.Add(r.Duration)
	}
	return err
}

func idsOf(refs []ServerRef) []int64 {
	var ids []int64
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	slices.Sort(ids)
	return ids
}

// noteFacts brings what a pending request's messages show in line with the facts. When
// those have changed, every copy is drawn anew and approvals given before are void.
func (s *Service) noteFacts(ctx context.Context, tx Tx, r Request) error {
	if r.State != Pending {
		return nil
	}
	now, err := s.factsOf(ctx, tx, r)
	if err != nil || now.Digest() == r.Facts {
		return err
	}
	was := r.Facts
	r.Facts = now.Digest()
	if _, err := tx.MoveRequest(ctx, r, Pending); err != nil {
		return err
	}
	if err := tx.SaveFacts(ctx, r.ID, now); err != nil {
		return err
	}
	if was != "" {
		if err := Record(ctx, tx, s.Now(), "", "request.change", "request", r.ID, was, r.Facts, "what is asked has changed"); err != nil {
			return err
		}
	}
	if err := s.voidAll(ctx, tx, r); err != nil {
		return err
	}
	if err := s.redrawHomes(ctx, tx, r); err != nil {
		return err
	}
	return announceNow(ctx, tx, r.ID)
}

// voidAll drops the approvals that were given to what a request asked before, and has
// the approvers told.
func (s *Service) voidAll(ctx context.Context, tx Tx, r Request) error {
	given, err := tx.Approvals(ctx, r.ID)
	if err != nil {
		return err
	}
	var void []UserID
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
	return tx.Notify(ctx, Notice{Key: noticeKey("changed:"+r.Facts, r.ID), Kind: NoticeChanged, RequestID: r.ID})
}

// factsChanged looks at the pending requests about a person after their keys, or what
// their grants cover, have changed.
func (s *Service) factsChanged(ctx context.Context, tx Tx, person UserID) error {
	if person == "" {
		return nil
	}
	pending, err := tx.Requests(ctx, RequestQuery{States: []RequestState{Pending}, Person: person})
	if err != nil {
		return err
	}
	for _, r := range pending {
		if err := s.noteFacts(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}

// asShown refuses a decision about other facts than the message showed in which it was
// made.
func (s *Service) asShown(ctx context.Context, tx Tx, r Request, shown string) error {
	now, err := s.factsOf(ctx, tx, r)
	if err != nil || now.Digest() == shown {
		return err
	}
	was, err := tx.Facts(ctx, r.ID, shown)
	if CodeOf(err) == NotFound { // drawn by a version that did not say what it showed
		return &Error{Code: Conflict, Op: opOutdated, Message: "That message no longer shows what this is about, so nothing was decided. It is being drawn anew; please look again."}
	}
	if err != nil {
		return err
	}
	names, err := serverNames(ctx, tx)
	if err != nil {
		return err
	}
	return &Error{
		Code: Conflict, Op: opOutdated, Message: "What this asks for has changed since that message was drawn, so nothing was decided.",
		Changed: &FactsChange{Was: was, Now: now, Names: names},
	}
}

const opOutdated = "outdated"

// outdated notes the facts of a request after somebody decided about older ones.
func (s *Service) outdated(ctx context.Context, id int64, cause error) error {
	if e, _ := errors.AsType[*Error](cause); e == nil || e.Op != opOutdated {
		return cause
	}
	err := s.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil {
			return err
		}
		return s.noteFacts(ctx, tx, r)
	})
	if err != nil {
		return err
	}
	return cause
}
