package main

import (
	"context"
	"errors"
	"fmt"

	"sshkeybot/internal/access"
	"sshkeybot/internal/play"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// playRotation has Bob ask for another key of Octopus Deploy's account, which becomes that request, and Carol approve
// and pick the old one.
func (s *stage) playRotation(ctx context.Context, request int64) error {
	if err := s.AddDeployments(); err != nil {
		return err
	}
	s.says("Bob types")
	s.shows("/sshkey rotate " + play.Deployments)
	if _, err := s.Slack.Command(ctx, play.Bob, play.Ops, "/sshkey rotate "+play.Deployments); err != nil {
		return err
	}
	message, err := s.Posted(ctx, fmt.Sprintf("Request %d:", request))
	if err != nil {
		return err
	}
	s.says("#ops, as Carol sees it")
	s.shows(s.Slack.Render(message, s.viewer("America/New_York")))
	for _, step := range []struct {
		label string
		until access.RotationState
	}{{"Approve", access.RotationRemoving}, {"Remove this key", access.RotationDone}} {
		s.says("Carol presses " + step.label)
		if _, err := s.Slack.Click(ctx, play.Carol, play.Ops, message.TS, slacksim.Pick{Label: step.label}); err != nil {
			return err
		}
		if err := s.rotates(ctx, request, step.until); err != nil {
			return err
		}
	}
	s.says("#ops, as Carol sees it")
	s.shows(s.Slack.RenderThread(play.Ops, message.TS, s.viewer("America/New_York")))
	return nil
}

// rotates waits until the rotation is in that state and, if something is to be picked then, Slack shows it.
func (s *stage) rotates(ctx context.Context, request int64, to access.RotationState) error {
	stuck := ""
	err := s.finished(ctx, request, func(v workflow.RequestView) bool {
		switch state := v.Rotation.State; {
		case state == access.RotationHalfway || state == access.RotationFailed:
			stuck = "the key of Octopus Deploy was not rotated: " + v.Rotation.Problem
		case state == to:
			return state.Over() || len(v.Candidates) > 0
		}
		return stuck != ""
	})
	if stuck != "" {
		return errors.New(stuck)
	}
	return err
}
