package access

import (
	"context"
	"slices"
	"time"
)

// Server is one place of a target, as last read.
type Server struct {
	ID         int64  // the ledger's; it never changes, and no other server has it
	Target     string // the name of its target
	ExternalID string // what the target calls it
	Name       string
	Tags       []string
	Online     bool
	SeenAt     time.Time // when this was read; the zero time when never

	OfflineSince time.Time // since when it was offline whenever it was read; zero while it is online
	NotFoundAt   time.Time // since when it is not found when it is asked for; zero while it is
	AskedAt      time.Time // when it was last asked for by itself
	GoneAt       time.Time // when it was settled that it is gone for good; zero while it is not
}

// Gone reports whether it is settled that the server is gone for good.
func (s Server) Gone() bool { return !s.GoneAt.IsZero() }

// Missing reports whether the server is not found though nothing says for good that it
// is gone: whatever has to leave it is owed.
func (s Server) Missing() bool { return !s.NotFoundAt.IsZero() && !s.Gone() }

// ServerRef names a server for good: the name is the one it had when it was chosen.
type ServerRef struct {
	ID         int64
	ExternalID string // as people know it
	Name       string
}

// Refs returns what a request keeps of servers.
func Refs(servers []Server) []ServerRef {
	refs := make([]ServerRef, len(servers))
	for i, server := range servers {
		refs[i] = ServerRef{ID: server.ID, ExternalID: server.ExternalID, Name: server.Name}
	}
	return refs
}

// HasServer reports whether a server is among refs.
func HasServer(refs []ServerRef, id int64) bool {
	return slices.ContainsFunc(refs, func(ref ServerRef) bool { return ref.ID == id })
}

// ServerNames returns the name of every server the ledger has met.
func ServerNames(ctx context.Context, tx Tx) (map[int64]string, error) {
	servers, err := tx.AllServers(ctx)
	names := make(map[int64]string, len(servers))
	for _, server := range servers {
		names[server.ID] = server.Name
	}
	return names, err
}
