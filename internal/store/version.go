package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"sshkeybot/internal/access"
)

// newest returns the number of the last migration.
func newest() (int64, error) {
	files, err := migrations.ReadDir("migrations/sqlite")
	if err != nil {
		return 0, err
	}
	number, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	return strconv.ParseInt(number, 10, 64)
}

// checkVersion returns an error if the ledger's tables are those of a version from before the
// first release, or were migrated by a newer version than this one. It returns nil for an
// empty database.
func checkVersion(ctx context.Context, db *sql.DB) error {
	var version int64
	if err := db.QueryRowContext(ctx, lastMigration).Scan(&version); err != nil || version == 0 {
		return nil //nolint:nilerr // there are no tables yet
	}
	_, err := db.ExecContext(ctx, "SELECT external_id FROM places WHERE 1 = 0")
	return versionError(err == nil, version)
}

const lastMigration = "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version"

// versionError returns why a ledger whose last migration is that version cannot be opened, or
// nil. Places says whether it has the table of that name, which no ledger had before the first
// release.
func versionError(places bool, version int64) error {
	known, err := newest()
	switch {
	case err != nil:
		return err
	case !places:
		return cannotOpen(access.Invalid, "This ledger was made by a version of sshkeybot from before the first release, which this one cannot read. "+
			"Have that version take all access back, then name a new file or database in SSHKEYBOT_DATABASE_URL.", nil)
	case version > known:
		return cannotOpen(access.Invalid, "This ledger was used by a newer version of sshkeybot, and this one would not understand it. Start that version again.", nil)
	}
	return nil
}
