package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// agedTables are the tables that hold rows of a grant, in an order that their references allow.
// For each copy g of a grant, and where the table has a row for a server also for each of its
// servers c, the rows t of the original are copied.
var agedTables = []struct { //nolint:gochecknoglobals // a constant
	name, of string            // of is the condition on t
	each     bool              // server
	varying  map[string]string // the columns that differ from copy to copy, with what they are
}{
	{"requests", "t.id = g.of_request", false, map[string]string{"id": "g.id", "source": "'aged-' || g.id", "asker": "g.person", "person": "g.person", "grant_id": "g.id"}},
	{"request_places", "t.request_id = g.of_request", true, map[string]string{"request_id": "g.id", "place_id": "c.place_id", "name": "c.name"}},
	{"approvals", "t.request_id = g.of_request", false, map[string]string{"request_id": "g.id"}},
	{"grants", "t.id = g.of_grant", false, map[string]string{"id": "g.id", "request_id": "g.id", "person": "g.person", "alias": "g.alias", "servers": "g.servers", "keys": "g.servers"}},
	{"covers", "t.grant_id = g.of_grant", true, map[string]string{"grant_id": "g.id", "place_id": "c.place_id", "fingerprint": agedKey}},
	{"placements", "t.grant_id = g.of_grant", true, map[string]string{
		"id": "", "place_id": "c.place_id", "fingerprint": agedKey, "person": "g.person", "grant_id": "g.id", "label": "g.label",
		"credential_id": "'' || (1000000 + g.id * 100000 + c.place_id)",
	}},
	{"results", "t.request_id = g.of_request", true, map[string]string{"request_id": "g.id", "place_id": "c.place_id", "fingerprint": agedKey, "place_name": "c.name"}},
	{"drawings", "t.request_id = g.of_request", false, map[string]string{"request_id": "g.id"}},
	{"messages", "t.request_id = g.of_request", false, map[string]string{"request_id": "g.id", "role": "replace(t.role, g.of_person, g.person)", "ts": "(g.starts_at / 1000) || '.' || (100000 + g.id % 900000)"}},
	{"notices", "t.request_id = g.of_request AND g.recent = 1", false, map[string]string{
		"id": "", "name": "replace(rtrim(t.name, '0123456789'), g.of_person, g.person) || g.id", "recipient": "replace(t.recipient, g.of_person, g.person)", "request_id": "g.id", "grant_id": "g.id",
	}},
}

// agedKey is the number of a copy's fingerprint.
const agedKey = "(SELECT f.id FROM fingerprints f WHERE f.text = g.fingerprint)"

// isTime reports whether a column holds a time, which is later in a copy.
func isTime(column string) bool {
	return column == "at" || column == "steady_end" || strings.HasSuffix(column, "_at") || strings.HasSuffix(column, "_until")
}

// numbered are the tables whose ids the copies set themselves.
var numbered = []string{"requests", "grants"} //nolint:gochecknoglobals // a constant

// copyRows copies the rows of the pattern for every grant.
func (a *ager) copyRows(db *sql.DB, all []agedGrant) {
	a.t.Helper()
	a.insideOne(db, func(tx *sql.Tx) error {
		if err := a.insertGrants(tx, all); err != nil {
			return err
		}
		if err := a.insertServers(tx); err != nil {
			return err
		}
		for _, table := range agedTables {
			columns, err := columnsOf(a.ctx, tx, table.name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(a.ctx, a.copySQL(table.name, table.of, table.each, columns, table.varying)); err != nil {
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
		return a.finish(tx)
	})
}

// insertGrants makes the temporary table g of the copies.
func (a *ager) insertGrants(tx *sql.Tx, all []agedGrant) error {
	_, err := tx.ExecContext(a.ctx, `CREATE TEMPORARY TABLE aged_grant (id BIGINT PRIMARY KEY, of_request BIGINT, of_grant BIGINT, of_person TEXT,
		person TEXT, alias TEXT, fingerprint TEXT, label TEXT, starts_at BIGINT, shift BIGINT, live BIGINT, recent BIGINT, first BIGINT, servers BIGINT)`)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(all, 30) {
		var rows []string
		var args []any
		for _, g := range batch {
			values := a.grantValues(g)
			rows = append(rows, numberedPlaces(len(args), len(values)))
			args = append(args, values...)
		}
		if _, err := tx.ExecContext(a.ctx, "INSERT INTO aged_grant VALUES "+strings.Join(rows, ","), args...); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(a.ctx, "INSERT INTO fingerprints (text) SELECT DISTINCT fingerprint FROM aged_grant WHERE id > 0 ON CONFLICT (text) DO NOTHING")
	return err
}

func numberedPlaces(before, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("$%d", before+1+i)
	}
	return "(" + strings.Join(names, ",") + ")"
}

// insertServers makes the temporary table c of the servers of each copy. On each, the live keys
// were placed at another moment.
func (a *ager) insertServers(tx *sql.Tx) error {
	for _, statement := range []string{
		"CREATE TEMPORARY TABLE aged_place (n BIGINT PRIMARY KEY, id BIGINT, name TEXT)",
		"INSERT INTO aged_place SELECT ROW_NUMBER() OVER (ORDER BY id) - 1, id, name FROM places",
		"CREATE TEMPORARY TABLE aged_server (grant_id BIGINT, place_id BIGINT, name TEXT, shift BIGINT)",
		fmt.Sprintf(`INSERT INTO aged_server SELECT g.id, p.id, p.name,
				CASE g.live WHEN 1 THEN %d - (p.n * 7919 + g.id * 104729) * 1000 %% %d ELSE g.shift END
			FROM (WITH RECURSIVE n (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < %d) SELECT k FROM n) AS n
			JOIN aged_grant g ON n.k < g.servers JOIN aged_place p ON p.n = (g.first + n.k) %% %d ORDER BY g.id, p.n`,
			time.Since(a.live.grant.StartsAt).Milliseconds(), max(1, a.shape.Placed.Milliseconds()), len(a.places), len(a.places)),
		"CREATE INDEX aged_server_grant ON aged_server (grant_id)",
	} {
		if _, err := tx.ExecContext(a.ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// columnsOf returns the names of the columns of a table.
func columnsOf(ctx context.Context, tx *sql.Tx, table string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return names, rows.Err()
}

// copySQL returns the statement that copies the rows of one table.
func (a *ager) copySQL(table, of string, each bool, columns []string, varying map[string]string) string {
	from, shift := table+" t JOIN aged_grant g ON "+of, "g.shift"
	if each {
		from += " JOIN aged_server c ON c.grant_id = g.id"
	}
	if table == "placements" {
		shift = "c.shift"
	}
	var names, values []string
	for _, column := range columns {
		value, varies := varying[column]
		switch {
		case varies && value == "": // numbered by the database
			continue
		case !varies && isTime(column):
			value = fmt.Sprintf("CASE t.%[1]s WHEN 0 THEN 0 ELSE t.%[1]s + %[2]s END", column, shift)
		case !varies:
			value = "t." + column
		}
		names, values = append(names, column), append(values, value)
	}
	own := ""
	if a.store.Postgres() != nil && slices.Contains(numbered, table) {
		own = "OVERRIDING SYSTEM VALUE "
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") " + own + "SELECT " + strings.Join(values, ", ") + " FROM " + from + " ORDER BY g.id"
}

// finish drops the temporary tables. On PostgreSQL, it also has the next ids follow those of the
// copies, and counts the rows for the planner, as happens by itself after some time.
func (a *ager) finish(tx *sql.Tx) error {
	statements := []string{"DROP TABLE aged_server", "DROP TABLE aged_place", "DROP TABLE aged_grant"}
	if a.store.Postgres() != nil {
		for _, table := range numbered {
			statements = append(statements, fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), (SELECT MAX(id) FROM %[1]s))", table))
		}
		statements = append(statements, "ANALYZE")
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(a.ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
