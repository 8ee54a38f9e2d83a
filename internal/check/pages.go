package check

import (
	"context"
	"errors"
	"net"
	"syscall"

	"sshkeybot/internal/health"
	"sshkeybot/internal/store"
)

// pages checks whether the health pages can be at their address, or are there: the bot may be running.
func (c Checker) pages(ctx context.Context) Finding {
	const name = "health pages"
	at := c.Config.HTTPAddr
	if at == "" {
		return note(name, "There are none, and no metrics: SSHKEYBOT_HTTP_ADDR is empty.")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
	if err == nil {
		_ = listener.Close()
		return ok(name, "They can be at "+at+".")
	}
	what, mend := at+" cannot be used, so there would be no health pages and no metrics.", "Set SSHKEYBOT_HTTP_ADDR to an address of this machine with a free port, above 1023 if the bot is not root."
	if errors.Is(err, syscall.EADDRINUSE) {
		if health.Ask(ctx, at, store.Name(c.Config.DatabaseURL.Reveal())) == nil {
			return ok(name, "The bot that runs on this database serves them at "+at+".")
		}
		what, mend = "Another process has the port of "+at+".", "See which it is, or set SSHKEYBOT_HTTP_ADDR to another address."
	}
	if c.Config.HTTPAddrSet {
		return problem(name, what+" The bot does not start so, since SSHKEYBOT_HTTP_ADDR is set.", mend)
	}
	return warning(name, what+" The bot runs without them.", mend)
}
