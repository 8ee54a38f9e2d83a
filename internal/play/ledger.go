package play

import (
	"context"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// said is what the bot's ledger says at one moment.
type said struct {
	placed    map[string]int // by target: keys that were confirmed there and not confirmed gone
	unsettled map[place]bool // where something is still to be done
	owners    map[keyAt]owner
	reminder  time.Time // when the next person is told that their access ends; zero for never
	end       time.Time // when the next access ends; zero for never
	overdue   int       // how many accesses live beyond their end
	tour      progress
}

// place is something that keys are placed on, by the names of its target and its own.
type place struct{ target, name string }

// keyAt is a key of the bot's at a place. The same label is on every server of a grant.
type keyAt struct {
	place
	label string
}

// owner is whose a key is that the bot placed.
type owner struct {
	person  access.UserID // empty for an account's
	account string        // its name, if it is one's
	until   time.Time     // zero for no end
	leaving bool
}

// openLedger returns the bot's ledger, to be read whether or not the bot runs.
func openLedger(ctx context.Context, w *World) (*store.Store, error) {
	return store.OpenReadOnly(ctx, w.cfg.DatabaseURL.Reveal())
}

// readLedger reads what the ledger says. The requests up to prologue are none of the tour.
func readLedger(ctx context.Context, ledger *store.Store, now time.Time, prologue int64) (s said, err error) {
	s = said{placed: map[string]int{}, unsettled: map[place]bool{}, owners: map[keyAt]owner{}}
	err = ledger.Read(ctx, func(tx access.Tx) error {
		grants, err := tx.Grants(ctx, access.GrantQuery{State: access.Live})
		if err != nil {
			return err
		}
		s.findNext(grants, now)
		if err := s.readPlacements(ctx, tx, grants); err != nil {
			return err
		}
		return s.tour.read(ctx, tx, prologue)
	})
	return s, err
}

// findNext finds what happens next as time goes by.
func (s *said) findNext(grants []access.Grant, now time.Time) {
	for _, g := range grants {
		switch {
		case g.EndsAt.IsZero():
			continue
		case !g.EndsAt.After(now):
			s.overdue++
			continue
		}
		if at := g.RemindAt(); g.RemindedAt.IsZero() && at.After(now) && (s.reminder.IsZero() || at.Before(s.reminder)) {
			s.reminder = at
		}
		if s.end.IsZero() || g.EndsAt.Before(s.end) {
			s.end = g.EndsAt
		}
	}
}

func (s *said) readPlacements(ctx context.Context, tx access.Tx, grants []access.Grant) error {
	servers, err := tx.AllServers(ctx)
	if err != nil {
		return err
	}
	at := map[int64]place{}
	for _, server := range servers {
		at[server.ID] = place{server.Target, server.Name}
	}
	placements, err := tx.Placements(ctx, access.PlacementQuery{States: []access.PlacementState{
		access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving,
	}})
	for _, p := range placements {
		on := at[p.ServerID]
		if p.State == access.PlacementPlaced || p.State == access.PlacementLeaving {
			s.placed[on.target]++
		}
		if p.State != access.PlacementPlaced {
			s.unsettled[on] = true
		}
		g := coveredBy(p, grants)
		s.owners[keyAt{on, p.Label}] = owner{person: p.Person, account: g.Alias, until: g.EndsAt, leaving: p.State == access.PlacementLeaving}
	}
	return err
}

// coveredBy returns the live grant that a key is there for: the one that first wanted it or, when that is over, the one
// of the same person and system user that ends last.
func coveredBy(p access.Placement, live []access.Grant) (last access.Grant) {
	for _, g := range live {
		switch {
		case g.ID == p.GrantID:
			return g
		case g.Person == p.Person && g.SystemUser == p.SystemUser && (last.ID == 0 || g.EndsAt.IsZero() || g.EndsAt.After(last.EndsAt) && !last.EndsAt.IsZero()):
			last = g
		}
	}
	return last
}
