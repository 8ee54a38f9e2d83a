package access

import (
	"context"
	"time"
)

func offline() error {
	return &Error{Code: Unavailable, Op: opOffline, Message: "The server is offline in RunCloud; I go on as soon as it is back."}
}

// usable returns how old the knowledge that its server is online may be for a placement.
// Before a key is removed for good, its server was seen online since that was ordered,
// and lately: one question serves all keys of a server, or one list all servers.
func (s *Service) usable(p Placement) time.Duration {
	if p.State != PlacementLeaving || p.Urgent {
		return usableFor
	}
	return min(removableFor, s.Now().Sub(p.LeftAt))
}

// reachable makes sure that a server is online as far as the target knows: a
// target may accept a change for a server that is offline, and then nothing was
// changed there. NotFound tells that the account does not have the server.
func (s *Service) reachable(ctx context.Context, p Placement) error {
	if err := s.patience(p.priority()); err != nil {
		return err
	}
	usable := s.usable(p)
	var fresh, online, many bool
	var absent error
	err := s.Store.Read(ctx, func(tx Tx) error {
		server, err := tx.Server(ctx, p.ServerID)
		if err != nil && CodeOf(err) != NotFound {
			return err
		}
		if online, absent = server.Online, s.absent(server); !online {
			usable = server.offlineFor()
		}
		if fresh = s.isUsable(server, usable); fresh || absent != nil {
			return nil //nolint:nilerr // one that is not known yet is asked about
		}
		many, err = manyWait(ctx, tx, s.Now())
		return err
	})
	switch {
	case err != nil:
		return err
	case absent != nil:
		return absent
	case fresh && online:
		return nil
	case fresh:
		return offline()
	case many && s.pace().Pause == 0: // a list is several calls
		return s.reachableAmongMany(ctx, p, usable)
	}
	return s.askServer(ctx, p)
}

func (s *Service) reachableAmongMany(ctx context.Context, p Placement, usable time.Duration) error {
	list, err := s.servers(ctx, usable)
	if CodeOf(err) == Unavailable && p.priority() == Removal {
		return s.askServer(ctx, p) // a key must not stay because of the list
	}
	if err != nil {
		return err
	}
	for _, server := range list.all {
		if server.ID == p.ServerID && s.isUsable(server, usable) { // the list may have lacked it
			if server.Online {
				return nil
			}
			return offline()
		}
	}
	return s.askServer(ctx, p)
}

// isUsable reports whether a server was seen within that time.
func (s *Service) isUsable(server Server, within time.Duration) bool {
	age := s.Now().Sub(server.SeenAt)
	return age >= 0 && age < within
}

func (s *Service) askServer(ctx context.Context, p Placement) error {
	server, err := s.find(ctx, p.ServerID, p.priority())
	if err != nil {
		return err
	}
	if !server.Online {
		return offline()
	}
	return nil
}
