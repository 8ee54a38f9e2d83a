package access

import (
	"context"
	"strings"
	"time"
)

// flagAdopted, with the name of a target behind it, keeps the name that it had, and until when.
const flagAdopted = "adopted:"

// Adoption is how a target came by its name: what is configured under it was known to the ledger
// by another one. The zero value is a target that always had its name.
type Adoption struct {
	From string // the name that it had
	At   time.Time
}

// AdoptionOf returns how a target came by its name.
func AdoptionOf(ctx context.Context, tx FlagTx, target string) (Adoption, error) {
	text, err := tx.Flag(ctx, flagAdopted+target)
	from, at, ok := strings.Cut(text, " ")
	if err != nil || !ok {
		return Adoption{}, err
	}
	a := Adoption{From: from}
	a.At, err = time.Parse(time.RFC3339Nano, at)
	return a, err
}

// KeepAdoption stores how a target came by its name.
func KeepAdoption(ctx context.Context, tx FlagTx, target string, a Adoption) error {
	return tx.SetFlag(ctx, flagAdopted+target, a.From+" "+a.At.UTC().Format(time.RFC3339Nano))
}
