package main

import (
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sshkey"
)

func notLent() chapter {
	return chapter{title: "A Scalingo account that is not lent", servers: threeServers(), config: watched, scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("Alice asks for it all the same")
		p.types(playAlice, "grant @alice 4h on scalingo")
		p.types(playBob, "servers")
	}}
}

func lent() chapter {
	return chapter{title: "The Scalingo account", servers: threeServers(), config: lends, scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("Alice asks for the account")
		p.types(playAlice, "grant @alice 4h on scalingo,web-01")
		p.types(playAlice, "grant @alice 4h on scalingo as root")
		p.types(playAlice, "grant @alice 4h on scalingo for the failing deployment")
		p.channel(playBob, 1)
		p.presses(playBob, 1, "Approve")
		p.thread(playBob, 1)
		p.types(playAlice, "list")

		p.scene("She makes an API token, and the time is over")
		p.makesToken(playAlice, "alice-laptop")
		p.at(p.view(1).Grant.EndsAt, "The time passes")
		p.channel(playBob, 1)
		p.presses(playAlice, 1, "Remove this token")
		p.presses(playBob, 1, "Remove this token")
		p.presses(playBob, 1, "Leave them all")
		p.thread(playBob, 1)

		p.scene("Dave's key is on his own Scalingo account")
		p.types(playDave, "register "+playKey(p.t, playDave))
		p.scalingo.TakeElsewhere(playKey(p.t, playDave))
		p.types(playDave, "grant @dave 1h on scalingo")
		p.presses(playBob, 2, "Approve")
		p.thread(playDave, 2)

		p.scene("Alice asks for it in the form")
		p.typesForForm(playAlice, "grant @alice")
		p.searches(playAlice, "sca")
		p.rightly(playAlice, field{"duration/duration", "1h", ""}, field{"servers", "scalingo", ""})
	}}
}

func leavingAccount() chapter {
	return chapter{title: "Leaving the servers and the Scalingo account", servers: threeServers(), config: lends, scenes: func(p *telling) {
		for _, key := range []string{playKey(p.t, playAlice), keyOf(p.t, "alice@desktop"), keyOf(p.t, "alice@phone")} {
			p.types(playAlice, "register "+key)
		}
		p.proves(keyOf(p.t, "alice@desktop"))
		p.scalingo.AddKeyByHand("desktop", keyOf(p.t, "alice@desktop"))
		p.scalingo.AddKeyByHand("phone", keyOf(p.t, "alice@phone"))
		p.scalingo.AddKeyByHand("ci", keyOf(p.t, "ci@runner"))
		p.types(playAlice, "grant @alice 8h for the release")
		p.presses(playBob, 1, "Approve")
		p.types(playAlice, "grant @alice 8h on scalingo for the release")
		p.presses(playBob, 2, "Approve")
		p.thread(playBob, 2)
		p.makesToken(playAlice, "alice-laptop")

		p.scene("Alice leaves, while Scalingo is down")
		p.goesDown(true)
		p.clock.jump(2 * time.Minute) // so that its place has to be asked for as well
		p.types(playBob, "offboard @alice for she leaves on friday")
		p.pressesPrivate(playBob, "Offboard")
		p.channel(playBob, 3)
		p.types(playBob, "list")

		p.scene("Scalingo is back")
		p.goesDown(false)
		p.later(time.Hour, "An hour passes")
		p.channel(playBob, 3)
		p.presses(playBob, 3, "Remove this key")
		p.presses(playBob, 3, "Leave them all")
		p.thread(playBob, 3)
		p.channel(playBob, 2)
	}}
}

func watched(c *config.Config) { c.Scalingo = &config.Scalingo{} }
func lends(c *config.Config)   { c.Scalingo = &config.Scalingo{Grants: true} }

// playAccount starts the Scalingo account of a chapter that has one.
func (p *telling) playAccount(cfg *config.Scalingo) {
	p.t.Helper()
	p.scalingo = scalingosim.New(scalingosim.Options{Now: p.clock.now})
	listener := p.listen()
	p.scalingo.Serve(listener)
	p.t.Cleanup(func() { _ = p.scalingo.Close() })
	cfg.Token, cfg.AuthURL = config.NewSecret(scalingosim.DefaultToken), "http://"+listener.Addr().String()
}

// holdAccount makes calls to Scalingo that change or read something wait, until release is called.
func (p *telling) holdAccount() (release func()) {
	if p.scalingo == nil {
		return func() {}
	}
	var all []func()
	for _, op := range []scalingosim.Op{scalingosim.OpAddKey, scalingosim.OpDeleteKey, scalingosim.OpListKeys, scalingosim.OpDeleteToken, scalingosim.OpListTokens} {
		all = append(all, p.scalingo.Fault(scalingosim.FaultRule{Op: op, Kind: scalingosim.FaultHang}))
	}
	return func() {
		for _, release := range all {
			release()
		}
	}
}

// goesDown has Scalingo answer nothing, or be back.
func (p *telling) goesDown(down bool) {
	p.down = down
	p.scalingo.SetOffline(down)
}

// makesToken makes an API token as somebody does with the key of their laptop.
func (p *telling) makesToken(who player, name string) {
	p.t.Helper()
	if _, ok := p.scalingo.NewTokenByKey(playKey(p.t, who), name); !ok {
		p.t.Fatalf("the key of %s is not on the account", who.name)
	}
	p.says("%s makes an API token with the key, and calls it %s", who.name, name)
}

// proves has a registered key count as proved, as after a signature.
func (p *telling) proves(line string) {
	p.t.Helper()
	key, err := sshkey.Parse(line)
	p.must(err)
	p.must(p.app.Store.Update(p.t.Context(), func(tx access.Tx) error {
		k, err := tx.Key(p.t.Context(), key.Fingerprint())
		if err != nil {
			return err
		}
		k.ProvedAt = p.clock.now()
		return tx.SaveKey(p.t.Context(), k)
	}))
	p.says("Alice has proved by a signature that the key of her desktop is hers")
}
