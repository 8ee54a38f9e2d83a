package main

import (
	"context"
	"sync/atomic"
)

// tokenState is what Slack has said of the bot token.
type tokenState struct {
	accepted atomic.Bool
	refused  string // Slack's code while it refuses it; only askSlack looks
}

// askSlack asks who we are, so that a bot token which Slack refuses shows before anybody
// needs it. The refusal, and its end, is logged once.
func (a *app) askSlack(ctx context.Context) error {
	_, err := a.api.Self(ctx)
	if err == nil {
		a.token.accepted.Store(true)
	}
	code := a.api.Refused()
	switch {
	case code == a.token.refused:
	case code != "":
		a.log.Error("Slack refuses the bot token, so nobody is answered: look at SLACK_BOT_TOKEN (xoxb-, of an app that is installed to the workspace)", "code", code)
	default:
		a.log.Warn("Slack accepts the bot token again")
	}
	a.token.refused = code
	return nil // that Slack does not answer shows on its sockets
}
