package storetest

import (
	"context"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testFlags(t *testing.T, s *store.Store) {
	flag := func(ctx context.Context, tx access.Tx) (string, error) { return tx.Flag(ctx, "halted") }
	same(t, "absent", read(t, s, flag), "")
	for _, value := range []string{"yes", "no", ""} {
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetFlag(ctx, "halted", value) })
		same(t, "flag", read(t, s, flag), value)
	}
}
