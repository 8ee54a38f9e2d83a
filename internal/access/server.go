package access

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Server is one place of a target, as last read.
type Server struct {
	ID         int64  // the ledger's own; never changed or reused
	Target     string // the name of its target
	ExternalID string // the target's own
	Name       string // as people read it: behind the name of its target and a slash where several targets have servers
	Tags       []string
	Online     bool
	Address    string    // its public IP address, as its target says; empty if it does not
	SeenAt     time.Time // when this was read; zero for never
	Alone      bool      // patterns name it alone: it is the account of a Lender; not stored

	OfflineSince time.Time // since when every reading found it offline; zero while it is online
	NotFoundAt   time.Time // since when the target does not find it; zero while it does
	AskedAt      time.Time // when the target was last asked for this server alone
	GoneAt       time.Time // when it was recorded as gone for good; zero while it is not
}

// Bare returns the name that the server has on its target.
func (s Server) Bare() string {
	if s.Target == "" {
		return s.Name
	}
	return strings.TrimPrefix(s.Name, s.Target+"/")
}

// Within returns what stands before the bare name: nothing where the servers of one target are
// all there are.
func (s Server) Within() string { return strings.TrimSuffix(s.Name, s.Bare()) }

// Gone reports whether the server is recorded as gone for good: what has to be removed
// there is out of reach.
func (s Server) Gone() bool { return !s.GoneAt.IsZero() }

// Missing reports whether the target does not find the server, which may come back. What has
// to be removed there still has to be.
func (s Server) Missing() bool { return !s.NotFoundAt.IsZero() && !s.Gone() }

// Ref returns the reference to the server.
func (s Server) Ref() ServerRef { return ServerRef{ID: s.ID, ExternalID: s.ExternalID, Name: s.Name} }

// ServerRef is a server as a request stores it, with the name it had at that time.
type ServerRef struct {
	ID         int64
	ExternalID string // the target's own, which people know
	Name       string
}

// Refs returns the references to servers, in the same order.
func Refs(servers []Server) []ServerRef {
	refs := make([]ServerRef, len(servers))
	for i, server := range servers {
		refs[i] = server.Ref()
	}
	return refs
}

// ServerSet returns the IDs of refs as a set.
func ServerSet(refs []ServerRef) map[int64]bool {
	ids := make(map[int64]bool, len(refs))
	for _, ref := range refs {
		ids[ref.ID] = true
	}
	return ids
}

// HasServer reports whether a server is among refs.
func HasServer(refs []ServerRef, id int64) bool {
	return slices.ContainsFunc(refs, func(ref ServerRef) bool { return ref.ID == id })
}

// ServersByID returns these servers, each once, by their ID.
func ServersByID(ctx context.Context, tx Tx, ids []int64) (map[int64]Server, error) {
	servers, err := tx.ServersOf(ctx, slices.Compact(slices.Sorted(slices.Values(ids))))
	byID := make(map[int64]Server, len(servers))
	for _, server := range servers {
		byID[server.ID] = server
	}
	return byID, err
}

// ServerNames returns the names of these servers, by their ID.
func ServerNames(ctx context.Context, tx Tx, ids []int64) (map[int64]string, error) {
	servers, err := ServersByID(ctx, tx, ids)
	names := make(map[int64]string, len(servers))
	for id, server := range servers {
		names[id] = server.Name
	}
	return names, err
}
