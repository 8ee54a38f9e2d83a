package crash

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

// TestOverdue has a grant end while the program is down.
func TestOverdueSQLite(t *testing.T)   { t.Parallel(); overdue(t, onSQLite(t)) }
func TestOverduePostgres(t *testing.T) { t.Parallel(); overdue(t, onPostgres(t)) }

func overdue(t *testing.T, ledger database) {
	s := newStage(t, ledger, setup{servers: 20, latency: 5 * time.Millisecond, seed: *seed})
	s.up(1)
	p := s.person("alice", ed25519Key(t))
	s.registers(p)
	s.grants(p, "1h", "r-short")
	until(t, patience, func() string {
		if n := len(s.holds()); n < 20 {
			return fmt.Sprintf("%d of 20 keys are placed", n)
		}
		return ""
	})
	s.child(0).kill()
	s.ends(p, time.Now().Add(-time.Second))
	if n := len(s.holds()); n != 20 {
		t.Fatalf("%d keys are placed while the program is down, want 20", n)
	}
	removal := make(chan time.Time, 1)
	s.account.OnCall(func(c runcloudsim.Call) {
		if c.Op == runcloudsim.OpDelete {
			select {
			case removal <- time.Now():
			default:
			}
		}
	})
	begin := time.Now()
	s.restart(0)
	select {
	case at := <-removal:
		t.Logf("the first removal was asked %s after the start", at.Sub(begin).Round(time.Millisecond))
	case <-time.After(patience):
		t.Error("no removal after the start")
	}
	s.atPeace(nil)
	t.Logf("all 20 keys were gone %s after the start", time.Since(begin).Round(time.Millisecond))
	s.stop()
	s.audit()
}

// TestRenewal kills the program while it renews the keys of a grant that lasts longer than
// RunCloud's timer for temporary keys, and ends another grant meanwhile.
func TestRenewalSQLite(t *testing.T)      { t.Parallel(); renewal(t, onSQLite(t), 1) }
func TestRenewalTwoReplicas(t *testing.T) { t.Parallel(); renewal(t, onPostgres(t), 2) }

func renewal(t *testing.T, ledger database, replicas int) {
	s := newStage(t, ledger, setup{servers: 10, lifetime: 8 * time.Second, latency: 10 * time.Millisecond, seed: *seed})
	s.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultDrop, After: true, Probability: 0.05})
	s.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpDelete, Kind: runcloudsim.FaultDrop, After: true, Probability: 0.05})
	s.up(replicas)
	alice, bob := s.person("alice", ed25519Key(t)), s.person("bob", ecdsaKey(t))
	alice.has = true
	for _, p := range []*person{alice, bob} {
		s.registers(p)
	}
	s.grants(alice, "1h", "r-alice")
	s.grants(bob, "1h", "r-bob")
	s.diesRenewing(3)
	s.account.ClearFaults()
	s.ends(bob, time.Now())
	s.lastsLonger(replicas)
	s.hastens(nil)
	s.stop()
	s.audit()
}

// diesRenewing kills a replica that many times, alternately at the third removal and at the
// third addition.
func (s stage) diesRenewing(times int) {
	s.Helper()
	for i := range times {
		op := []runcloudsim.Op{runcloudsim.OpDelete, runcloudsim.OpCreate}[i%2]
		select {
		case <-s.dies(op, runcloudsim.After, 3):
		case <-time.After(patience):
			s.Fatal("nothing was renewed")
		}
	}
	s.account.OnCall(nil)
}

// lastsLonger sets RunCloud's timer for temporary keys to half a day, for the simulator and for
// the program. The program renews every key once more and then none for hours, so that the
// test can wait until no work is left.
func (s stage) lastsLonger(replicas int) {
	s.Helper()
	const lifetime = 12 * time.Hour
	s.account.SetRules(runcloudsim.Rules{TemporaryLifetime: lifetime})
	s.env = append(s.env, "RUNCLOUD_TEMPORARY_LIFETIME="+lifetime.String())
	for i := range replicas {
		s.child(i).kill()
		s.restart(i)
	}
	s.heard(replicas)
}

// gate blocks the calls of one kind right before they take effect.
type gate struct {
	held   chan struct{} // closed when a call is blocked
	pass   chan struct{} // closed by open
	once   sync.Once
	opened sync.Once
}

func (s stage) gate(op runcloudsim.Op) *gate {
	g := &gate{held: make(chan struct{}), pass: make(chan struct{})}
	s.account.OnCall(func(c runcloudsim.Call) {
		if c.Op == op && c.Phase == runcloudsim.Before {
			g.once.Do(func() { close(g.held) })
			<-g.pass
		}
	})
	s.Cleanup(g.open)
	return g
}

// reached waits until a call is blocked.
func (g *gate) reached(s stage) {
	s.Helper()
	select {
	case <-g.held:
	case <-time.After(patience):
		s.Fatal("no call comes to the gate")
	}
}

func (g *gate) open() { g.opened.Do(func() { close(g.pass) }) }

// TestPaused pauses the process during the call that places a key, until the grant is over,
// and lets it go on, or kills it.
func TestPausedSQLite(t *testing.T) {
	t.Parallel()
	for name, wakes := range map[string]bool{"wakes up": true, "dies": false} {
		t.Run(name, func(t *testing.T) { t.Parallel(); paused(t, onSQLite(t), wakes) })
	}
}

func paused(t *testing.T, ledger database, wakes bool) {
	s := newStage(t, ledger, setup{servers: 1, seed: *seed})
	s.up(1)
	p := s.person("alice", ed25519Key(t))
	s.registers(p)
	g := s.gate(runcloudsim.OpCreate)
	s.grants(p, "1h", "r-alice")
	g.reached(s)
	s.ends(p, time.Now().Add(time.Second))
	s.child(0).signal(syscall.SIGSTOP)
	until(t, patience, func() string {
		return some(s.ledger.texts(t, "SELECT person FROM grants WHERE ends_at > "+fmt.Sprint(time.Now().UnixMilli())))
	})
	if wakes {
		g.open()
		s.child(0).signal(syscall.SIGCONT)
	} else {
		s.child(0).kill()
		s.restart(0)
		s.none("SELECT label FROM placements WHERE NOT (" + doubted + ")")
		g.open() // the call takes effect after the key was looked for
		s.lands()
	}
	s.hastens(nil)
	s.stop()
	s.audit()
}

// lands waits until a call has placed a key, which may be removed again by then.
func (s stage) lands() {
	s.Helper()
	until(s.T, patience, func() string {
		if slices.ContainsFunc(s.account.Calls(), func(c runcloudsim.Call) bool { return c.Op == runcloudsim.OpCreate && c.Applied }) {
			return ""
		}
		return "the late call was not applied"
	})
}

// TestPausedReplica pauses one of two replicas during the call that places a key, while the
// other takes the access back.
func TestPausedReplica(t *testing.T) {
	t.Parallel()
	for name, wakes := range map[string]bool{"wakes up": true, "dies": false} {
		t.Run(name, func(t *testing.T) { t.Parallel(); pausedReplica(t, onPostgres(t), wakes) })
	}
}

func pausedReplica(t *testing.T, ledger database, wakes bool) {
	s := newStage(t, ledger, setup{servers: 1, seed: *seed})
	s.up(2)
	p := s.person("alice", ed25519Key(t))
	s.registers(p)
	g := s.gate(runcloudsim.OpCreate)
	s.grants(p, "1h", "r-alice")
	g.reached(s)
	holder := s.ledger.texts(t, "SELECT holder FROM placements")
	if len(holder) != 1 {
		t.Fatalf("%d placements, want 1", len(holder))
	}
	sleeper := s.replicaOf(holder[0])
	sleeper.signal(syscall.SIGSTOP)
	s.types(p.id, "done") // which the other handles, after some tries
	s.none("SELECT label FROM placements WHERE NOT (" + doubted + ")")
	g.open()
	s.lands()
	if wakes {
		sleeper.signal(syscall.SIGCONT)
	} else {
		sleeper.kill()
	}
	s.hastens(nil)
	for _, c := range s.children {
		if c.alive() {
			c.stop(t)
		}
	}
	s.audit()
}

// TestPausedReplicaRemoving pauses one of two replicas during the removal of a key. The other
// removes it before long, and the paused one does no harm when it goes on.
func TestPausedReplicaRemoving(t *testing.T) {
	t.Parallel()
	s := newStage(t, onPostgres(t), setup{servers: 1, seed: *seed})
	s.up(2)
	p := s.person("alice", ed25519Key(t))
	s.registers(p)
	s.grants(p, "1h", "r-alice")
	until(t, patience, func() string {
		if len(s.holds()) == 0 {
			return "the key is not placed"
		}
		return ""
	})
	g := s.gate(runcloudsim.OpDelete)
	s.types(p.id, "done")
	g.reached(s)
	worker := s.ledger.texts(t, "SELECT attempted_by[array_upper(attempted_by, 1)] FROM river_job WHERE state = 'running' AND kind = 'remove_on_server'")
	if len(worker) != 1 {
		t.Fatalf("%d removals run, want 1", len(worker))
	}
	sleeper := s.replicaOf(worker[0])
	sleeper.signal(syscall.SIGSTOP)
	paused := time.Now()
	g.open()
	s.none("SELECT label FROM placements WHERE state <> 'gone'")
	t.Logf("gone %s after the pause", time.Since(paused).Round(time.Second))
	sleeper.signal(syscall.SIGCONT)
	s.hastens(nil)
	for _, c := range s.children {
		c.stop(t)
	}
	s.audit()
}
