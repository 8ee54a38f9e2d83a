package reconcile

import (
	"context"
	"slices"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// readingsAnHour is how often a target's list of servers is read for what people ask; beyond
// that they get the last one. On a large account it is many calls.
const readingsAnHour = 4

// readings remembers when a list of servers was read for people. It is for each
// process.
type readings struct {
	mu sync.Mutex
	at []time.Time
}

// take reports whether the list may be read once more.
func (r *readings) take(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = slices.DeleteFunc(r.at, func(at time.Time) bool { return now.Sub(at) >= time.Hour || at.After(now) })
	if len(r.at) >= readingsAnHour {
		return false
	}
	r.at = append(r.at, now)
	return true
}

// ServersToChoose returns the servers for what a person asks with a pattern: as they are now,
// unless that was asked too often, or the target wants to be left alone.
func (e *Engine) ServersToChoose(ctx context.Context, pattern string) (serverList, error) {
	known, err := e.KnownServers(ctx)
	old := func(t access.Target) bool { return !known.freshAt(t.Name(), e.Now(), ServersFresh) }
	asked := slices.DeleteFunc(slices.Clone(e.targetsIn(pattern)), func(t access.Target) bool {
		return refuseWhilePaused(t, access.Addition) != nil && known.hasAnyOf(t)
	})
	if err != nil || !slices.ContainsFunc(asked, old) {
		return known, err
	}
	return e.serversOf(ctx, asked, func(t access.Target) time.Duration {
		if !old(t) || e.local(t.Name()).asked.take(e.Now()) {
			return ServersFresh
		}
		return time.Hour
	})
}

// manyWait reports whether it takes fewer calls to read all servers of a target than to ask
// for each on which something waits, or will before an offline server is asked about again.
func manyWait(ctx context.Context, tx access.Tx, target access.Target, now time.Time) (bool, error) {
	calls := 1
	if pager, ok := target.(access.Pager); ok {
		there, err := tx.CountServers(ctx, target.Name())
		if err != nil {
			return false, err
		}
		calls += there / pager.ServersPerCall()
	}
	waiting, err := tx.CountDue(ctx, target.Name(), now.Add(longestBackoff), calls+1)
	return waiting > calls, err
}
