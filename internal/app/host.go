package app

import (
	"context"
	"net"
	"net/http"
	"time"

	"sshkeybot/internal/clock"
	"sshkeybot/internal/control"
)

// callsPerHost is how many idle connections to one host are kept. With the two of net/http,
// parallel calls would dial again and again.
const callsPerHost = 32

// Host is what the bot needs of the machine that it runs on. A nil field but Now stands for
// what the machine has.
type Host struct {
	Now    func() time.Time
	Clocks func() clock.Reading                                                 // with Now as the wall clock
	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil also uses the proxy of the environment

	Listen      func(network, address string) (net.Listener, error)
	ListenShell func(path string) (net.Listener, error) // for commands in the operator's shell
}

// WithDefaults returns the host with the machine's own in place of nil fields but Dial.
func (h Host) WithDefaults() Host {
	if h.Clocks == nil {
		h.Clocks = readClocks(h.Now)
	}
	if h.Listen == nil {
		h.Listen = net.Listen
	}
	if h.ListenShell == nil {
		h.ListenShell = control.Listen
	}
	return h
}

// Transport returns a transport for all calls to other systems.
func (h Host) Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // documented
	t.MaxIdleConnsPerHost = callsPerHost
	if h.Dial != nil {
		t.DialContext, t.Proxy = h.Dial, nil
	}
	return t
}
