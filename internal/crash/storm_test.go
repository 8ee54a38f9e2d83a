package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// A storm: everybody uses the program at the same time, some calls to RunCloud fail, and a
// replica is killed again and again, at random moments.

func TestStormSQLite(t *testing.T) {
	storms(t, onSQLite, 1)
}

func TestStormPostgres(t *testing.T) {
	storms(t, onPostgres, 1)
}

func TestStormTwoReplicas(t *testing.T) {
	storms(t, onPostgres, 2)
}

func storms(t *testing.T, open func(*testing.T) database, replicas int) {
	t.Parallel()
	for i := range uint64(*rounds) {
		t.Run(fmt.Sprintf("seed %d", *seed+i), func(t *testing.T) { storm(t, open(t), replicas, *seed+i) })
	}
}

const kills = 16

func storm(t *testing.T, ledger database, replicas int, seed uint64) {
	s := newStage(t, ledger, setup{servers: 20, latency: 15 * time.Millisecond, seed: seed})
	s.weather(replicas, seed, s.cast(), func() {})
}

// weather runs a storm with that cast. After it, it calls calm, waits until no work is left,
// and checks the servers and the ledger.
func (s stage) weather(replicas int, seed uint64, cast map[string]func(stage), calm func()) {
	s.Helper()
	keys := map[string]string{}
	for i := range 10 {
		keys[fmt.Sprintf("colleague %d", i)] = ecdsaKey(s.T).Authorized()
	}
	strangers := s.strangers(keys)
	s.ill()
	s.up(replicas)
	s.Run("people", func(t *testing.T) {
		for name, play := range cast {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				play(s.as(t))
			})
		}
		t.Run("death", func(t *testing.T) {
			t.Parallel()
			s.as(t).death(replicas, rand.New(rand.NewPCG(seed, 1)))
		})
	})
	if s.Failed() {
		return
	}
	s.account.ClearFaults()
	calm()
	s.hastens(strangers)
	s.stop()
	s.audit()
	if got := s.holds(); len(got) != len(s.wants(strangers)) {
		s.Errorf("the servers hold %d keys after the end, want %d", len(got), len(s.wants(strangers)))
	}
}

// ill makes some calls to RunCloud fail. Its answers state a limit that nobody reaches: a program that
// had to find one out from refusals by chance would slow down to 30 calls a minute.
func (s stage) ill() {
	s.account.SetRateLimit(10_000, runcloudsim.LimitOptions{})
	for _, rule := range []runcloudsim.FaultRule{
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultDrop, After: true, Probability: 0.04},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultDrop, Probability: 0.02},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultStatus, Status: 500, After: true, Probability: 0.02},
		{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultHTML, Status: 502, Probability: 0.02},
		{Op: runcloudsim.OpDelete, Kind: runcloudsim.FaultDrop, After: true, Probability: 0.04},
		{Op: runcloudsim.OpDelete, Kind: runcloudsim.FaultStatus, Status: 503, Probability: 0.02},
		{Kind: runcloudsim.FaultTooMany, RetryAfter: time.Second, Probability: 0.01},
		{Op: runcloudsim.OpListCredentials, Kind: runcloudsim.FaultTruncated, Probability: 0.02},
	} {
		s.account.Fault(rule)
	}
}

// death kills a replica at random moments, also while it starts, and starts it again.
func (s stage) death(replicas int, dice *rand.Rand) {
	for range kills {
		i := dice.IntN(replicas)
		after := time.Duration(dice.IntN(600)) * time.Millisecond
		if dice.IntN(3) == 0 {
			after *= 3
		}
		pause(after)
		s.child(i).kill()
		s.restart(i)
		if dice.IntN(3) == 0 {
			s.slack.DuplicateNext(2)
		}
		if dice.IntN(6) == 0 {
			s.slack.DropSockets()
		}
	}
}

// cast is who does what in a storm.
func (s stage) cast() map[string]func(stage) {
	alice, bob, carol, dave := s.person("alice", ed25519Key(s.T)), s.person("bob", ed25519Key(s.T)), s.person("carol", ed25519Key(s.T)), s.person("dave", ecdsaKey(s.T))
	erin, frank, grace, heidi := s.person("erin", ed25519Key(s.T)), s.person("frank", ecdsaKey(s.T)), s.person("grace", ecdsaKey(s.T)), s.person("heidi", ed25519Key(s.T))
	alice.has, erin.has, grace.has = true, true, true
	return map[string]func(stage){
		"alice keeps": func(s stage) { s.registers(alice); s.grants(alice, "1h", "r-alice") },
		"bob expires": func(s stage) { s.registers(bob); s.grants(bob, "3s", "r-bob") },
		"carol gives back": func(s stage) {
			s.registers(carol)
			s.grants(carol, "1h", "r-carol")
			s.types(carol.id, "done")
		},
		"dave is revoked": func(s stage) {
			s.registers(dave)
			s.grants(dave, "1h", "r-dave")
			s.confirms("revoke @dave for r-out", "revoke", dave)
		},
		"erin extends": func(s stage) { s.registers(erin); s.grants(erin, "1h", "r-erin"); s.extends(erin) },
		"frank leaves": func(s stage) {
			s.registers(frank)
			s.grants(frank, "1h", "r-frank")
			s.confirms("offboard @frank for r-left", "offboard", frank)
		},
		"grace overlaps": func(s stage) {
			s.registers(grace)
			s.grants(grace, "4s", "r-grace-short")
			s.grants(grace, "1h", "r-grace-long")
			s.grants(grace, "2s on web-*", "r-grace-some")
		},
		"heidi cancels": func(s stage) {
			s.registers(heidi)
			s.types(heidi.id, "grant @heidi 1h for r-heidi")
			r := s.sees("r-heidi")
			err := s.again("withdraw", func(ctx context.Context) (slacksim.Outcome, error) {
				return s.slack.ClickStale(ctx, heidi.id, ops, r.ts, slacksim.Pick{Label: "Withdraw"})
			})
			if err != nil {
				s.Fatal(err)
			}
			s.decided(r, "cancelled")
		},
	}
}

// extends has a person ask for another hour, and both approvers approve.
func (s stage) extends(p *person) {
	s.Helper()
	s.types(p.id, "extend @"+p.name+" 1h")
	var ids []string
	until(s.T, patience, func() string {
		ids = s.ledger.texts(s.T, "SELECT CAST(id AS TEXT) FROM requests WHERE kind = 'extend' AND person = '"+p.id+"' ORDER BY id")
		if len(ids) == 0 {
			return "no extension was asked"
		}
		return ""
	})
	s.approves(s.shown(ids[0]))
}
