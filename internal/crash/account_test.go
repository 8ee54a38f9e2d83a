package crash

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/sim/scalingosim"
)

// The program is killed at chosen moments while it lends a Scalingo account, and while somebody leaves who has access
// to that and to the servers.

func TestAccountSQLite(t *testing.T)   { t.Parallel(); lending(t, onSQLite(t)) }
func TestAccountPostgres(t *testing.T) { t.Parallel(); lending(t, onPostgres(t)) }

func lending(t *testing.T, ledger database) {
	s := newStage(t, ledger, setup{servers: 3, latency: 5 * time.Millisecond, seed: *seed})
	s.lends()
	colleague := ecdsaKey(t).Authorized()
	s.scalingo.AddKeyByHand("laptop of somebody", colleague)
	strangers := []string{onAccount(colleague)}
	s.up(1)
	for _, m := range []struct {
		name string
		play func(s stage, p *person)
	}{
		{"before a key is added", func(s stage, p *person) { s.diesAt(scalingosim.OpAddKey, scalingosim.Before); s.lent(p) }},
		{"after a key was added", func(s stage, p *person) { s.diesAt(scalingosim.OpAddKey, scalingosim.After); s.lent(p) }},
		{"after a key was removed", func(s stage, p *person) {
			s.lent(p)
			s.diesAt(scalingosim.OpDeleteKey, scalingosim.After)
			p.lent = false
			s.givesBack(p)
		}},
		{"before the key of a leaver is removed", func(s stage, p *person) { s.leavesBoth(p, scalingosim.OpDeleteKey, scalingosim.Before) }},
		{"while the tokens are read for a leaver", func(s stage, p *person) { s.leavesBoth(p, scalingosim.OpListTokens, scalingosim.After) }},
	} {
		ok := t.Run(m.name, func(t *testing.T) {
			s := s.as(t)
			p, runs := s.person(fmt.Sprintf("p%d", len(s.people)), ed25519Key(t)), s.runs()
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
	if left := len(s.scalingo.Tokens()); left != 3 {
		t.Errorf("%d API tokens are left, want the bot's own and those of two leavers, about which nobody has decided", left)
	}
}

// lends configures a played Scalingo account that may be lent. It has no rate limit: each start of the program begins
// to count anew.
func (s stage) lends() {
	s.Helper()
	s.scalingo = scalingosim.New(scalingosim.Options{Rules: scalingosim.Rules{Unlimited: true}})
	address, err := s.scalingo.Start()
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = s.scalingo.Close() })
	s.env = append(s.env, "SCALINGO_API_TOKEN="+scalingosim.DefaultToken, "SCALINGO_AUTH_URL="+address, "SCALINGO_GRANTS=true")
}

// lent has a person granted the account for an hour, and waits until no work is left.
func (s stage) lent(p *person) {
	s.Helper()
	s.grants(p, "1h on scalingo", "a-"+p.name)
	p.lent = true
	s.none(owed)
}

// leavesBoth has a person leave who has access to the servers and to the account, and has made an API token there.
// The program dies at the first such call to Scalingo.
func (s stage) leavesBoth(p *person, op scalingosim.Op, phase scalingosim.Phase) {
	s.Helper()
	s.granted(p)
	s.lent(p)
	if _, ok := s.scalingo.NewTokenByKey(p.key.Authorized(), "token of "+p.name); !ok {
		s.Error("the key is not on the account")
	}
	s.diesAt(op, phase)
	s.confirms("offboard @"+p.name+" for r-leaves", "offboard", p)
	p.has, p.lent = false, false
	s.none(owed)
}

// diesAt kills the program at the next such call to Scalingo, and starts it again.
func (s stage) diesAt(op scalingosim.Op, phase scalingosim.Phase) {
	var once sync.Once
	s.scalingo.OnCall(func(c scalingosim.Call) {
		if c.Op == op && c.Phase == phase {
			once.Do(func() {
				s.child(0).kill()
				s.restart(0)
			})
		}
	})
}
