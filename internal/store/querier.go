package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sshkeybot/internal/access"
)

// querier runs SQL in one transaction, on either database.
type querier interface {
	// Exec returns how many rows were changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	Query(ctx context.Context, query string, args ...any) (rows, error)
}

type rows interface {
	scanner
	Next() bool
	Err() error
	Close() error
}

type scanner interface {
	Scan(dest ...any) error
}

type sqliteQuerier struct{ tx *sql.Tx }

func (q sqliteQuerier) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, failed(query, err)
	}
	return result.RowsAffected()
}

func (q sqliteQuerier) Query(ctx context.Context, query string, args ...any) (rows, error) {
	return q.tx.QueryContext(ctx, query, args...)
}

type postgresQuerier struct{ tx pgx.Tx }

func (q postgresQuerier) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := q.tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), failed(query, err)
}

func (q postgresQuerier) Query(ctx context.Context, query string, args ...any) (rows, error) {
	found, err := q.tx.Query(ctx, query, args...)
	return postgresRows{found}, err
}

type postgresRows struct{ pgx.Rows }

func (r postgresRows) Close() error { r.Rows.Close(); return nil }

// many runs a query and returns all rows. It has read them when it returns: a transaction
// has one connection, on which no other statement can run until then.
func many[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	found, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, failed(query, err)
	}
	defer func() { _ = found.Close() }() // Err returns whatever went wrong
	var all []T
	for found.Next() {
		item, err := scan(found)
		if err != nil {
			return nil, failed(query, err)
		}
		all = append(all, item)
	}
	return all, failed(query, found.Err())
}

// failed wraps the error of a statement with its verb and its table, such as "update grants".
func failed(query string, err error) error {
	if err == nil {
		return nil
	}
	words := strings.Fields(query)
	statement := strings.ToLower(words[0])
	for i, word := range words[1:] {
		if before := words[i]; (before == "FROM" || before == "INTO" || before == "UPDATE") && word[0] != '(' {
			statement += " " + word
			break
		}
	}
	return fmt.Errorf("%s: %w", statement, err)
}

// one returns the first row. If there is none, the error has code NotFound.
func one[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	all, err := many(ctx, q, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = &access.Error{Code: access.NotFound, Message: "There is no such entry in the ledger."}
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// column scans a row of one column.
func column[T any](row scanner) (T, error) {
	var value T
	err := row.Scan(&value)
	return value, err
}

// won reports whether a conditional statement changed its row. If it did not, another
// transaction was first.
func won(changed int64, err error) (bool, error) { return changed > 0, err }

// conditions are the conditions of a query, all of which have to hold, and its arguments.
type conditions struct {
	parts []string
	args  []any
}

// add appends a condition in which each ? stands for the next argument.
func (c *conditions) add(part string, args ...any) {
	for _, arg := range args {
		c.args = append(c.args, arg)
		part = strings.Replace(part, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.parts = append(c.parts, part)
}

// addIf appends the condition unless its argument is the zero value.
func addIf[T comparable](c *conditions, part string, arg T) {
	var zero T
	if arg != zero {
		c.add(part, arg)
	}
}

// addIn appends the condition that the column is one of the values, unless there are none.
func addIn[T any](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, value := range values {
		args[i] = value
	}
	c.add(column+" IN ("+strings.TrimSuffix(strings.Repeat("?,", len(values)), ",")+")", args...)
}

// addWords appends the condition that the column is one of the program's own words, such as the
// states of a placement, unless there are none but empty ones. The words stand in the statement,
// in their order: SQLite uses a partial index where it finds the condition of that index, and
// prepares a statement anew for each value of a parameter that could be that condition.
func addWords[T ~string](c *conditions, column string, words ...T) {
	var quoted []string
	for _, word := range words {
		if word != "" {
			quoted = append(quoted, "'"+strings.ReplaceAll(string(word), "'", "''")+"'")
		}
	}
	switch len(quoted) {
	case 0:
	case 1: // the form that the conditions of indexes have
		c.add(column + " = " + quoted[0])
	default:
		c.add(column + " IN (" + strings.Join(quoted, ", ") + ")")
	}
}

// idsAtOnce is how many values one statement compares a column with, where there may be any
// number; see insertMany.
const idsAtOnce = 500

// where returns the conditions as a WHERE clause.
func (c *conditions) where() string { return c.after(" WHERE ") }

// and returns the conditions in a form that follows others.
func (c *conditions) and() string { return c.after(" AND ") }

func (c *conditions) after(word string) string {
	if len(c.parts) == 0 {
		return ""
	}
	return word + strings.Join(c.parts, " AND ")
}

// byID returns an ORDER BY clause: the lowest ID first, or the highest.
func byID(newest bool) string {
	if newest {
		return " ORDER BY id DESC"
	}
	return " ORDER BY id"
}

// limit returns a LIMIT clause; 0 is no limit.
func limit(n int) string {
	if n <= 0 {
		return ""
	}
	return " LIMIT " + strconv.Itoa(n)
}

// insertMany inserts rows, several in each statement, but not too many: SQLite needs time
// that grows with the square of the number of parameters, and both databases limit that
// number. The tail is what follows VALUES.
func insertMany(ctx context.Context, q querier, table, columns, tail string, all [][]any) error {
	const parameters = 500
	for len(all) > 0 {
		n := min(parameters/len(all[0]), len(all))
		query, args := insertion(table, columns, tail, all[:n])
		if _, err := q.Exec(ctx, query, args...); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func insertion(table, columns, tail string, all [][]any) (query string, args []any) {
	values := make([]string, len(all))
	for i, row := range all {
		names := make([]string, len(row))
		for j, value := range row {
			names[j] = "$" + strconv.Itoa(len(args)+1)
			if text, ok := value.(numbered); ok {
				names[j], value = numberOf(names[j]), string(text)
			}
			args = append(args, value)
		}
		values[i] = "(" + strings.Join(names, ",") + ")"
	}
	return "INSERT INTO " + table + " (" + columns + ") VALUES " + strings.Join(values, ",") + " " + tail, args
}

// assignments returns "a = $first, b = $first+1, …" for comma-separated columns.
func assignments(columns string, first int) string {
	names := strings.Split(columns, ", ")
	for i, name := range names {
		names[i] = name + " = $" + strconv.Itoa(first+i)
	}
	return strings.Join(names, ", ")
}
