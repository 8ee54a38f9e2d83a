package reconcile

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

func offline(t access.Target) error {
	return &access.Error{Code: access.Unavailable, Problem: access.ProblemOffline, Message: "The server is offline in " + t.Title() + "; I go on as soon as it is back."}
}

// freshness says which reading of a target may be believed.
type freshness struct {
	within time.Duration // it is younger than that
	after  time.Time     // and was made after that; zero does not restrict
}

// holds reports whether a reading may be believed. A clock that was put back makes it old.
func (f freshness) holds(read, now time.Time) bool {
	age := now.Sub(read)
	return age >= 0 && age < f.within && read.After(f.after)
}

// usable returns how fresh the knowledge that its server is online has to be for a placement.
// Before a key is removed for good, its server was seen online since that was ordered,
// and lately: one question serves all keys of a server, or one list all servers.
func usable(p access.Placement) freshness {
	if p.State != access.PlacementLeaving || p.Urgent {
		return freshness{within: usableFor}
	}
	return freshness{within: removableFor, after: p.LeftAt}
}

// reachable makes sure that a server is online as far as the target knows: a
// target may accept a change for a server that is offline, and then nothing was
// changed there. NotFound reports that the account does not have the server.
func (e *Engine) reachable(ctx context.Context, p access.Placement) error {
	at, err := e.placeOf(ctx, p.ServerID)
	if err != nil {
		return err
	}
	if err := refuseWhilePaused(at.target, priorityOf(p)); err != nil {
		return err
	}
	if _, ok := at.target.(access.ServerReader); !ok {
		return nil // a server of such a target is always there
	}
	fresh := usable(p)
	var known, online, many bool
	var absent error
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		server, err := tx.Server(ctx, p.ServerID)
		if err != nil && access.CodeOf(err) != access.NotFound {
			return err
		}
		if online, absent = server.Online, e.absenceOf(server); !online {
			fresh = freshness{within: offlineFor(server)}
		}
		if known = fresh.holds(server.SeenAt, e.Now()); known || absent != nil {
			return nil //nolint:nilerr // one that is not known yet is asked about
		}
		many, err = manyWait(ctx, tx, at.target, e.Now())
		return err
	})
	switch {
	case err != nil:
		return err
	case absent != nil:
		return absent
	case known && online:
		return nil
	case known:
		return offline(at.target)
	case many && paceOf(at.target).Pause == 0: // a list is several calls
		return e.reachableAmongMany(ctx, at.target, p, fresh)
	}
	return e.checkOnline(ctx, at.target, p)
}

func (e *Engine) reachableAmongMany(ctx context.Context, t access.Target, p access.Placement, fresh freshness) error {
	err := e.refreshServers(ctx, t, fresh)
	if access.CodeOf(err) == access.Unavailable && priorityOf(p) == access.Removal {
		return e.checkOnline(ctx, t, p) // a key must not stay because of the list
	}
	if err != nil {
		return err
	}
	server, err := e.knownServer(ctx, p.ServerID)
	switch {
	case err != nil:
		return err
	case server.Gone() || !fresh.holds(server.SeenAt, e.Now()): // the list may have lacked it
		return e.checkOnline(ctx, t, p)
	case !server.Online:
		return offline(t)
	}
	return nil
}

func (e *Engine) checkOnline(ctx context.Context, t access.Target, p access.Placement) error {
	server, err := e.fetchServer(ctx, p.ServerID, priorityOf(p))
	if err != nil {
		return err
	}
	if !server.Online {
		return offline(t)
	}
	return nil
}

// offlineFor returns for how long it holds that a server is offline: it is asked about
// again soon, and ever more rarely.
func offlineFor(s access.Server) time.Duration {
	return min(max(firstBackoff, s.SeenAt.Sub(s.OfflineSince)/4), longestOffline)
}
