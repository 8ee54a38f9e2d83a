package targettest

import (
	"context"
	"net"
	"sync"
)

// Wire is a listener and the way to it, without a network. Make it with [NewWire].
type Wire struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// NewWire returns a wire that nobody has dialed yet.
func NewWire() *Wire {
	w := &Wire{conns: make(chan net.Conn), closed: make(chan struct{})}
	w.close = sync.OnceFunc(func() { close(w.closed) })
	return w
}

// Dial connects to the listener, whatever the address. It fits the DialContext of an
// http.Transport.
func (w *Wire) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case w.conns <- there:
		return here, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (w *Wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections stay.
func (w *Wire) Close() error {
	w.close()
	return nil
}

// Addr implements net.Listener.
func (*Wire) Addr() net.Addr { return &net.UnixAddr{Name: "wire", Net: "unix"} }
