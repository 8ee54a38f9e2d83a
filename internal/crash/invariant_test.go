package crash

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/store"
)

// settles is how long it may take until no work is left, once no call fails any more.
const settles = 3 * time.Minute

// doubted selects the placements whose key was looked for and not found, while a call without
// an answer may still place it.
const doubted = "state = 'leaving' AND credential_id = '' AND attempts > 0 AND in_doubt_until > 0"

// owed selects a description of everything that is left to do, except for doubted placements,
// which wait for minutes.
const owed = `
	SELECT 'placement ' || label || ' on ' || CAST(place_id AS TEXT) || ' is ' || state || ' attempts ' || CAST(attempts AS TEXT) || ' ' || problem || ' ' || holder
		FROM placements WHERE state IN ('wanted', 'unknown', 'leaving') AND NOT (` + doubted + `)
	UNION ALL SELECT 'envelope ' || id || ' of ' || person || ' held by ' || holder FROM inbox WHERE handled = 0
	UNION ALL SELECT 'result of ' || CAST(request_id AS TEXT) || ' on ' || place_name || ' is ' || state || ' ' || problem FROM results
		WHERE state IN ('waiting', 'failed')`

// notShown selects a description of everything that Slack does not show yet. After a storm that
// may take minutes: Slack accepts one message a second for a channel.
const notShown = `
	SELECT 'request ' || CAST(request_id AS TEXT) || ' is not drawn' FROM drawings WHERE version > shown
	UNION ALL SELECT 'notice ' || name FROM notices WHERE sent_at = 0`

// running selects a description of the jobs that are under way.
const running = `
	SELECT 'job ' || kind || ' ' || CAST(args AS TEXT) || ' is run by ' || CAST(attempted_by AS TEXT) FROM river_job WHERE state = 'running'`

// none waits until a query returns no rows. If it does in vain, it tells what is running.
func (s stage) none(query string) {
	s.Helper()
	until(s.T, settles, func() string {
		left := some(s.ledger.texts(s.T, query))
		if left != "" {
			left += "\n" + strings.Join(s.ledger.texts(s.T, running), "\n")
		}
		return left
	})
}

// some returns a text about rows that are left, and "" if there are none.
func some(left []string) string {
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprintf("%d things are left:\n%s", len(left), strings.Join(left[:min(len(left), 40)], "\n"))
}

// placed returns a text for one key on one server, for comparisons.
func placed(server int64, user, authorized string) string {
	return fmt.Sprintf("%d %s %s", server, user, authorized)
}

// onAccount returns a text for one key on the Scalingo account.
func onAccount(authorized string) string { return placed(0, "account", authorized) }

// wants returns the keys that should be on the servers: those of strangers, and those of
// everybody who has access, each once.
func (s stage) wants(strangers []string) []string {
	want := slices.Clone(strangers)
	for _, p := range s.people {
		for _, server := range s.servers {
			if p.has {
				want = append(want, placed(server, "runcloud", p.key.Authorized()))
			}
		}
		if p.lent {
			want = append(want, onAccount(p.key.Authorized()))
		}
	}
	slices.Sort(want)
	return want
}

// holds returns the keys that are on the servers and on the account.
func (s stage) holds() (got []string) {
	for _, k := range s.account.AllKeys() {
		words := strings.Fields(k.PublicKey)
		got = append(got, placed(k.Server, k.User, strings.Join(words[:2], " ")))
	}
	if s.scalingo != nil {
		for _, k := range s.scalingo.Keys() {
			got = append(got, onAccount(strings.Join(strings.Fields(k.Content)[:2], " ")))
		}
	}
	slices.Sort(got)
	return got
}

// atPeace waits until the servers have exactly the keys that they should have and no work is
// left. It polls because a renewal removes a key for a moment.
func (s stage) atPeace(strangers []string) {
	s.Helper()
	want := s.wants(strangers)
	until(s.T, settles, func() string {
		if left := some(s.ledger.texts(s.T, owed)); left != "" {
			return left
		}
		return cmp.Diff(want, s.holds())
	})
}

// hastens makes everything due that the program would try or read again only minutes later,
// and waits until it is done. The readings come last: they are about calls that ended long ago,
// so no other call may be under way.
func (s stage) hastens(strangers []string) {
	s.Helper()
	s.ledger.exec(s.T, "UPDATE placements SET next_at = 0 WHERE next_at > 0 AND holder = '' AND state IN ('wanted', 'unknown', 'leaving')")
	s.ledger.exec(s.T, "UPDATE results SET updated_at = 0 WHERE phase = 'inspect' AND state = 'waiting'")
	s.none(owed)
	s.outlasts()
	until(s.T, settles, s.otherLives)
	s.atPeace(strangers)
	s.none("SELECT 'result of ' || CAST(request_id AS TEXT) || ' is unknown' FROM results WHERE state = 'unknown'")
}

// outlasts ends the doubt about calls without an answer, as if the minutes had passed in which
// they may still take effect.
func (s stage) outlasts() {
	s.Helper()
	until(s.T, settles, func() string {
		s.ledger.exec(s.T, "UPDATE placements SET in_doubt_until = 1, next_at = 0 WHERE in_doubt_until > 1")
		return some(s.ledger.texts(s.T, "SELECT label || ' is not read again' FROM placements WHERE in_doubt_until > 0"))
	})
}

// audit checks the ledger after every process has ended: the chain is whole, every envelope
// that was acknowledged to Slack was handled, and every decision was recorded once.
func (s stage) audit() {
	s.Helper()
	events := s.events()
	s.chained(events)
	s.decidedOnce(events)
	if diff := s.otherLives(); diff != "" {
		s.Error(diff)
	}
	handled := s.ledger.texts(s.T, "SELECT id FROM inbox WHERE handled = 1")
	slices.Sort(handled)
	for _, id := range s.acked {
		if _, ok := slices.BinarySearch(handled, id); !ok {
			s.Errorf("envelope %s was acknowledged and is not handled", id)
		}
	}
}

func (s stage) events() (events []access.Event) {
	s.Helper()
	ledger, err := store.Open(s.Context(), s.ledger.url, store.Options{Replica: "the test"})
	if err != nil {
		s.Fatal(err)
	}
	defer ledger.Close()
	events, err = ledger.Events(s.Context(), 0, 1_000_000)
	if err != nil {
		s.Fatal(err)
	}
	return events
}

func (s stage) chained(events []access.Event) {
	s.Helper()
	if len(events) == 0 {
		s.Error("the audit log is empty")
	}
	var before access.Event
	for _, e := range events {
		if err := e.VerifyNext(before); err != nil {
			s.Error(err)
		}
		before = e
	}
}

// decidedOnce checks that every change of state was recorded once: a request is decided once,
// a grant begins and ends once, and a placement leaves the state that it had.
func (s stage) decidedOnce(events []access.Event) {
	s.Helper()
	count, state := map[string]int{}, map[string]string{}
	for _, e := range events {
		switch e.Action {
		case "request.approved", "request.denied", "request.cancelled", "request.expired":
			count["decision on request "+e.NounID]++
		case "grant.start", "grant.end", "person.offboard", "request.ask":
			count[string(e.Action)+" of "+e.NounID]++
		}
		if e.Noun != "placement" {
			continue
		}
		takenBack := e.To == string(access.PlacementLeaving) // a late call has placed the key after all
		again := e.From == string(access.PlacementUnknown)   // entering that state is not recorded
		if was := state[e.NounID]; was == string(access.PlacementGone) && !takenBack || was == e.To && !again {
			s.Errorf("event %d: placement %s is %s and becomes %s", e.Seq, e.NounID, was, e.To)
		}
		state[e.NounID] = e.To
	}
	for what, n := range count {
		if n != 1 {
			s.Errorf("%s: %d times", what, n)
		}
	}
	extensions := s.ledger.texts(s.T, "SELECT person FROM requests WHERE kind = 'extend' AND state = 'approved'")
	moved := 0
	for _, e := range events {
		if e.Action == "grant.extend" {
			moved++
		}
	}
	if moved != len(extensions) {
		s.Errorf("%d approved extensions moved an end %d times", len(extensions), moved)
	}
}

// otherLives returns how the ledger's live grants differ from those that the test expects.
func (s stage) otherLives() string {
	var want []string
	for _, p := range s.people {
		if p.has || p.lent {
			want = append(want, p.id)
		}
	}
	got := s.ledger.texts(s.T, "SELECT DISTINCT person FROM grants WHERE state = 'live' ORDER BY person")
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		return "live grants (-want +got):\n" + diff
	}
	return ""
}

// strangers puts keys on every server that the bot did not place, and returns them.
func (s stage) strangers(keys map[string]string) (there []string) {
	for _, server := range s.servers {
		for label, key := range keys {
			s.account.AddKey(server, runcloudsim.Credential{Label: label, User: "runcloud", PublicKey: key})
			there = append(there, placed(server, "runcloud", key))
		}
	}
	return there
}
