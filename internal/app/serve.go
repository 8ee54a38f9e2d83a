package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"sshkeybot/internal/control"
	"sshkeybot/internal/health"
	"sshkeybot/internal/store"
)

func (a *App) figures(ctx context.Context) (health.Figures, error) {
	now, err := a.Service.Figures(ctx)
	if err != nil {
		return health.Figures{}, err
	}
	halted, err := a.Service.Engine.Halted(ctx)
	if err != nil {
		return health.Figures{}, err
	}
	f := health.Figures{
		LiveGrants: now.Live, OverdueGrants: now.Overdue, OwedRemovals: now.Removals, PendingRequests: now.Waiting,
		UndecidedKeys: now.Undecided, UndecidedLookalikes: now.Lookalikes,
		Sockets: a.bot.Health().Sockets, Halted: len(halted) > 0, Writable: a.writable() == nil,
	}
	f.Targets, err = a.callFigures(ctx)
	return f, err
}

// serveShell serves offboardings from the shell, if the ledger is a SQLite file, which this
// process has locked. If it cannot, the bot runs without.
func (a *App) serveShell() (stop func()) {
	path, isFile, err := store.File(a.cfg.DatabaseURL.Reveal())
	var listener net.Listener
	if isFile && err == nil {
		listener, err = a.host.ListenShell(control.Path(path))
	}
	if err != nil {
		a.log.Warn("sshkeybot offboard cannot reach this process", "error", err)
	}
	if listener == nil {
		return func() {}
	}
	return control.Serve(listener, a.Service, a.log)
}

// serveHTTP serves the health pages, if there is an address for them. If that is taken, as by
// another replica on the same machine, the bot runs without.
func (a *App) serveHTTP() (stop func()) {
	if a.cfg.HTTPAddr == "" {
		return func() {}
	}
	listener, err := a.host.Listen("tcp", a.cfg.HTTPAddr)
	if err != nil {
		a.log.Error("there are no health pages, so sshkeybot healthcheck fails: SSHKEYBOT_HTTP_ADDR cannot be used, as when another process has that port", "address", a.cfg.HTTPAddr, "error", err)
		return func() {}
	}
	server := &http.Server{Handler: a.Health(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends when stop closes it
	return func() { _ = server.Close() }
}

// Health returns the health pages.
func (a *App) Health() http.Handler {
	return health.Handler(store.Name(a.cfg.DatabaseURL.Reveal()), a.checks(), a.metrics)
}

func (a *App) checks() []health.Check {
	checks := []health.Check{
		{Name: "ledger", Do: func(context.Context) error { return a.writable() }},
		{Name: "sweep", Do: func(context.Context) error { return a.pulse.sweeps() }},
		{Name: "slack", Do: a.SlackConnected},
	}
	return append(checks, a.targetChecks()...)
}

// SlackConnected returns why nothing from Slack can reach the bot at the moment, or nil.
func (a *App) SlackConnected(context.Context) error {
	h := a.bot.Health()
	switch {
	case !a.token.accepted.Load() && h.Refused == "":
		return errors.New("Slack has not taken the bot token yet") //nolint:staticcheck // a name
	case h.Refused != "":
		return errors.New("Slack refuses a token: " + h.Refused)
	case h.Sockets == 0:
		return errors.New("no socket is connected to Slack")
	case h.Deaf:
		return fmt.Errorf("Slack has not pinged for %s", h.PingAge.Round(time.Second)) //nolint:staticcheck // a name
	}
	return nil
}
