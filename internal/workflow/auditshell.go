package workflow

import (
	"context"
	"slices"
	"sync"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// Audited is what the list of one server means beside the ledger.
type Audited struct {
	Server access.Server
	reconcile.Comparison
	Kept   []string // the ids of unmanaged credentials that somebody decided to keep
	Unread error    // why the server could not be read; nil if it was
}

// auditors is how many servers AuditNow reads at the same time.
const auditors = 4

// AuditNow reads the servers that a pattern names, all if it is empty, and compares them with the
// ledger. It asks nobody for permission, and changes nothing. A server that cannot be read is no
// error: what comes of it says so.
func (s *Service) AuditNow(ctx context.Context, pattern string) ([]Audited, error) {
	known, err := s.Engine.KnownServers(ctx)
	if err != nil {
		return nil, err
	}
	servers := access.SortServers(known.Listed())
	if pattern != "" || len(servers) == 0 {
		if servers, err = access.MatchServers(known.Listed(), pattern); err != nil {
			return nil, err
		}
	}
	all := make([]Audited, len(servers))
	next := make(chan int)
	var readers sync.WaitGroup
	for range auditors {
		readers.Go(func() {
			for i := range next {
				all[i] = s.auditNow(ctx, servers[i])
			}
		})
	}
	for i := range servers {
		next <- i
	}
	close(next)
	readers.Wait()
	return all, ctx.Err()
}

func (s *Service) auditNow(ctx context.Context, server access.Server) (a Audited) {
	a.Server = server
	if a.Comparison, a.Unread = s.Engine.Compare(ctx, server); a.Unread != nil {
		return a
	}
	a.Unread = s.Store.Read(ctx, func(tx access.Tx) error {
		found, err := tx.Findings(ctx, server.ID)
		for _, f := range found {
			if f.Kept() && slices.ContainsFunc(a.Unmanaged, func(c access.Credential) bool { return c.ID == f.Credential.ID && f.Same(c) }) {
				a.Kept = append(a.Kept, f.Credential.ID)
			}
		}
		return err
	})
	return a
}
