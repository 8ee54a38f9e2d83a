package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"sshkeybot/internal/control"
	"sshkeybot/internal/health"
	"sshkeybot/internal/store"
)

// serveShell serves offboardings from the shell, and says there where the health pages are, if the
// ledger is a SQLite file, which this process has locked. If it cannot, the bot runs without.
func (a *App) serveShell(pages string) (stop func()) {
	path, isFile, err := store.File(a.cfg.DatabaseURL.Reveal())
	var listener net.Listener
	if isFile && err == nil {
		listener, err = a.host.ListenShell(control.Path(path))
	}
	if err != nil {
		a.log.Warn("the shell cannot reach this process", "remedy", "sshkeybot offboard fails while the bot runs: use /sshkey offboard.", "error", err)
	}
	if listener == nil {
		return func() {}
	}
	return control.Serve(listener, control.Bot{Uses: a.Service, Pages: pages, Log: a.log})
}

// servePages serves the health pages, and returns the address that they are at; it is empty if there
// are none. The error is that of an address that was set and cannot be used: somebody watches the bot
// there, and would watch another process. Without the default one, which another bot on the machine
// may have, the bot runs on.
func (a *App) servePages(ctx context.Context) (address string, stop func(), err error) {
	if a.cfg.HTTPAddr == "" {
		return "", func() {}, nil
	}
	listener, err := a.listen(ctx)
	if err != nil && a.cfg.HTTPAddrSet {
		return "", nil, fmt.Errorf("the health pages cannot be at %s, which SSHKEYBOT_HTTP_ADDR names: %s. Set another address, or an empty one for no pages", a.cfg.HTTPAddr, whyNot(err))
	}
	if err != nil {
		a.log.Error("no health pages", "address", a.cfg.HTTPAddr, "error", whyNot(err), "remedy", "There are no metrics either: their default address cannot be used. Set another one in SSHKEYBOT_HTTP_ADDR.")
		return "", func() {}, nil
	}
	address = listener.Addr().String()
	a.log.Info("serving the health pages", "address", address)
	server := &http.Server{Handler: a.Health(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends when stop closes it
	return address, func() { _ = server.Close() }, nil
}

// How often, and how far apart, the start tries to get a port that was set: the process that this one
// replaces may still have it.
const (
	portTries = 20
	portPause = 250 * time.Millisecond
)

func (a *App) listen(ctx context.Context) (net.Listener, error) {
	for try := 1; ; try++ {
		listener, err := a.host.Listen("tcp", a.cfg.HTTPAddr)
		if !errors.Is(err, syscall.EADDRINUSE) || !a.cfg.HTTPAddrSet || try == portTries {
			return listener, err
		}
		if try == 1 {
			a.log.Warn("waiting for the port of the health pages", "address", a.cfg.HTTPAddr)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(portPause):
		}
	}
}

// whyNot returns why an address cannot be listened at.
func whyNot(err error) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "another process has that port"
	}
	if op, is := errors.AsType[*net.OpError](err); is {
		err = op.Err
	}
	return err.Error()
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
