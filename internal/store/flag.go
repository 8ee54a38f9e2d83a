package store

import "context"

// Flag implements access.FlagTx.
func (t *tx) Flag(ctx context.Context, name string) (string, error) {
	found, err := many(ctx, t, column[string], "SELECT value FROM flags WHERE name = $1", name)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// SetFlag implements access.FlagTx.
func (t *tx) SetFlag(ctx context.Context, name, value string) error {
	_, err := t.Exec(ctx, "INSERT INTO flags (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}
