package workflow

import (
	"context"
	"fmt"
	"strings"

	"sshkeybot/internal/access"
)

// UndecidedView is a request with keys or API tokens that the bot did not place, about each of
// which an approver has to decide.
type UndecidedView struct {
	Request access.Request
	access.Undecided
}

// undecidedOf returns the requests about a person, or about anybody, that have candidates which
// nobody has decided about.
func undecidedOf(ctx context.Context, tx access.Tx, of access.UserID) (views []UndecidedView, err error) {
	all, err := tx.Undecided(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range all {
		r, err := tx.Request(ctx, u.RequestID)
		if err != nil {
			return nil, err
		}
		if of == "" || r.Person == of {
			views = append(views, UndecidedView{r, u})
		}
	}
	return views, nil
}

// undecidedPart is the part of a list that has such requests; show adds one to the page.
func undecidedPart(all []UndecidedView, show func(UndecidedView)) part {
	entries := make([]entry, len(all))
	for i, u := range all {
		entries[i] = entry{u.RequestID, func() error { show(u); return nil }}
	}
	return inMemory(entries)
}

// candidateDeciders returns the configured approvers, users and groups, who may decide about
// candidates: all but those who were offboarded.
func (s *Service) candidateDeciders(ctx context.Context, tx access.Tx) ([]string, error) {
	return s.stillAsked(ctx, tx, access.Request{}, nil)
}

// Candidates returns what an approver sees who decides about the candidates of a request: that
// request, its results and its candidates.
func (s *Service) Candidates(ctx context.Context, actor access.UserID, requestID int64) (v RequestView, err error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return RequestView{}, err
	}
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		v, err = candidatesOf(ctx, tx, requestID)
		return err
	})
	return v, err
}

func candidatesOf(ctx context.Context, tx access.Tx, requestID int64) (v RequestView, err error) {
	if v.Request, err = tx.Request(ctx, requestID); err != nil {
		return v, err
	}
	if v.Results, err = tx.Results(ctx, requestID); err != nil {
		return v, err
	}
	v.Candidates, err = tx.Candidates(ctx, requestID)
	return v, err
}

// Open returns the candidates that nobody has decided about, the lookalikes apart. Those of a
// purge are decided about together.
func (v RequestView) Open() (open, lookalikes []access.Candidate) {
	for _, c := range v.Candidates {
		switch {
		case c.Decided() || v.Request.Kind == access.KindPurge:
		case c.Lookalike():
			lookalikes = append(lookalikes, c)
		default:
			open = append(open, c)
		}
	}
	return open, lookalikes
}

// Undecided counts the candidates that nobody has decided about.
func (v RequestView) Undecided() int {
	open, lookalikes := v.Open()
	return len(open) + len(lookalikes)
}

// CandidatesDigest names candidates: others have another digest.
func CandidatesDigest(all []access.Candidate) string {
	var names strings.Builder
	for _, c := range all {
		fmt.Fprintf(&names, "%d:%s\n", c.ServerID, c.Credential.ID)
	}
	return access.Digest([]byte(names.String()))
}
