package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/stdlib"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

// TestAgedLedger checks that a grant which storetest.Age copied is in the ledger as one that the
// bot made: column by column, but for what tells one from another. What the bot writes depends on how
// busy the machine is, such as how often it tried, so no other story is told meanwhile.
func TestAgedLedger(t *testing.T) {
	test := func(t *testing.T, database string) {
		t.Helper()
		r := start(t, plan{servers: 1, database: database})
		pattern, made := r.pattern(alice, dave), r.pattern(carol, erin)
		r.Ends()
		ledger := r.ledger()
		defer ledger.Close()
		live, past := agedKeys(t, "LIVE", 1), agedKeys(t, "PAST", 1)
		storetest.Age(t, ledger, pattern, storetest.Shape{Live: live, Past: past, Days: 2, GrantsPerDay: 1, ServersPerGrant: 1, AuditDays: 3})

		copied := storetest.Pattern{Live: requestOf(t, ledger, live[0].Person), Ended: requestOf(t, ledger, past[0].Person)}
		for name, pair := range map[string][2]int64{"live": {made.Live, copied.Live}, "ended": {made.Ended, copied.Ended}} {
			if diff := cmp.Diff(r.written(ledger, pair[0]), r.written(ledger, pair[1])); diff != "" {
				t.Errorf("%s (-as the bot wrote it, +as it was copied):\n%s", name, diff)
			}
		}
		r.verifiesLog(ledger)
	}
	t.Run("SQLite", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { test(t, "") }) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgres(t)) })
}

// pattern grants one person access to the first server for long, and another for a second, and
// returns the two requests once Slack shows that all is done.
func (r *rig) pattern(stays, leaves string) storetest.Pattern {
	r.t.Helper()
	one := fmt.Sprintf(" on #%d for the release", r.servers[0])
	for _, person := range []string{stays, leaves} {
		r.Register(person)
	}
	p := storetest.Pattern{Live: r.Ask(stays, "grant <@"+stays+"> 30d"+one)}
	r.says(r.Press(bob, p.Live, "Approve"), "You approved request")
	for seconds, placed := 1, false; !placed; seconds *= 2 { // on a busy machine it may end before there is a key
		p.Ended = r.Ask(leaves, fmt.Sprintf("grant <@%s> %ds%s", leaves, seconds, one))
		r.says(r.Press(bob, p.Ended, "Approve"), "You approved request")
		r.until("the access has ended", func() bool {
			v := r.view(p.Ended)
			placed = len(v.Results) == 2
			return v.Grant.State == access.Ended && rests(v.Results)
		})
	}
	r.Settled(p.Live)
	r.Settled(p.Ended)
	return p
}

// ledger opens the ledger of a bot that has ended.
func (r *rig) ledger() *store.Store {
	r.t.Helper()
	ledger, err := store.Open(context.WithoutCancel(r.t.Context()), r.cfg.DatabaseURL.Reveal(), store.Options{Replica: "aged"})
	r.must(err)
	return ledger
}

// agedKeys returns keys of n people who are all called after a word in capitals.
func agedKeys(t testing.TB, word string, n int) (keys []access.Key) {
	t.Helper()
	for i := range n {
		key, _, err := sshkey.Generate()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, access.Key{
			Fingerprint: key.Fingerprint(), Person: access.UserID(fmt.Sprintf("U%s%04d", word, i)), Type: key.Type, Blob: key.Blob,
			Note: strings.ToLower(word) + strconv.Itoa(i), RegisteredAt: time.Now().AddDate(-1, 0, 0),
		})
	}
	return keys
}

// requestOf returns the last request for a person.
func requestOf(t testing.TB, ledger *store.Store, person access.UserID) (id int64) {
	t.Helper()
	err := ledger.Read(t.Context(), func(tx access.Tx) error {
		all, err := tx.Requests(t.Context(), access.RequestQuery{Person: person})
		id = all[len(all)-1].ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// writtenOf are the queries for everything that the ledger has on a request with one grant, but for
// the reminder and that it is ready: a grant of a second may end before them.
var writtenOf = map[string]string{ //nolint:gochecknoglobals // a constant
	"requests": "id = $1", "request_places": "request_id = $1", "approvals": "request_id = $1", "grants": "request_id = $1",
	"covers":     "grant_id = (SELECT grant_id FROM requests WHERE id = $1)",
	"placements": "grant_id = (SELECT grant_id FROM requests WHERE id = $1)",
	"results":    "request_id = $1 ORDER BY phase", "drawings": "request_id = $1", "messages": "request_id = $1 AND role NOT LIKE '%ending%' AND role NOT LIKE '%ready%' ORDER BY role", "notices": "request_id = $1 AND kind NOT IN ('ending', 'ready') ORDER BY kind",
	"audit":       "seq IN (SELECT event FROM audit_about WHERE subject = '#' || CAST($1 AS BIGINT)) ORDER BY seq",
	"audit_about": "event IN (SELECT event FROM audit_about WHERE subject = '#' || CAST($1 AS BIGINT)) ORDER BY event, subject",
}

// written returns everything that the ledger has on a request, with names for what is particular
// to it.
func (r *rig) written(ledger *store.Store, request int64) map[string][]string {
	r.t.Helper()
	named := r.namesOf(ledger, request)
	out := map[string][]string{}
	for table, where := range writtenOf {
		for _, row := range r.rowsOf(ledger, "SELECT * FROM "+table+" WHERE "+where, request) {
			for column, value := range row {
				row[column] = named(column, value)
			}
			out[table] = append(out[table], fmt.Sprint(row)) // in the order of the columns' names
		}
	}
	return out
}

// particular are the columns whose value no other row has, or that depend on how many changes one
// drawing showed, besides times.
var particular = []string{"source", "facts", "digest", "ts", "credential_id", "channel", "version", "shown", "seq", "event", "prev", "hash", "attempts"} //nolint:gochecknoglobals // a constant

// namesOf returns a function that names the values of a request's rows.
func (r *rig) namesOf(ledger *store.Store, request int64) func(column string, value any) any {
	r.t.Helper()
	grant := r.rowsOf(ledger, "SELECT grants.*, text, fingerprint FROM grants JOIN covers ON covers.grant_id = grants.id JOIN fingerprints ON fingerprints.id = fingerprint WHERE request_id = $1", request)[0]
	person, alias, print := grant["person"].(string), grant["alias"].(string), grant["text"].(string)
	words := strings.NewReplacer(print, "KEY", labelPrint.FindString(access.Label("aaaaa", access.Grant{}, print)), "PRINT", person, "PERSON", alias, "ALIAS",
		"#"+strconv.FormatInt(request, 10), "#REQUEST", fmt.Sprintf(" g%d ", grant["id"]), " GRANT ")
	return func(column string, value any) any {
		number, isNumber := value.(int64)
		switch {
		case column == "reminded_at":
			return "any time"
		case slices.Contains(particular, column) || strings.HasSuffix(column, "_at") || column == "at" || column == "steady_end":
			return value != int64(0) && value != ""
		case isNumber && (column == "id" || column == "request_id" || column == "grant_id"):
			return number != 0
		case column == "fingerprint" && value == grant[column]:
			return "the key"
		case column == "noun_id":
			return "its own"
		case isNumber:
			return number
		}
		return numbers.ReplaceAllString(words.Replace(value.(string)), ":N")
	}
}

var (
	labelPrint = regexp.MustCompile(`[A-Za-z0-9_-]{16}`) // of a key, in a label
	numbers    = regexp.MustCompile(`:[0-9TZ:-]+$`)      // the time and the number in the name of a notice
)

// rowsOf returns rows of the ledger by the names of their columns.
func (r *rig) rowsOf(ledger *store.Store, query string, args ...any) (all []map[string]any) {
	r.t.Helper()
	db := ledger.SQLite()
	if db == nil {
		db = stdlib.OpenDBFromPool(ledger.Postgres())
		defer func() { _ = db.Close() }()
	}
	rows, err := db.QueryContext(r.t.Context(), query, args...)
	r.must(err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	r.must(err)
	for rows.Next() {
		values, row := make([]any, len(columns)), map[string]any{}
		for i := range values {
			values[i] = new(any)
		}
		r.must(rows.Scan(values...))
		for i, column := range columns {
			row[column] = *values[i].(*any)
		}
		all = append(all, row)
	}
	r.must(rows.Err())
	return all
}

// verifiesLog fails the test unless every event carries the hash of the one before.
func (r *rig) verifiesLog(ledger *store.Store) {
	r.t.Helper()
	events, err := ledger.Events(r.t.Context(), 0, 10_000)
	r.must(err)
	var prev access.Event
	for _, e := range events {
		r.must(e.VerifyNext(prev))
		prev = e
	}
	if n := len(r.rowsOf(ledger, "SELECT seq FROM audit WHERE action = 'grant.end'")); n != 2+3 {
		r.t.Errorf("%d grants ended by the log, want two and those of three days", n)
	}
}
