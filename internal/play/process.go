package play

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"

	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
)

// process is one life of the bot, from its start to its end.
type process struct {
	app     *app.App
	network *network
	leave   context.CancelFunc
	err     error         // of its end; read it when over is closed
	over    chan struct{} // closed when it has ended
}

// begin starts the bot. It ends by stop or kill.
func begin(ctx context.Context, cfg config.Config, log *slog.Logger, on app.Host) (*process, error) {
	network := &network{dial: on.Dial, shell: on.ListenShell, open: map[io.Closer]bool{}}
	on.Dial, on.ListenShell = network.Dial, network.ListenShell
	bot, err := app.New(ctx, cfg, log, on)
	if err != nil {
		return nil, err
	}
	p := &process{app: bot, network: network, over: make(chan struct{})}
	ctx, p.leave = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(p.over)
		p.err = bot.Run(ctx)
		bot.Close()
	}()
	return p, nil
}

// running reports whether it was started and neither stopped nor killed.
func (p *process) running() bool { return p != nil && !p.network.isCut() }

// stop ends it in order, and returns the error of its end. Of one that was killed it expects nothing any more.
func (p *process) stop() error {
	if !p.running() {
		return nil
	}
	p.leave()
	<-p.over
	p.network.cut()
	return p.err
}

// kill cuts its connections and takes its ledger away at once, if it runs. What it still does comes to nothing.
func (p *process) kill() {
	if p.running() {
		p.network.cut()
		p.app.Store.Close()
		p.leave()
	}
}

// errKilled is what the dead dial.
var errKilled = errors.New("the process was killed")

// network is the network of one process, which can be cut off.
type network struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error) // of the machine when nil
	shell func(path string) (net.Listener, error)

	mu   sync.Mutex
	open map[io.Closer]bool // nil once it is cut
}

// Dial connects, as net.Dialer does.
func (n *network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := n.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if n.isCut() {
		return nil, errKilled
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{Conn: conn, network: n}
	if err := n.track(tracked); err != nil {
		return nil, err
	}
	return tracked, nil
}

// ListenShell listens for commands of the operator's shell.
func (n *network) ListenShell(path string) (net.Listener, error) {
	listener, err := n.shell(path)
	if err != nil {
		return nil, err
	}
	return listener, n.track(listener)
}

// track has cut close something as well, and closes it at once if that was before.
func (n *network) track(closer io.Closer) error {
	n.mu.Lock()
	late := n.open == nil
	if !late {
		n.open[closer] = true
	}
	n.mu.Unlock()
	if late {
		_ = closer.Close()
		return errKilled
	}
	return nil
}

// cut cuts every connection, now and from now on.
func (n *network) cut() {
	n.mu.Lock()
	open := n.open
	n.open = nil
	n.mu.Unlock()
	for closer := range open {
		_ = closer.Close()
	}
}

func (n *network) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open == nil
}

// trackedConn is a connection that cut closes.
type trackedConn struct {
	net.Conn
	network *network
}

// Close closes the connection.
func (c *trackedConn) Close() error {
	c.network.mu.Lock()
	delete(c.network.open, c)
	c.network.mu.Unlock()
	return c.Conn.Close()
}
