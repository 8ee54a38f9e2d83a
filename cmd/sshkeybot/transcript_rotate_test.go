package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/play"
	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sim/runcloudsim"
)

// playedOctopus is an Octopus Deploy with an account that two servers let in with a key placed by hand.
type playedOctopus struct {
	*octopussim.Server
	account *runcloudsim.Account
}

func newOctopus() *playedOctopus {
	o := &playedOctopus{}
	o.Server = octopussim.New(octopussim.Options{LogsIn: func(host string, _ int, user, key string) bool {
		return play.LetsIn(o.account, host, user, key)
	}})
	return o
}

// playOctopus serves the Octopus Deploy of a chapter that has one.
func (p *telling) playOctopus(handler http.Handler) *config.Octopus {
	p.t.Helper()
	listener := p.listen()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second}
	go func() { _ = server.Serve(listener) }() // until the end of the test
	p.t.Cleanup(func() { _ = server.Close() })
	return &config.Octopus{URL: "http://" + listener.Addr().String(), APIKey: config.NewSecret(octopussim.DefaultKey)}
}

// add has the account used on servers, and returns the ids of its machines.
func (o *playedOctopus) add(t *testing.T, account *runcloudsim.Account, name string, servers ...int64) (machines []string) {
	o.account = account
	id := o.AddAccount(octopussim.DefaultSpace, octopussim.Account{Name: name, Username: "runcloud", PrivateKey: "of before", Description: "Releases of the shop"})
	for _, server := range servers {
		account.AddKey(server, runcloudsim.Credential{Label: "octopus", User: "runcloud", PublicKey: keyOf(t, "octopus")})
		machines = append(machines, o.AddMachine(octopussim.DefaultSpace, octopussim.Machine{
			Name: "shop on " + runcloudsim.Address(server), AccountID: id, Host: runcloudsim.Address(server), HealthStatus: "Healthy",
		}))
	}
	o.AddUsage(id, "DeploymentProcesses", 2)
	return machines
}

// rotates lets time go by until the rotation of a request is in that state, and Slack shows it.
func (p *telling) rotates(request int64, to access.RotationState) {
	p.t.Helper()
	p.until("the rotation is "+string(to), func() bool {
		p.clock.jump(time.Second)
		p.must(p.app.Service.Rotate(p.t.Context()))
		return p.view(request).Rotation.State == to
	})
	p.settled()
}

// moveTo puts the clock to a time of the day, so that what comes then does not depend on how long what was before took.
func (p *telling) moveTo(hour, minute int) {
	now := p.clock.now().UTC()
	p.clock.reach(time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, time.UTC))
}

// hidePairs puts the same words for the fingerprints of pairs that are made anew in every run.
func (p *telling) hidePairs(words map[int64]string) {
	text := p.out.String()
	for request, word := range words {
		text = strings.ReplaceAll(text, p.view(request).Rotation.Fingerprint[:len("SHA256:")+10], "SHA256:"+word)
	}
	p.out.Reset()
	p.out.WriteString(text)
}

func rotatingKeys() chapter {
	o := newOctopus()
	return chapter{title: "Another key for Octopus Deploy", servers: threeServers(), octopus: o, scenes: func(p *telling) {
		machines := o.add(p.t, p.account, "Shop", 101, 102)
		p.scene("What is refused")
		p.types(playAlice, "rotate Shop")
		p.types(playBob, "rotate Sho")
		p.types(playBob, "rotate Shop as root on web-*")

		p.scene("The first time: the old key is not known")
		p.types(playBob, "rotate Shop")
		p.channel(playCarol, 1)
		p.types(playCarol, "rotate Shop")
		deploy := o.StartTask(octopussim.DefaultSpace, "Deploy", "Shop 4.2 to Production", octopussim.Executing)
		p.presses(playCarol, 1, "Approve")
		p.rotates(1, access.RotationDraining)
		p.until("the deployment is seen", func() bool {
			p.clock.jump(time.Second)
			p.must(p.app.Service.Rotate(p.t.Context()))
			return len(p.view(1).Rotation.Busy) > 0
		})
		p.settled()
		p.channel(playCarol, 1)
		p.says("The deployment ends")
		o.EndTask(deploy, octopussim.Success)
		p.rotates(1, access.RotationRemoving)
		p.until("the old keys are found", func() bool { return p.view(1).Undecided() == 2 })
		p.settled()
		p.channel(playCarol, 1)
		p.moveTo(9, 20)
		p.presses(playCarol, 1, "Remove this key")
		p.presses(playCarol, 1, "Remove this key")
		p.rotates(1, access.RotationDone)
		p.channel(playCarol, 1)
		p.moveTo(9, 40)
		p.types(playBob, "list")

		p.scene("The second time: half way, and on")
		p.types(playCarol, "rotate Shop")
		p.channel(playBob, 2)
		p.says("A firewall keeps Octopus Deploy from a server")
		o.EditMachine(machines[1], func(m *octopussim.Machine) { m.Offline = true })
		p.presses(playBob, 2, "Approve")
		p.rotates(2, access.RotationHalfway)
		p.channel(playBob, 2)
		p.moveTo(10, 0)
		p.says("The firewall is mended")
		o.EditMachine(machines[1], func(m *octopussim.Machine) { m.Offline = false })
		p.presses(playBob, 2, "Check again")
		p.rotates(2, access.RotationDone)
		p.channel(playBob, 2)
		p.hidePairs(map[int64]string{1: "ofTheFirst", 2: "ofTheSecnd"})
	}}
}
