package access

import "time"

// Server is one server of the RunCloud account, as last read.
type Server struct {
	ID           int64
	Name         string
	Tags         []string
	Online       bool
	SeenAt       time.Time // when this was read; the zero time when never
	OfflineSince time.Time // since when it was offline whenever it was read; zero while it is online
	GoneAt       time.Time // when a complete reading no longer had it; zero while it exists
}

// ServerRef names a server for good: the name is the one it had when it was chosen.
type ServerRef struct {
	ID   int64
	Name string
}

// usable returns for how long what is known of a server holds. One that is offline is
// asked about again soon, and ever more rarely.
func (server Server) usable() time.Duration {
	if server.Online {
		return usableFor
	}
	return min(max(firstBackoff, server.SeenAt.Sub(server.OfflineSince)/4), offlineFor)
}
