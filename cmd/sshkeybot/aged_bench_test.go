package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store/storetest"
	"sshkeybot/internal/workflow"
)

// BenchmarkAged measures what the bot costs with a large account and after years, and compares it
// with a ledger in which nearly nothing has happened. With -short, account and ledger are small, and
// nothing fails that depends on the speed of the machine.
func BenchmarkAged(b *testing.B) {
	for _, kind := range []struct {
		name     string
		database func(b *testing.B) string
	}{
		{"SQLite", func(*testing.B) string { return "" }},
		{"PostgreSQL", func(b *testing.B) string { b.Helper(); return postgres(b) }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			l := newLedgers(b, func() string { return kind.database(b) })
			b.Run("Acknowledge", l.acknowledge)
			b.Run("Views", l.views)
			b.Run("Grant", l.grant)
			b.Run("Process", l.process)
			b.Run("Expiry", l.expiry) // last: no live grant is left
		})
	}
}

// acknowledge measures how long Slack waits for the acknowledgement of commands and of clicks.
func (l *ledgers) acknowledge(b *testing.B) {
	_, aged := l.compare(b, l.running(func(r *rig, posted slacksim.Message) figures {
		var commands, clicks []time.Duration
		pace := time.NewTicker(actEvery)
		defer pace.Stop()
		for range l.acts {
			<-pace.C
			result, err := r.slack.Command(b.Context(), bob, ops, "/sshkey keys")
			r.must(err)
			r.acked(result.Outcome)
			<-pace.C
			outcome := r.clicksOn(bob, posted, "Approve")
			r.acked(outcome)
			commands, clicks = append(commands, result.Latency), append(clicks, outcome.Latency)
		}
		f := figures{}
		f.spread("command", commands)
		f.spread("click", clicks)
		return f
	}))
	if l.full {
		goal(b, aged, "command-p99-ms", 50)
		goal(b, aged, "click-p99-ms", 50)
	}
}

// actEvery is how often somebody does something while acknowledgements are measured.
const actEvery = 100 * time.Millisecond

// spread adds the median, the 99th percentile and the largest of some durations.
func (f figures) spread(what string, took []time.Duration) {
	slices.Sort(took)
	for name, at := range map[string]int{"p50": len(took) / 2, "p99": len(took) * 99 / 100, "max": len(took) - 1} {
		f[what+"-"+name+"-ms"] = milliseconds(took[at])
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// views measures the use cases behind what an approver looks at.
func (l *ledgers) views(b *testing.B) {
	const looks, waiting, enough = 10, 5, 30 * time.Second
	_, aged := l.compare(b, l.running(func(r *rig, _ slacksim.Message) figures {
		r.Register(erin)
		for i := range waiting {
			r.Ask(carol, fmt.Sprintf("grant <@%s> %dh", erin, i+1))
		}
		s, f := r.app.Service, figures{}
		for name, look := range map[string]func() error{
			"list":    func() error { return second(s.AccessPage(b.Context(), bob, "", workflow.PageQuery{})) },
			"home":    func() error { return second(s.PersonView(b.Context(), bob)) },
			"pending": func() error { return second(s.PendingRequests(b.Context(), bob, workflow.PageQuery{})) },
			"scrape":  func() error { r.page("/metrics"); return nil },
			"log":     func() error { return second(s.Log(b.Context(), bob, workflow.LogQuery{})) },
		} {
			var took []time.Duration
			for began := time.Now(); len(took) < looks && time.Since(began) < enough; {
				looked := time.Now()
				r.must(look())
				took = append(took, time.Since(looked))
			}
			slices.Sort(took)
			f[name+"-ms"] = milliseconds(took[len(took)/2])
		}
		return f
	}))
	if l.full {
		for _, unit := range []string{"list-ms", "home-ms", "pending-ms", "scrape-ms"} {
			goal(b, aged, unit, 100)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// grant measures a grant while a call to RunCloud takes 20 ms, from the click to the last
// confirmation.
func (l *ledgers) grant(b *testing.B) {
	young, aged := l.compare(b, l.running(func(r *rig, _ slacksim.Message) figures {
		r.Register(carol)
		var some []string
		for _, id := range r.servers[:l.granted] {
			some = append(some, fmt.Sprintf("#%d", id))
		}
		id := r.Ask(carol, "grant me 1h on "+strings.Join(some, ","))
		r.Posted(id)
		r.account.SetLatency(20 * time.Millisecond)
		defer r.account.SetLatency(0)
		r.account.ResetCalls()
		began := time.Now()
		r.acked(r.clicks(bob, id, "Approve"))
		took := r.lastConfirmed(id, l.granted).Sub(began)
		return figures{"s-to-last-server": took.Seconds(), "additions": float64(r.account.Count(runcloudsim.OpCreate))}
	}))
	goal(b, aged, "additions", young["additions"])
	if l.full {
		goal(b, aged, "s-to-last-server", 1.2*young["s-to-last-server"])
	}
}

// process measures what the process costs: its start, its memory, and its processor time at rest.
func (l *ledgers) process(b *testing.B) {
	young, aged := l.compare(b, l.costs)
	b.ReportMetric(young["%-of-a-processor"], "young-%-of-a-processor")
	b.ReportMetric(young["MB-peak-memory"], "young-MB-peak-memory")
	if l.full {
		empty := start(b, plan{servers: l.servers, unpaced: true, database: l.database()})
		empty.Ends()
		f := l.costs(empty, slacksim.Message{})
		b.ReportMetric(f["%-of-a-processor"], "empty-%-of-a-processor")
		goal(b, f, "%-of-a-processor", 1)
		goal(b, aged, "%-of-a-processor", 2)
		goal(b, aged, "MB-peak-memory", 128)
		goal(b, aged, "s-to-ready", 3)
	}
}

// costs measures that of one process, which somebody asks for the list in the end.
func (l *ledgers) costs(r *rig, _ slacksim.Message) figures {
	p := r.process()
	defer p.stop()
	f := figures{"s-to-ready": p.ready.Seconds()}
	pause(l.rest)
	r.account.ResetCalls()
	before := p.computed()
	pause(l.window)
	f["%-of-a-processor"] = 100 * (p.computed() - before).Seconds() / l.window.Seconds()
	f["calls-a-minute"] = float64(r.account.Count(runcloudsim.OpAny)) / l.window.Minutes()
	said := len(r.private(bob))
	result, err := r.slack.Command(r.t.Context(), bob, ops, "/sshkey list")
	r.must(err)
	r.acked(result.Outcome)
	r.answer(bob, said)
	f["MB-peak-memory"] = p.memory()
	return f
}

// pause waits while another process is measured.
func pause(d time.Duration) { <-time.After(d) }

// expiry has every live grant end at the same instant, and measures how long after it the first key
// is removed, how many are in the time after that, and how long clicks wait meanwhile.
func (l *ledgers) expiry(b *testing.B) {
	_, aged := l.compare(b, func(r *rig, posted slacksim.Message) figures {
		at := time.Now().Add(l.rest)
		r.endLive(at)
		var first sync.Once
		began := make(chan time.Time, 1)
		r.account.OnCall(func(c runcloudsim.Call) {
			if c.Op == runcloudsim.OpDelete {
				first.Do(func() { began <- time.Now() })
			}
		})
		p := r.process()
		defer p.stop()
		pause(time.Until(at))
		clicks := r.clicksFor(l.window/6, posted)
		f := figures{"MB-peak-memory": p.memory(), "removals": float64(r.account.Count(runcloudsim.OpDelete))}
		f.spread("click", clicks)
		select {
		case then := <-began:
			f["s-to-first-removal"] = then.Sub(at).Seconds()
		case <-time.After(patience):
			b.Error("nothing is removed")
		}
		return f
	})
	if l.full {
		goal(b, aged, "s-to-first-removal", 2)
		goal(b, aged, "click-max-ms", 100)
	}
}

// endLive has every live grant of a bot that has ended end at one instant.
func (r *rig) endLive(at time.Time) {
	r.t.Helper()
	ledger := r.ledger()
	defer ledger.Close()
	storetest.EndLive(r.t, ledger, at)
}

// clicksFor has Bob press the same button again and again, and returns how long each
// acknowledgement took.
func (r *rig) clicksFor(d time.Duration, m slacksim.Message) (took []time.Duration) {
	r.t.Helper()
	pace := time.NewTicker(actEvery)
	defer pace.Stop()
	for began := time.Now(); time.Since(began) < d; <-pace.C {
		outcome := r.clicksOn(bob, m, "Approve")
		r.acked(outcome)
		took = append(took, outcome.Latency)
	}
	return took
}

// BenchmarkYear measures what a year of 20 grants a day on 100 servers leaves in a ledger, and what
// of it is the audit log, which stays.
func BenchmarkYear(b *testing.B) {
	shape := storetest.Shape{Past: agedKeys(b, "PAST", 20), Days: 365, GrantsPerDay: 20, ServersPerGrant: 100, AuditDays: 365}
	if testing.Short() {
		shape.Days, shape.AuditDays = 7, 7
	}
	r := start(b, plan{servers: shape.ServersPerGrant, unpaced: true})
	pattern := r.pattern(alice, dave)
	r.Ends()
	ledger := r.ledger()
	defer ledger.Close()
	size := func(where string) (megabytes float64) {
		r.must(ledger.SQLite().QueryRowContext(b.Context(), "SELECT COALESCE(SUM(pgsize), 0) / 1e6 FROM dbstat"+where).Scan(&megabytes))
		return megabytes
	}
	for b.Loop() {
		storetest.Age(b, ledger, pattern, shape)
		year := 365 / float64(shape.Days)
		f := figures{"MB-a-year": size("") * year, "MB-of-audit-a-year": size(" WHERE name LIKE '%audit%'") * year}
		for unit, n := range f {
			b.ReportMetric(n, unit)
		}
		goal(b, f, "MB-a-year", 400)
		goal(b, f, "MB-of-audit-a-year", 40)
	}
}
