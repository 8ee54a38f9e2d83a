package store

import (
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

// catalog holds a database's queries for what tables it has.
type catalog struct {
	migrated string // whether anything was migrated
	released string // whether the tables have the lastColumns
}

// lastColumns are those that the first migration got last, with their tables.
const lastColumns = "(VALUES ('places', 'external_id'), ('notices', 'target'), ('requests', 'standing'), ('persons', 'reinstated_at'), ('candidates', 'token'), ('findings', 'request_id'), ('audit', 'about'), ('rotations', 'held_until'), ('out_of_line', 'ends'), ('grants', 'keys'), ('moves', 'renewal'), ('fingerprints', 'text'), ('placements', 'called_at'), ('notices', 'queued_at'))"

func sqliteCatalog() catalog {
	return catalog{
		migrated: "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'goose_db_version')",
		released: "SELECT COUNT(*) = 14 FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE (t.name, c.name) IN " + lastColumns,
	}
}

func postgresCatalog() catalog {
	return catalog{
		migrated: "SELECT to_regclass('goose_db_version') IS NOT NULL",
		released: "SELECT COUNT(*) = 14 FROM information_schema.columns WHERE table_schema = current_schema() AND (table_name, column_name) IN " + lastColumns,
	}
}

// check returns an error if the ledger's tables are those of a version from before the first
// release, or were migrated by a newer version than this one. It returns nil for an empty
// database.
func (c catalog) check(query func(sql string) scanner) error {
	var migrated, released bool
	if err := query(c.migrated).Scan(&migrated); err != nil || !migrated {
		return err
	}
	var version int64
	if err := query("SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version); err != nil || version == 0 {
		return err
	}
	if err := query(c.released).Scan(&released); err != nil {
		return err
	}
	return versionError(released, version)
}

// versionError returns why a ledger whose last migration is that version cannot be opened, or
// nil. Before the first release, the first migration was written anew; released says whether
// the ledger has its last form.
func versionError(released bool, version int64) error {
	known, err := newest()
	switch {
	case err != nil:
		return err
	case !released:
		return cannotOpen(access.Invalid, "This ledger was made by a version of sshkeybot from before the first release, which this one cannot read. "+
			"Have that version take all access back, then name a new file or database in SSHKEYBOT_DATABASE_URL.", nil)
	case version > known:
		return cannotOpen(access.Invalid, "This ledger was used by a newer version of sshkeybot, and this one would not understand it. Start that version again.", nil)
	}
	return nil
}
