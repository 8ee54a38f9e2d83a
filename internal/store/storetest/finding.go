package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testFindings(t *testing.T, s *store.Store) {
	saved := written(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) {
		_, err := tx.SaveServers(ctx, "account", []access.Server{{ExternalID: "1", Name: "a"}, {ExternalID: "2", Name: "b"}}, epoch)
		if err != nil {
			return nil, err
		}
		return tx.Servers(ctx)
	})
	first := filled[access.Finding](0)
	first.ServerID, first.Credential.Temporary, first.Credential.Token, first.Credential.Fixed = saved[0].ID, nil, false, false
	other := access.Finding{ServerID: saved[1].ID, Credential: access.Credential{ID: "8"}, FoundAt: epoch}
	first.Credential.UsedAt = other.Credential.UsedAt // only tokens have one
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.SaveFindings(ctx, []access.Finding{other, first})
	})
	findings := func(servers ...int64) []access.Finding {
		return read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Finding, error) { return tx.Findings(ctx, servers...) })
	}
	same(t, "all findings", findings(), []access.Finding{first, other})
	same(t, "those of a server", findings(other.ServerID), []access.Finding{other})
	other.KeptBy, other.KeptAt = "U1", epoch
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveFindings(ctx, []access.Finding{other}) })
	same(t, "kept", findings(other.ServerID), []access.Finding{other})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.DropFindings(ctx, first.ServerID, []string{first.Credential.ID, other.Credential.ID})
	})
	same(t, "after one was dropped", findings(), []access.Finding{other})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		gone := saved[1]
		gone.GoneAt = epoch
		return tx.SaveServer(ctx, gone)
	})
	same(t, "of a server that is gone", findings(), nil)
}

// Audits read the servers that were tried the longest ago first.
func testOpenAudits(t *testing.T, s *store.Store) {
	r := insertRequest(t, s, access.Request{Kind: access.KindAudit})
	row := func(server int64, phase access.Phase, state access.ResultState, minute int) access.Result {
		return access.Result{RequestID: r.ID, Phase: phase, ServerID: server, ServerName: "a", State: state, UpdatedAt: epoch.Add(time.Duration(minute) * time.Minute)}
	}
	late, early, wrong := row(1, access.PhaseAudit, access.Waiting, 2), row(2, access.PhaseAudit, access.Waiting, 1), row(6, access.PhaseAudit, access.Waiting, 60)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.InsertResults(ctx, []access.Result{late, early, wrong, row(3, access.PhaseAudit, access.Done, 0), row(4, access.PhaseInspect, access.Waiting, 0), row(5, access.PhaseAudit, access.Waiting, 9)})
	})
	due := func(limit int) []access.Result {
		return read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) {
			return tx.OpenAudits(ctx, epoch.Add(3*time.Minute), limit)
		})
	}
	same(t, "due audits, one of which was dated by a wrong clock", due(9), []access.Result{early, late, wrong})
	same(t, "the first of them", due(1), []access.Result{early})
}

// A request that has read its servers has them read again.
func testReopenReadings(t *testing.T, s *store.Store) {
	r, other := insertRequest(t, s, access.Request{}), insertRequest(t, s, access.Request{})
	row := func(request, server int64, phase access.Phase, state access.ResultState) access.Result {
		return access.Result{RequestID: request, Phase: phase, ServerID: server, ServerName: "a", State: state, UpdatedAt: epoch}
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.InsertResults(ctx, []access.Result{
			row(r.ID, 1, access.PhaseInspect, access.Done), row(r.ID, 2, access.PhaseInspect, access.OutOfReach),
			row(r.ID, 3, access.PhaseRemove, access.Done), row(other.ID, 1, access.PhaseInspect, access.Done),
		})
	})
	reopened := written(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.ReopenReadings(ctx, r.ID) })
	same(t, "reopened", reopened, []access.Result{row(r.ID, 1, access.PhaseInspect, access.Waiting)})
}
