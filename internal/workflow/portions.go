package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// coversAtOnce is how many covers one transaction brings in line at most, so that no
// decision, however large, holds up what others write meanwhile: it marks the other servers,
// and Engine.Align brings them in line, some at a time.
const coversAtOnce = 100

// firstPortion splits the servers of covers into those with no more covers than there is room
// for, and the rest. It returns the room that is left.
func firstPortion(covers []access.Cover, room int) (first, rest []int64, left int) {
	count := map[int64]int{}
	for _, c := range covers {
		count[c.ServerID]++
	}
	for _, server := range access.ServersOf(covers) {
		if count[server] > room {
			room = 0
			rest = append(rest, server)
			continue
		}
		room -= count[server]
		first = append(first, server)
	}
	return first, rest, room
}

// wakeServers wakes one sort of work on servers.
func wakeServers(ctx context.Context, tx access.Tx, kind access.WorkKind, servers []int64) error {
	work := make([]access.Work, len(servers))
	for i, id := range servers {
		work[i] = access.Work{Kind: kind, ID: id}
	}
	return tx.Wake(ctx, work...)
}
