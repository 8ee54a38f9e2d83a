package storetest

import (
	"context"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// The work on the servers of a target goes to queues of its own, if it has such, and back to the common
// ones where the next process does not serve them.
func testSplitQueues(t *testing.T, s *store.Store) {
	var targets []access.TargetState
	var servers []int64
	for _, name := range []string{"agency", "client", "other"} {
		targets = append(targets, written(t, s, func(ctx context.Context, tx access.Tx) (access.TargetState, error) {
			return tx.SaveTarget(ctx, access.TargetState{Name: name})
		}))
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			_, err := tx.SaveServers(ctx, name, []access.Server{{ExternalID: "7", Name: "web"}}, epoch)
			return err
		})
	}
	for _, server := range read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.AllServers(ctx) }) {
		servers = append(servers, server.ID)
	}
	queues := func() (all []string) {
		for _, queue := range []string{"add", "align", "inspect", "remove", "renew"} {
			for _, suffix := range []string{"", "_agency", "_client"} {
				for range jobs(t, s, "state = 'available' AND queue = '"+queue+suffix+"'") {
					all = append(all, queue+suffix)
				}
			}
		}
		return all
	}
	s.SplitQueues([]string{"agency", "client"})
	for i, server := range servers {
		wake(
			t, s, access.Work{Kind: access.WorkRemove, ID: server}, access.Work{Kind: access.WorkRenew, ID: server}, access.Work{Kind: access.WorkAdd, ID: server},
			access.Work{Kind: access.WorkInspect, ID: server}, access.Work{Kind: access.WorkList, ID: targets[i].ID}, access.Work{Kind: access.WorkAlign},
		)
	}
	wake(t, s, access.Work{Kind: access.WorkRemove, ID: 999}) // of no server
	all := []string{
		"add", "add_agency", "add_client", "align", "inspect", "inspect", "inspect_agency", "inspect_agency", "inspect_client", "inspect_client",
		"remove", "remove", "remove_agency", "remove_client", "renew", "renew_agency", "renew_client",
	}
	same(t, "queues", queues(), all)

	started := func(served ...string) {
		t.Helper()
		s.SplitQueues(served)
		if err := s.ReleaseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		releaseDead(t, s)
	}
	started("agency", "client")
	same(t, "queues of the same process", queues(), all)
	started("agency")
	same(t, "queues without client", queues(), []string{
		"add", "add", "add_agency", "align", "inspect", "inspect", "inspect", "inspect", "inspect_agency", "inspect_agency",
		"remove", "remove", "remove", "remove_agency", "renew", "renew", "renew_agency",
	})
	started()
	same(t, "queues in the end", jobs(t, s, "state = 'available' AND queue IN ('add', 'align', 'inspect', 'remove', 'renew')"), int64(len(all)))
}
