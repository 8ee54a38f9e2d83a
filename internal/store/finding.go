package store

import (
	"context"

	"sshkeybot/internal/access"
)

const findingColumns = "place_id, credential_id, label, system_user, public_key, created_at, found_at, kept_by, kept_at, request_id"

// Findings implements access.FindingTx.
func (t *tx) Findings(ctx context.Context, servers ...int64) ([]access.Finding, error) {
	var c conditions
	c.add("place_id IN (SELECT id FROM places WHERE gone_at = 0)")
	addIn(&c, "place_id", servers)
	return many(ctx, t, scanFinding, "SELECT "+findingColumns+" FROM findings"+c.where()+" ORDER BY place_id, LENGTH(credential_id), credential_id", c.args...)
}

// SaveFindings implements access.FindingTx.
func (t *tx) SaveFindings(ctx context.Context, fs []access.Finding) error {
	all := make([][]any, len(fs))
	for i, f := range fs {
		c := f.Credential
		all[i] = []any{f.ServerID, c.ID, c.Label, c.SystemUser, c.PublicKey, ms(c.CreatedAt), ms(f.FoundAt), f.KeptBy, ms(f.KeptAt), f.RequestID}
	}
	return insertMany(ctx, t, "findings", findingColumns, `ON CONFLICT (place_id, credential_id) DO UPDATE SET label = excluded.label,
		system_user = excluded.system_user, public_key = excluded.public_key, created_at = excluded.created_at, found_at = excluded.found_at,
		kept_by = excluded.kept_by, kept_at = excluded.kept_at, request_id = excluded.request_id`, all)
}

// DropFindings implements access.FindingTx.
func (t *tx) DropFindings(ctx context.Context, server int64, credentials []string) error {
	if len(credentials) == 0 {
		return nil
	}
	var c conditions
	addIf(&c, "place_id = ?", server)
	addIn(&c, "credential_id", credentials)
	_, err := t.Exec(ctx, "DELETE FROM findings"+c.where(), c.args...)
	return err
}

func scanFinding(row scanner) (f access.Finding, err error) {
	c := &f.Credential
	err = row.Scan(&f.ServerID, &c.ID, &c.Label, &c.SystemUser, &c.PublicKey, instant{&c.CreatedAt}, instant{&f.FoundAt}, &f.KeptBy, instant{&f.KeptAt}, &f.RequestID)
	return f, err
}
