package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// A storm in which the clock is put forward and back by hours, while the program runs and
// while it is down.

func TestClockJumpsSQLite(t *testing.T)      { t.Parallel(); jumps(t, onSQLite(t), 1) }
func TestClockJumpsTwoReplicas(t *testing.T) { t.Parallel(); jumps(t, onPostgres(t), 2) }

// The clock is put wrong in steps, each of which is longer than anything is made to wait, and
// by widest at most, which is shorter than requests wait for an answer: otherwise they would
// expire.
const (
	step   = 30 * time.Minute
	widest = 6 * step
)

func jumps(t *testing.T, ledger database, replicas int) {
	// Keys are renewed an hour before RunCloud's timer: many times over in a storm.
	s := newStage(t, ledger, setup{servers: 10, latency: 15 * time.Millisecond, lifetime: 4 * time.Hour, seed: *seed})
	clock := clock(filepath.Join(t.TempDir(), "clock"))
	clock.set(t, 0)
	audit := strings.ToLower(time.Now().Add(step / 2).Format("Mon-15:04")) // it is due while the clock is ahead
	s.program, s.env = jumpy, append(s.env, "TEST_CLOCK="+string(clock), "SSHKEYBOT_AUDIT="+audit)
	cast := s.patientCast()
	var acting atomic.Int32
	for name, play := range cast {
		acting.Add(1)
		cast[name] = func(s stage) {
			defer acting.Add(-1)
			play(s)
		}
	}
	cast["time"] = func(s stage) {
		dice := rand.New(rand.NewPCG(*seed, 2))
		clock.set(s.T, widest)
		until(s.T, patience, func() string { // so that events after it have earlier times
			ahead := time.Now().Add(step).UnixMilli()
			if len(s.ledger.texts(s.T, "SELECT action FROM audit WHERE at > "+strconv.FormatInt(ahead, 10))) == 0 {
				return "no event is dated by the clock that was put forward"
			}
			return ""
		})
		clock.set(s.T, 0)
		for acting.Load() > 0 {
			clock.set(s.T, time.Duration(dice.IntN(13))*step-widest)
			pause(time.Duration(dice.IntN(400)) * time.Millisecond)
			clock.set(s.T, 0) // while the clock is in doubt, nothing is granted
			pause(time.Duration(dice.IntN(4000)) * time.Millisecond)
		}
	}
	s.weather(replicas, *seed, cast, func() { clock.set(t, 0) })
	back := 0
	var before time.Time
	for _, e := range s.events() {
		if e.At.Before(before) {
			back++
		}
		before = e.At
	}
	if back == 0 {
		t.Error("the clock never went back")
	}
}

// clock is the path of the file that says by how much the program's clock is wrong.
type clock string

func (c clock) set(t *testing.T, off time.Duration) {
	next := string(c) + ".next"
	err := os.WriteFile(next, []byte(off.String()), 0o600)
	if err == nil {
		err = os.Rename(next, string(c)) // so that the program never reads half of it
	}
	if err != nil {
		t.Error(err)
	}
}

// patientCast is who does what while the clock jumps: as in other storms, but without
// drafts, which expire within minutes.
func (s stage) patientCast() map[string]func(stage) {
	alice, bob, carol, dave := s.person("alice", ed25519Key(s.T)), s.person("bob", ed25519Key(s.T)), s.person("carol", ed25519Key(s.T)), s.person("dave", ecdsaKey(s.T))
	erin, frank, grace := s.person("erin", ed25519Key(s.T)), s.person("frank", ecdsaKey(s.T)), s.person("grace", ecdsaKey(s.T))
	alice.has, erin.has, grace.has = true, true, true
	return map[string]func(stage){
		"alice keeps": func(s stage) { s.registers(alice); s.grants(alice, "7d", "r-alice") },
		"bob expires": func(s stage) { s.registers(bob); s.grants(bob, "3s", "r-bob") },
		"carol gives back": func(s stage) {
			s.registers(carol)
			s.grants(carol, "7d", "r-carol")
			s.types(carol.id, "done")
		},
		"dave is revoked": func(s stage) {
			s.registers(dave)
			s.grants(dave, "7d", "r-dave")
			s.types(dave.id, "revoke @dave for r-out")
			s.approves(s.sees("r-out"))
		},
		"erin extends": func(s stage) { s.registers(erin); s.grants(erin, "7d", "r-erin"); s.extends(erin) },
		"frank leaves": func(s stage) {
			s.registers(frank)
			s.grants(frank, "7d", "r-frank")
			s.leaves(frank)
		},
		"grace overlaps": func(s stage) {
			s.registers(grace)
			s.grants(grace, "4s", "r-grace-short")
			s.grants(grace, "7d", "r-grace-long")
			s.grants(grace, "2s on web-*", "r-grace-some")
		},
	}
}

// leaves deactivates a person's account, and has Slack send the event until it is
// acknowledged. Then it must be stored, or the bot must know from elsewhere that they left.
func (s stage) leaves(p *person) {
	s.Helper()
	var event string
	err := s.again("the deactivation", func(ctx context.Context) (slacksim.Outcome, error) {
		result, err := s.slack.Deactivate(ctx, p.id)
		event = result.EventID // its ID in the inbox
		result.EnvelopeID = ""
		return result.Outcome, err
	})
	if err != nil {
		s.Fatal(err)
	}
	stored := s.ledger.texts(s.T, "SELECT id FROM inbox WHERE id = '"+event+"'")
	known := s.ledger.texts(s.T, "SELECT standing FROM persons WHERE id = '"+p.id+"' AND standing = 'deactivated'")
	if len(stored)+len(known) == 0 {
		s.Errorf("event %s was acknowledged, is not stored, and nobody knew that %s has left", event, p.name)
	}
}
