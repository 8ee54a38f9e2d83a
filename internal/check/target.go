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

func keysLeft(target string, keys int) Finding {
	return problem("target "+target, fmt.Sprintf("%s is not configured any more, and the ledger has %s there: the bot removes none of them, whatever ends.", target, count(keys, "key")),
		"Configure it again, at least until `sshkeybot list` shows no access and nothing owed there.")
}
