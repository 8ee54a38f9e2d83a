package check

import (
	"context"
	"fmt"
	"slices"

	"sshkeybot/internal/access"
)

// unconfigured finds the targets on which the ledger has keys of the bot and which are not configured any more.
func (c Checker) unconfigured(ctx context.Context, ledger access.Store) (findings []Finding) {
	err := ledger.Read(ctx, func(tx access.Tx) error {
		targets, err := tx.Targets(ctx)
		for _, t := range targets {
			if err != nil || slices.Contains(c.Targets, t.Name) {
				continue
			}
			var keys []access.Placement
			keys, err = tx.Placements(ctx, access.PlacementQuery{
				Target: t.Name, States: []access.PlacementState{access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
			})
			if len(keys) > 0 {
				findings = append(findings, keysLeft(t.Name, len(keys)))
			}
		}
		return err
	})
	if err != nil {
		return []Finding{problem("targets", "The ledger could not be asked where keys are.", mendURL)}
	}
	return findings
}

// adopted finds the targets that the ledger knew by another name before.
func (c Checker) adopted(ctx context.Context, ledger access.Store) (findings []Finding) {
	err := ledger.Read(ctx, func(tx access.Tx) error {
		for _, name := range c.Targets {
			was, err := access.AdoptionOf(ctx, tx, name)
			if err != nil {
				return err
			}
			if was.From != "" {
				findings = append(findings, note("target "+name, fmt.Sprintf("Until %s it was called %s; what was placed there goes on under its present name.", was.At.Local().Format("2006-01-02 15:04"), was.From)))
			}
		}
		return nil
	})
	if err != nil {
		return []Finding{problem("targets", "The ledger could not be asked what the targets were called before.", mendURL)}
	}
	return findings
}

func keysLeft(target string, keys int) Finding {
	return problem("target "+target, fmt.Sprintf("%s is not configured any more, and the ledger has %s there: the bot removes none of them, whatever ends.", target, count(keys, "key")),
		"Configure it again, at least until `sshkeybot list` shows no access and nothing owed there. If it is configured by another name now, the bot finds that out from the servers while it runs.")
}
