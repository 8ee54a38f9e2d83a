package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// Comparison is what the list of a server means beside the ledger.
type Comparison struct {
	Missing   []access.Placement  // placed, and not on the list
	Leftover  []Leftover          // on the list, and over
	Unknown   []access.Credential // carry this ledger's label, which is no proof: a label can be copied
	Unmanaged []access.Credential // the bot did not place them
}

// Leftover is a key on a server that the ledger holds to be gone.
type Leftover struct {
	Placement access.Placement
	Key       access.Credential
}

// compare compares the list of a server, which was read since began, with the ledger. What the
// ledger is still settling is neither missing nor over.
func (e *Engine) compare(ctx context.Context, tx access.Tx, server int64, found []access.Credential, began time.Time) (Comparison, error) {
	var c Comparison
	known, err := e.claimsOn(ctx, tx, server)
	if err != nil {
		return c, err
	}
	for _, p := range known {
		listed := slices.ContainsFunc(found, func(f access.Credential) bool { return f.ID == p.CredentialID })
		if p.State == access.PlacementPlaced && !listed && p.PlacedAt.Before(began) && p.VerifyAt.IsZero() {
			c.Missing = append(c.Missing, p)
		}
	}
	for _, f := range found {
		if known.account(f) {
			continue
		}
		if err := e.classify(ctx, tx, server, f, began, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// classify adds a credential that no claim accounts for to what it is.
func (e *Engine) classify(ctx context.Context, tx access.Tx, server int64, f access.Credential, began time.Time, c *Comparison) error {
	settling, err := e.accountsFor(ctx, tx, server, f, began)
	if err != nil || settling {
		return err
	}
	over, err := overOf(ctx, tx, server, f)
	if err != nil {
		return err
	}
	if over != nil {
		c.Leftover = append(c.Leftover, Leftover{Placement: *over, Key: f})
		return nil
	}
	ledger, err := tx.Flag(ctx, access.FlagLedgerID)
	if access.CarriesLedger(f.Label, ledger) {
		c.Unknown = append(c.Unknown, f)
	} else {
		c.Unmanaged = append(c.Unmanaged, f)
	}
	return err
}

// overOf returns the placement that a credential is of and that is held to be gone: by its id,
// or by its label together with a visible key that fits. It is nil if there is none.
func overOf(ctx context.Context, tx access.Tx, server int64, f access.Credential) (*access.Placement, error) {
	gone := []access.PlacementState{access.PlacementGone}
	byID, err := tx.Placements(ctx, access.PlacementQuery{Server: server, Credential: f.ID, States: gone})
	if err != nil || len(byID) > 0 {
		return last(byID), err
	}
	labelled, err := tx.Placements(ctx, access.PlacementQuery{Server: server, Label: f.Label, States: gone})
	if err != nil {
		return nil, err
	}
	var fits []access.Placement
	for _, p := range labelled {
		if !labels(p, f) || p.Fingerprint == "" {
			continue
		}
		key, err := tx.Key(ctx, p.Fingerprint)
		if err != nil {
			return nil, err
		}
		if sshkey.CouldBe(f.PublicKey, key.Public()) {
			fits = append(fits, p)
		}
	}
	return last(fits), nil
}

// last returns the last of them, or nil.
func last(found []access.Placement) *access.Placement {
	if len(found) == 0 {
		return nil
	}
	return &found[len(found)-1]
}

// Compare reads a server, and compares it with the ledger. It changes nothing.
func (e *Engine) Compare(ctx context.Context, server access.Server) (c Comparison, err error) {
	began := e.Now()
	found, err := e.keysOn(ctx, server.ID, access.Reading)
	if err != nil {
		return c, err
	}
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		c, err = e.compare(ctx, tx, server.ID, found, began)
		return err
	})
	return c, err
}
