// Package memnet is a network within the process. What waits for it blocks on nothing outside,
// so that in a bubble of testing/synctest time passes while all wait.
//
// Connections behave as TCP's on the loopback interface do, with a buffer that is never full:
// a write waits for nobody, and what was written before a close can still be read.
package memnet

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// firstPort is the first port that a [Network] chooses.
const firstPort = 49152

// Network is a network of one machine. The zero Network is one without listeners.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener // by address
	ports     int                  // chosen so far
}

// Listen is net.Listen for addresses of this network. Port 0 of TCP stands for a free one.
func (n *Network) Listen(network, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, port, err := net.SplitHostPort(address); err == nil && port == "0" {
		address = net.JoinHostPort(host, strconv.Itoa(n.port()))
	}
	if n.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &listener{network: n, addr: addr{network, address}, incoming: make(chan net.Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[address] = l
	return l, nil
}

// DialContext connects to whoever listens at the address. It fits the DialContext of an
// http.Transport.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	l, here := n.listeners[address], addr{network, net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port()))}
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if l == nil {
		return nil, refused
	}
	near, far := pipe(here, l.addr)
	select {
	case l.incoming <- far:
		return near, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
}

// port returns a port that was not chosen yet. The caller holds mu.
func (n *Network) port() int {
	n.ports++
	return firstPort + n.ports - 1
}

type addr struct{ network, address string }

func (a addr) Network() string { return a.network }
func (a addr) String() string  { return a.address }

type listener struct {
	network  *Network
	addr     addr
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: l.addr.network, Addr: l.addr, Err: net.ErrClosed}
	}
}

// Close implements net.Listener. Connections stay.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.addr.address)
	})
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }
