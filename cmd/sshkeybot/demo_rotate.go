package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
)

const (
	demoCarol   = "U0CAROL"
	demoDeploys = "Shop" // the account of the played Octopus Deploy
)

// playOctopus starts an Octopus Deploy whose machines are the servers of the played RunCloud account.
func (s *stage) playOctopus(listener net.Listener) {
	s.octopus = octopussim.New(octopussim.Options{LogsIn: letsIn(s.account)})
	server := &http.Server{Handler: s.octopus, ReadHeaderTimeout: 30 * time.Second}
	s.deploys = server.Close
	go func() { _ = server.Serve(listener) }() // until close
}

// letsIn returns whether a server of the account lets a user in with a key, by the keys that it has.
func letsIn(account *runcloudsim.Account) func(host string, port int, user, key string) bool {
	return func(host string, _ int, user, key string) bool {
		for _, server := range account.Servers() {
			if runcloudsim.Address(server.ID) == host && !server.Offline {
				return slices.ContainsFunc(account.Keys(server.ID), func(c runcloudsim.Credential) bool {
					return c.User == user && strings.HasPrefix(c.PublicKey, key)
				})
			}
		}
		return false
	}
}

// addDeployments has Octopus Deploy use an account on a server, whose key somebody had placed by hand.
func addDeployments(sim *octopussim.Server, account *runcloudsim.Account, server int64) error {
	old, _, err := sshkey.Generate()
	if err != nil {
		return err
	}
	account.AddKey(server, runcloudsim.Credential{Label: "octopus", User: "runcloud", PublicKey: old.Line("octopus")})
	id := sim.AddAccount(octopussim.DefaultSpace, octopussim.Account{Name: demoDeploys, Username: "runcloud", PrivateKey: "of before"})
	sim.AddMachine(octopussim.DefaultSpace, octopussim.Machine{Name: "shop", AccountID: id, Host: runcloudsim.Address(server), HealthStatus: "Healthy"})
	return nil
}

// playRotation has Bob ask for another key of Octopus Deploy's account, which becomes that request, and Carol approve
// and pick the old one.
func (s *stage) playRotation(ctx context.Context, request int64) error {
	if err := addDeployments(s.octopus, s.account, s.account.Servers()[0].ID); err != nil {
		return err
	}
	s.says("Bob types")
	s.shows("/sshkey rotate " + demoDeploys)
	posted := len(s.slack.Messages(demoChannel))
	if _, err := s.slack.Command(ctx, demoBob, demoChannel, "/sshkey rotate "+demoDeploys); err != nil {
		return err
	}
	if err := s.slack.Wait(ctx, func(w *slacksim.Workspace) bool { return len(w.Messages(demoChannel)) > posted }); err != nil {
		return err
	}
	ts := s.slack.Messages(demoChannel)[posted].TS
	s.says("#ops, as Carol sees it")
	s.shows(s.slack.Render(s.slack.Messages(demoChannel)[posted], s.viewer("America/New_York")))
	for _, step := range []struct {
		label string
		until access.RotationState
	}{{"Approve", access.RotationRemoving}, {"Remove this key", access.RotationDone}} {
		s.says("Carol presses " + step.label)
		if _, err := s.slack.Click(ctx, demoCarol, demoChannel, ts, slacksim.Pick{Label: step.label}); err != nil {
			return err
		}
		if err := s.rotates(ctx, request, ts, step.until); err != nil {
			return err
		}
	}
	s.says("#ops, as Carol sees it")
	s.shows(s.slack.RenderThread(demoChannel, ts, s.viewer("America/New_York")))
	return nil
}

// rotates waits until the rotation is in that state, and Slack shows the button for what comes next, if any does.
func (s *stage) rotates(ctx context.Context, request int64, ts string, to access.RotationState) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		v, err := s.app.Service.View(ctx, request)
		if err != nil {
			return err
		}
		drawn, err := delivery.Shown(ctx, s.app.Store.Outbox(), request)
		if err != nil {
			return err
		}
		message, _ := s.slack.Message(demoChannel, ts)
		shown := drawn && to.Over() || slices.ContainsFunc(message.Buttons(), func(b slacksim.Button) bool { return b.Label == "Remove this key" })
		switch state := v.Rotation.State; {
		case state == to && shown:
			return nil
		case state == access.RotationHalfway, state == access.RotationFailed:
			return errors.New("the key of Octopus Deploy was not rotated: " + v.Rotation.Problem)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
