package main

import (
	"strconv"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store/storetest"
)

// scale is how large an account and how old a ledger the benchmarks use, and how thoroughly they
// measure.
type scale struct {
	servers, live   int // of each server's keys, live come from as many grants on every server
	days, auditDays int
	perDay, on      int // grants, and the servers of each
	granted         int // servers of the grant that is measured
	acts            int // commands, and clicks, whose acknowledgements are measured
	rest, window    time.Duration
	full            bool // goals are checked that depend on the speed of the machine
}

func scaleOf() scale {
	if testing.Short() {
		return scale{servers: 60, live: 3, days: 10, auditDays: 20, perDay: 3, on: 10, granted: 20, acts: 20, rest: time.Second, window: 2 * time.Second}
	}
	return scale{servers: 5000, live: 40, days: 400, auditDays: 3 * 365, perDay: 20, on: 100, granted: 200, acts: 200, rest: 90 * time.Second, window: time.Minute, full: true}
}

// ledgers are two bots that have ended, each with as many servers: what is measured on the one with
// the old ledger is compared with the other.
type ledgers struct {
	scale
	database    func() string // returns an empty one
	young, aged subject
}

// subject is a bot that has ended, with a ledger.
type subject struct {
	*rig
	pattern storetest.Pattern
	posted  slacksim.Message // of a request that was approved
}

// newLedgers returns the ledgers on one kind of database.
func newLedgers(b *testing.B, database func() string) *ledgers {
	b.Helper()
	l := &ledgers{scale: scaleOf(), database: database}
	l.young, l.aged = l.subject(b, database()), l.subject(b, database())
	l.age(b)
	return l
}

// subject returns a bot with the pattern of an old ledger.
func (l *ledgers) subject(b *testing.B, database string) (s subject) {
	b.Helper()
	s.rig = start(b, plan{servers: l.servers, unpaced: true, database: database})
	s.pattern = s.rig.pattern(alice, dave)
	s.posted = s.Posted(s.pattern.Live)
	s.Ends()
	return s
}

func (l *ledgers) age(b *testing.B) {
	b.Helper()
	live, past := agedKeys(b, "LIVE", l.live), agedKeys(b, "PAST", max(10, l.live*5))
	for _, k := range append(live, past...) {
		l.aged.slack.AddUser(slacksim.User{ID: string(k.Person), Name: k.Note, RealName: k.Note})
	}
	ledger := l.aged.ledger()
	defer ledger.Close()
	began := time.Now()
	storetest.Age(b, ledger, l.aged.pattern, storetest.Shape{
		Live: live, Placed: time.Hour, Past: past, Days: l.days, GrantsPerDay: l.perDay, ServersPerGrant: l.on, AuditDays: l.auditDays,
	})
	for _, k := range live {
		l.aged.restore(ledger, k)
	}
	b.Logf("the ledger was made old in %s", time.Since(began).Round(time.Second))
}

// restore puts a key on the servers where the ledger says that it is.
func (r *rig) restore(ledger access.Store, k access.Key) {
	r.t.Helper()
	r.must(ledger.Read(r.t.Context(), func(tx access.Tx) error {
		all, err := tx.AllServers(r.t.Context())
		if err != nil {
			return err
		}
		servers := map[int64]access.Server{}
		for _, server := range all {
			servers[server.ID] = server
		}
		placed, err := tx.Placements(r.t.Context(), access.PlacementQuery{Person: k.Person, States: []access.PlacementState{access.PlacementPlaced}})
		line := k.Public().Line("")
		for _, p := range placed {
			server, serverErr := strconv.ParseInt(servers[p.ServerID].ExternalID, 10, 64)
			r.must(serverErr)
			id, idErr := strconv.ParseInt(p.CredentialID, 10, 64)
			r.must(idErr)
			r.account.Restore(server, runcloudsim.Credential{ID: id, Label: p.Label, User: p.SystemUser, PublicKey: line, Temporary: p.Temporary, CreatedAt: p.PlacedAt})
		}
		return err
	}))
}

// figures are what was measured, by the unit that says what it is.
type figures map[string]float64

// compare measures the same on both ledgers, one after the other, and reports what was measured on
// the old one, with the ratio to the young one.
func (l *ledgers) compare(b *testing.B, measure func(r *rig, posted slacksim.Message) figures) (young, aged figures) {
	b.Helper()
	for b.Loop() {
		young, aged = l.young.part(b, measure), l.aged.part(b, measure)
	}
	for unit, n := range aged {
		b.ReportMetric(n, unit)
		if young[unit] > 0 {
			b.ReportMetric(n/young[unit], "x-"+unit)
		}
	}
	b.Cleanup(func() {
		if b.Failed() { // then its metrics are not printed
			b.Logf("young: %v\naged: %v", young, aged)
		}
	})
	return young, aged
}

// part measures in a part of a benchmark.
func (s subject) part(b *testing.B, measure func(r *rig, posted slacksim.Message) figures) figures {
	b.Helper()
	whole := s.t
	s.t = b
	defer func() { s.t = whole }()
	return measure(s.rig, s.posted)
}

// running measures with the bot in this process, when what it does at its start is over.
func (l *ledgers) running(measure func(r *rig, posted slacksim.Message) figures) func(r *rig, posted slacksim.Message) figures {
	return func(r *rig, posted slacksim.Message) figures {
		r.Starts()
		defer r.Ends()
		pause(l.rest / 10)
		return measure(r, posted)
	}
}

// goal fails the benchmark if a figure is above its limit.
func goal(b *testing.B, f figures, unit string, limit float64) {
	b.Helper()
	if n, measured := f[unit]; !measured || n > limit {
		b.Errorf("%s is %.2f, want at most %g", unit, n, limit)
	}
}
