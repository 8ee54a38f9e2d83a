package app

import (
	"context"
	"sync/atomic"
)

// tokenState is what is known about the bot token.
type tokenState struct {
	accepted atomic.Bool // Slack has accepted it at least once
	refused  string      // Slack's error code while it refuses it; used by askSlack alone
}

// askSlack makes a call with the bot token, so that a token which Slack refuses is noticed
// before somebody needs the bot. It logs once that it is refused, and once that it no longer is.
func (a *App) askSlack(ctx context.Context) error {
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
	return nil // if Slack does not answer, the health of the sockets says so
}
