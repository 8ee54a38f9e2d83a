package crash

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// TestStop ends the program with SIGTERM while it works, several times, and once with calls
// that hang.
func TestStopSQLite(t *testing.T)      { t.Parallel(); stops(t, onSQLite(t), 1) }
func TestStopTwoReplicas(t *testing.T) { t.Parallel(); stops(t, onPostgres(t), 2) }

func stops(t *testing.T, ledger database, replicas int) {
	s := newStage(t, ledger, setup{servers: 60, latency: 250 * time.Millisecond, seed: *seed, env: []string{"SSHKEYBOT_CONCURRENCY=2"}})
	s.up(replicas)
	p := s.person("alice", ed25519Key(t))
	p.has = true
	s.registers(p)
	s.hangsAfter(30)
	s.grants(p, "1h", "r-alice")
	for i := range 3 {
		s.placedAtLeast([]int{3, 7, 30}[i])
		if i == 2 {
			s.hanging()
		}
		t.Logf("SIGTERM ended the process after %s", s.child(0).stop(t).Round(time.Millisecond))
		if i == 2 {
			s.account.ClearFaults()
		}
		s.restart(0)
		s.heard(replicas)
	}
	s.hastens(nil)
	s.stop()
	s.audit()
}

// TestStopWhileSlackHangs ends the program while Slack answers no call: the work on the servers
// still has time to finish, and what people asked for is not lost.
func TestStopWhileSlackHangs(t *testing.T) {
	t.Parallel()
	s := newStage(t, onSQLite(t), setup{servers: 20, latency: 250 * time.Millisecond, seed: *seed, env: []string{"SSHKEYBOT_CONCURRENCY=2"}})
	s.up(1)
	p := s.person("alice", ed25519Key(t))
	p.has = true
	s.registers(p)
	s.hangsAfter(2)
	s.grants(p, "1h", "r-alice")
	s.placedAtLeast(2)
	for _, method := range []string{"users.info", "chat.postMessage", "chat.postEphemeral", "chat.update"} {
		s.slack.Fail(method, slices.Repeat([]slacksim.Fault{{Delay: time.Minute}}, 50)...)
	}
	late := s.person("late", ed25519Key(t))
	s.types(late.id, "register "+late.key.Line("laptop"))
	s.hanging()
	t.Logf("SIGTERM ended the process after %s", s.child(0).stop(t).Round(time.Millisecond))
	s.account.ClearFaults()
	s.slack.ClearFaults()
	s.restart(0)
	s.heard(1)
	s.registered(late)
	s.hastens(nil)
	s.stop()
	s.audit()
}

func (s stage) placedAtLeast(n int) {
	s.Helper()
	until(s.T, patience, func() string {
		if len(s.holds()) < n {
			return "too few keys are placed"
		}
		return ""
	})
}

// hangsAfter makes every call that places a key hang, once that many are placed.
func (s stage) hangsAfter(n int32) {
	var placed atomic.Int32
	s.account.OnCall(func(c runcloudsim.Call) {
		if c.Op == runcloudsim.OpCreate && c.Phase == runcloudsim.After && placed.Add(1) == n {
			s.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultHang})
		}
	})
}

// hanging waits until a call hangs.
func (s stage) hanging() {
	s.Helper()
	until(s.T, patience, func() string {
		if s.account.Hanging() == 0 {
			return "no call hangs"
		}
		return ""
	})
}
