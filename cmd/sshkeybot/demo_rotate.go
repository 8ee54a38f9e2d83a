package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/play"
	"sshkeybot/internal/sim/slacksim"
)

// playRotation has Bob ask for another key of Octopus Deploy's account, which becomes that request, and Carol approve
// and pick the old one.
func (s *stage) playRotation(ctx context.Context, request int64) error {
	if err := s.AddDeployments(); err != nil {
		return err
	}
	s.says("Bob types")
	s.shows("/sshkey rotate " + play.Deployments)
	posted := len(s.Slack.Messages(play.Ops))
	if _, err := s.Slack.Command(ctx, play.Bob, play.Ops, "/sshkey rotate "+play.Deployments); err != nil {
		return err
	}
	if err := s.Slack.Wait(ctx, func(w *slacksim.Workspace) bool { return len(w.Messages(play.Ops)) > posted }); err != nil {
		return err
	}
	ts := s.Slack.Messages(play.Ops)[posted].TS
	s.says("#ops, as Carol sees it")
	s.shows(s.Slack.Render(s.Slack.Messages(play.Ops)[posted], s.viewer("America/New_York")))
	for _, step := range []struct {
		label string
		until access.RotationState
	}{{"Approve", access.RotationRemoving}, {"Remove this key", access.RotationDone}} {
		s.says("Carol presses " + step.label)
		if _, err := s.Slack.Click(ctx, play.Carol, play.Ops, ts, slacksim.Pick{Label: step.label}); err != nil {
			return err
		}
		if err := s.rotates(ctx, request, ts, step.until); err != nil {
			return err
		}
	}
	s.says("#ops, as Carol sees it")
	s.shows(s.Slack.RenderThread(play.Ops, ts, s.viewer("America/New_York")))
	return nil
}

// rotates waits until the rotation is in that state, and Slack shows the button for what comes next, if any does.
func (s *stage) rotates(ctx context.Context, request int64, ts string, to access.RotationState) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		v, err := s.App().Service.View(ctx, request)
		if err != nil {
			return err
		}
		drawn, err := delivery.Shown(ctx, s.App().Store.Outbox(), request)
		if err != nil {
			return err
		}
		message, _ := s.Slack.Message(play.Ops, ts)
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
