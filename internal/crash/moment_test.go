package crash

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// The program is killed at chosen moments: right before and right after a call to RunCloud has
// taken effect, when its answer is lost; and right after an acknowledgement to Slack, when
// people rely on it.

func TestMomentsSQLite(t *testing.T)   { moments(t, onSQLite) }
func TestMomentsPostgres(t *testing.T) { moments(t, onPostgres) }

// moment is a moment to die at.
type moment struct {
	name string
	play func(s stage, p *person)
}

func moments(t *testing.T, open func(*testing.T) database) {
	t.Parallel()
	for name, these := range map[string][]moment{"calls": calls(), "acknowledgements": acknowledgements()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oneByOne(t, open(t), these)
		})
	}
}

func calls() []moment {
	return []moment{
		{"before a key is placed", func(s stage, p *person) { s.dies(runcloudsim.OpCreate, runcloudsim.Before, 5); s.granted(p) }},
		{"after a key was placed", func(s stage, p *person) { s.dies(runcloudsim.OpCreate, runcloudsim.After, 1); s.granted(p) }},
		{"after the last key was placed", func(s stage, p *person) { s.dies(runcloudsim.OpCreate, runcloudsim.After, 20); s.granted(p) }},
		{"before a key is removed", func(s stage, p *person) {
			s.granted(p)
			s.dies(runcloudsim.OpDelete, runcloudsim.Before, 5)
			s.givesBack(p)
		}},
		{"after a key was removed", func(s stage, p *person) {
			s.granted(p)
			s.dies(runcloudsim.OpDelete, runcloudsim.After, 1)
			s.givesBack(p)
		}},
		{"while servers are read for a leaver", func(s stage, p *person) {
			s.granted(p)
			s.dies(runcloudsim.OpListCredentials, runcloudsim.After, 7)
			s.confirms("offboard @"+p.name+" for r-leaves", "offboard", p)
			p.has = false
			s.none(owed)
		}},
	}
}

func acknowledgements() []moment {
	return []moment{
		{"after the command was acknowledged", func(s stage, p *person) {
			s.diesAfter(func(ctx context.Context) (slacksim.Outcome, error) {
				result, err := s.slack.Command(ctx, p.id, ops, "/sshkey grant @"+p.name+" 1h for r-"+p.name)
				return result.Outcome, err
			})
			s.approves(s.sees("r-" + p.name))
			p.has = true
		}},
		{"after the approval was acknowledged", func(s stage, p *person) {
			s.types(p.id, "grant @"+p.name+" 1h for r-"+p.name)
			r := s.sees("r-" + p.name)
			s.diesAfter(func(ctx context.Context) (slacksim.Outcome, error) {
				return s.slack.Click(ctx, first, ops, r.ts, slacksim.Pick{ActionID: render.ActionApprove})
			})
			p.has = true // without another click
		}},
		{"after giving back was acknowledged", func(s stage, p *person) {
			s.granted(p)
			s.diesAfter(func(ctx context.Context) (slacksim.Outcome, error) {
				result, err := s.slack.Command(ctx, p.id, ops, "/sshkey done")
				return result.Outcome, err
			})
			p.has = false // without another command
		}},
	}
}

// oneByOne kills the program at these moments, one after the other.
func oneByOne(t *testing.T, ledger database, moments []moment) {
	s := newStage(t, ledger, setup{servers: 20, latency: 5 * time.Millisecond, seed: *seed})
	strangers := s.strangers(map[string]string{"laptop of somebody": ecdsaKey(t).Authorized()})
	s.up(1)
	for _, m := range moments {
		ok := t.Run(m.name, func(t *testing.T) {
			s := s.as(t)
			p, runs := s.person(fmt.Sprintf("p%d", len(s.people)), ecdsaKey(t)), s.runs()
			s.registers(p)
			m.play(s, p)
			s.atPeace(strangers)
			if s.runs() == runs {
				t.Error("the program has not died")
			}
		})
		if !ok {
			return
		}
	}
	s.hastens(strangers)
	s.none(notShown)
	s.stop()
	s.audit()
}

// granted has a person granted access for an hour, and waits until no work is left.
func (s stage) granted(p *person) {
	s.Helper()
	s.grants(p, "1h", "r-"+p.name)
	p.has = true
	s.none(owed)
}

func (s stage) givesBack(p *person) {
	s.Helper()
	s.types(p.id, "done")
	p.has = false
	s.none(owed)
}

// dies kills the program at the nth call of that kind, in that phase, and starts it again. The
// channel is closed after that.
func (s stage) dies(op runcloudsim.Op, phase runcloudsim.Phase, nth int) <-chan struct{} {
	died := make(chan struct{})
	var mu sync.Mutex
	s.account.OnCall(func(c runcloudsim.Call) {
		mu.Lock()
		defer mu.Unlock()
		changes := op == runcloudsim.OpCreate || op == runcloudsim.OpDelete
		if c.Op != op || c.Phase != phase || phase == runcloudsim.After && changes && !c.Applied {
			return
		}
		if nth--; nth == 0 {
			s.child(0).kill()
			s.restart(0)
			close(died)
		}
	})
	return died
}

// diesAfter kills the program as soon as Slack has received its acknowledgement, and starts it
// again.
func (s stage) diesAfter(do func(context.Context) (slacksim.Outcome, error)) {
	s.Helper()
	err := s.again("act", func(ctx context.Context) (slacksim.Outcome, error) {
		outcome, err := do(ctx)
		if outcome.Acked {
			s.child(0).kill()
			s.restart(0)
		}
		return outcome, err
	})
	if err != nil {
		s.Fatal(err)
	}
}

// TestDoneTwice kills the program after it has ended a grant on /sshkey done, and before it has
// recorded that the command was handled. So it handles the command once more when there is
// another grant, which must stay.
func TestDoneTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t, onSQLite(t), setup{servers: 3, seed: *seed})
	s.up(1)
	p := s.person("alice", ed25519Key(t))
	s.registers(p)
	s.granted(p)
	s.ledger.exec(t, `CREATE TRIGGER unnoted BEFORE UPDATE OF handled ON inbox WHEN NEW.handled = 1 AND CAST(OLD.payload AS TEXT) LIKE '%"text":"done"%'
		BEGIN SELECT RAISE(IGNORE); END`)
	s.types(p.id, "done")
	s.none("SELECT person FROM grants WHERE state = 'live'")
	s.grants(p, "2h", "r-again")
	s.child(0).kill()
	s.ledger.exec(t, "DROP TRIGGER unnoted")
	s.restart(0)
	s.hastens(nil)
	s.stop()
	s.audit()
}
