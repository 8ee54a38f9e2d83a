package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"sshkeybot/internal/control"
)

// callsPerHost is how many idle connections to one host are kept. With the two of net/http,
// parallel calls would dial again and again.
const callsPerHost = 32

// host is what the bot needs of the machine that it runs on. A nil field but now stands for
// what the machine has.
type host struct {
	now  func() time.Time
	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil also uses the proxy of the environment

	listen      func(network, address string) (net.Listener, error)
	listenShell func(path string) (net.Listener, error) // for commands in the operator's shell
}

// withDefaults returns the host with the machine's own in place of nil fields.
func (h host) withDefaults() host {
	if h.listen == nil {
		h.listen = net.Listen
	}
	if h.listenShell == nil {
		h.listenShell = control.Listen
	}
	return h
}

// transport returns a transport for all calls to other systems.
func (h host) transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // documented
	t.MaxIdleConnsPerHost = callsPerHost
	if h.dial != nil {
		t.DialContext, t.Proxy = h.dial, nil
	}
	return t
}
