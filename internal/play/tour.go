package play

import (
	"context"
	"slices"

	"sshkeybot/internal/access"
)

// progress is how far somebody has come on the tour, as the ledger tells.
type progress struct {
	asked, approved, ended, left bool
}

// read follows the first request of Alice's after that one.
func (p *progress) read(ctx context.Context, tx access.Tx, after int64) error {
	requests, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindGrant}, Person: Alice, After: after})
	if err != nil {
		return err
	}
	alice, err := tx.Person(ctx, Alice)
	if err != nil {
		return err
	}
	p.asked = len(requests) > 0
	p.left = alice.Offboarded()
	for _, r := range requests {
		if r.State != access.Approved {
			continue
		}
		p.approved = true
		grants, err := tx.Grants(ctx, access.GrantQuery{RequestID: r.ID})
		if err != nil {
			return err
		}
		p.ended = p.ended || slices.ContainsFunc(grants, func(g access.Grant) bool { return g.EndReason == access.EndExpired })
	}
	if !p.left {
		return nil
	}
	still, err := tx.Placements(ctx, access.PlacementQuery{Person: Alice, States: []access.PlacementState{
		access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving,
	}})
	p.left = len(still) == 0
	return err
}
