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
	app    *app.App
	cable  *cable
	leave  context.CancelFunc
	err    error         // of its end; read it when over is closed
	over   chan struct{} // closed when it has ended
	killed sync.Once
}

// begin starts the bot. It ends by stop or kill, or with ctx.
func begin(ctx context.Context, cfg config.Config, log *slog.Logger, on app.Host) (*process, error) {
	cable := &cable{dial: on.Dial, shell: on.ListenShell, open: map[io.Closer]bool{}}
	on.Dial, on.ListenShell = cable.Dial, cable.ListenShell
	bot, err := app.New(ctx, cfg, log, on)
	if err != nil {
		return nil, err
	}
	p := &process{app: bot, cable: cable, over: make(chan struct{})}
	ctx, p.leave = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(p.over)
		p.err = bot.Run(ctx)
		bot.Close()
	}()
	return p, nil
}

// running reports whether it was started and neither stopped nor killed.
func (p *process) running() bool { return p != nil && !p.cable.pulled() }

// stop ends it in order, and returns the error of its end. Of one that was killed it expects nothing any more.
func (p *process) stop() error {
	if !p.running() {
		return nil
	}
	p.leave()
	<-p.over
	p.cable.pull()
	return p.err
}

// kill cuts its connections and takes its ledger away at once. What it still does comes to nothing.
func (p *process) kill() {
	p.killed.Do(func() {
		p.cable.pull()
		p.app.Store.Close()
		p.leave()
	})
}

// errPulled is what the dead dial.
var errPulled = errors.New("the process was killed")

// cable is the network of one process, which can be cut off.
type cable struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error) // of the machine when nil
	shell func(path string) (net.Listener, error)

	mu   sync.Mutex
	open map[io.Closer]bool // nil once it is pulled
}

// Dial connects, as net.Dialer does.
func (c *cable) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := c.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if c.pulled() {
		return nil, errPulled
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	plugged := &plug{Conn: conn, cable: c}
	if err := c.plug(plugged); err != nil {
		return nil, err
	}
	return plugged, nil
}

// ListenShell listens for commands of the operator's shell.
func (c *cable) ListenShell(path string) (net.Listener, error) {
	listener, err := c.shell(path)
	if err != nil {
		return nil, err
	}
	return listener, c.plug(listener)
}

// plug has pull close something as well, and closes it at once if that was before.
func (c *cable) plug(closer io.Closer) error {
	c.mu.Lock()
	late := c.open == nil
	if !late {
		c.open[closer] = true
	}
	c.mu.Unlock()
	if late {
		_ = closer.Close()
		return errPulled
	}
	return nil
}

// pull cuts every connection, now and from now on.
func (c *cable) pull() {
	c.mu.Lock()
	open := c.open
	c.open = nil
	c.mu.Unlock()
	for closer := range open {
		_ = closer.Close()
	}
}

func (c *cable) pulled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open == nil
}

// plug is a connection of a cable.
type plug struct {
	net.Conn
	cable *cable
}

// Close closes the connection.
func (p *plug) Close() error {
	p.cable.mu.Lock()
	delete(p.cable.open, p)
	p.cable.mu.Unlock()
	return p.Conn.Close()
}
