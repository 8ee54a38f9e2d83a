package storetest

import (
	"context"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// A target that has another name keeps its servers, by their ids, and what its list is read for.
func testRenameTarget(t *testing.T, s *store.Store) {
	list := func(request int64, target string, state access.ResultState) access.Result {
		return access.Result{RequestID: request, Phase: access.PhaseList, Target: target, State: state, UpdatedAt: epoch}
	}
	written(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) {
		for _, name := range []string{"old", "new", "other"} {
			if _, err := tx.SaveTarget(ctx, access.TargetState{Name: name, Doubt: name}); err != nil {
				return nil, err
			}
		}
		err := tx.InsertResults(ctx, []access.Result{
			list(1, "old", access.Waiting), list(1, "new", access.Waiting), list(2, "old", access.Waiting), list(2, "other", access.Waiting), list(3, "old", access.Done),
		})
		if err != nil {
			return nil, err
		}
		if _, err := tx.SaveServers(ctx, "other", []access.Server{{ExternalID: "1", Name: "old/web"}}, epoch); err != nil {
			return nil, err
		}
		return tx.SaveServers(ctx, "old", []access.Server{{ExternalID: "1", Name: "web"}, {ExternalID: "2", Name: "old/db"}, {ExternalID: "3", Name: "older"}}, epoch)
	})
	ids := written(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.RenameTarget(ctx, "old", "new") })
	if len(ids) != 3 {
		t.Errorf("renamed %v", ids)
	}
	named := map[string]string{}
	for _, server := range read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.AllServers(ctx) }) {
		named[server.Target+" "+server.ExternalID] = server.Name
	}
	same(t, "servers", named, map[string]string{"other 1": "old/web", "new 1": "web", "new 2": "new/db", "new 3": "older"})
	states := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.TargetState, error) { return tx.Targets(ctx) })
	if len(states) != 2 || states[0].Name != "new" || states[0].Doubt != "new" {
		t.Errorf("targets %+v", states)
	}
	open := func(target string) (requests []int64) {
		for _, r := range read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.OpenLists(ctx, target) }) {
			requests = append(requests, r.RequestID)
		}
		return requests
	}
	same(t, "lists to read", map[string][]int64{"old": open("old"), "new": open("new"), "other": open("other")}, map[string][]int64{"old": nil, "new": {1, 2}, "other": {2}})
}
