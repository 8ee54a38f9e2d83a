package bottest

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Offboarding adds an offboarding under way, of U1, with so many keys to decide about, and so many
// lookalikes, each on a server of its own. It is request 1.
func (s *Scene) Offboarding(t *testing.T, keys, lookalikes int) {
	t.Helper()
	r, err := s.Domain.Ask(access.Request{Kind: access.KindOffboard, State: access.Approved, Source: "offboarding", Asker: "U2", Person: "U1", Channel: "C1"})
	if err != nil {
		t.Fatal(err)
	}
	s.Domain.Lock()
	defer s.Domain.Unlock()
	for i := range keys + lookalikes {
		c := access.Candidate{RequestID: r.ID, ServerID: int64(i + 1), ServerName: fmt.Sprintf("web-%02d", i+1), Why: access.WhyLabel, Credential: access.Credential{ID: strconv.Itoa(100 + i), Label: "alice"}}
		if i >= keys {
			c.Why, c.Credential.Label = access.WhyType, "deploy"
		}
		s.Domain.Views[r.ID].Candidates = append(s.Domain.Views[r.ID].Candidates, c)
	}
}

func (d *domain) Candidates(ctx context.Context, actor access.UserID, id int64) (workflow.RequestView, error) {
	if is, _ := d.IsApprover(ctx, actor); !is {
		return workflow.RequestView{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this."}
	}
	return d.View(ctx, id)
}

func (d *domain) Pick(_ context.Context, id, server int64, credential string, actor access.UserID) error {
	return d.decideCandidate(id, server, credential, actor)
}

func (d *domain) Spare(_ context.Context, id, server int64, credential string, actor access.UserID) error {
	return d.decideCandidate(id, server, credential, actor)
}

// decideCandidate has the first who comes decide about a candidate.
func (d *domain) decideCandidate(id, server int64, credential string, actor access.UserID) error {
	unlock, err := d.change()
	defer unlock()
	if err != nil || d.Views[id] == nil {
		return err
	}
	for i, c := range d.Views[id].Candidates {
		if c.ServerID != server || c.Credential.ID != credential {
			continue
		}
		if c.Decided() {
			return &access.Error{Code: access.Conflict, Message: "It was decided already that this key stays.", Who: c.PickedBy}
		}
		c.PickedBy, c.PickedAt, c.Spared = actor, time.Now(), true
		d.Views[id].Candidates[i] = c
	}
	return nil
}

func (d *domain) SpareRest(context.Context, int64, string, access.UserID) (int, error) { return 0, nil }
