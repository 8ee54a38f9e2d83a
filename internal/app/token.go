package app

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"sshkeybot/internal/outage"
)

// tokenState is what is known about Slack's Web API and the bot token.
type tokenState struct {
	accepted atomic.Bool // Slack has accepted it at least once
	refused  outage.Watch
	away     outage.Watch
}

func newTokenState(log *slog.Logger) *tokenState {
	return &tokenState{
		refused: outage.Watch{Log: log, Level: slog.LevelError, Down: "Slack refuses the bot token", Up: "Slack accepts the bot token again"},
		away:    outage.Watch{Log: log, Level: slog.LevelWarn, Down: "Slack cannot be called", Up: "Slack can be called", Greets: true},
	}
}

// askSlack makes a call with the bot token, so that the log says once of a token which Slack refuses,
// and of a Slack that is away, before somebody needs the bot.
func (a *App) askSlack(ctx context.Context) error {
	_, err := a.api.Self(ctx)
	if err == nil {
		a.token.accepted.Store(true)
	}
	if ctx.Err() == nil {
		a.logSlack(ctx, err)
	}
	return nil // the health pages say so as well
}

// logSlack logs whether Slack can be called, and accepts the bot token, by what a call came to.
func (a *App) logSlack(ctx context.Context, err error) {
	if code := a.api.Refused(); code != "" {
		a.token.refused.Saw(ctx, "", errors.New(code), "remedy", "Nobody is answered: look at SLACK_BOT_TOKEN (xoxb-, of an app that is installed to the workspace).")
		return
	}
	a.token.away.Saw(ctx, "", err)
	if err == nil {
		a.token.refused.Saw(ctx, "", nil)
	}
}
