package sshsim

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Options describe a Farm.
type Options struct {
	// Listen is net.Listen when nil. It is always called with "tcp" and "127.0.0.1:0".
	Listen func(network, address string) (net.Listener, error)
	// Now is time.Now when nil. It decides on the expiry-time of a line, and its location is the time zone of the
	// servers, in which an expiry-time without Z is read.
	Now func() time.Time
	// AuthorizedKeys returns the authorized_keys file of a system user of a server as it lies there now. ok is false
	// if there is no such user. It is needed, and it is called several times for each login.
	AuthorizedKeys func(server int64, user string) (file []byte, ok bool)
	// Greet returns what somebody is told who logged in, before the session ends: nothing when nil. It is called
	// once for each shell or command. Control characters other than newline and tab are dropped from the text.
	Greet func(Login) string
}

// Login is who has logged in where.
type Login struct {
	Server      int64
	User        string // the system user
	Comment     string // of the line that let the key in
	Fingerprint string // of the key, "SHA256:…"
}

// Farm is a number of played servers with the same host key. It is safe for concurrent use. Options.AuthorizedKeys
// and Options.Greet are called concurrently, without a lock; a connection during which one of them panics ends.
type Farm struct {
	options Options
	host    ssh.Signer
	running sync.WaitGroup

	mu      sync.Mutex
	servers map[int64]*server // those that listen
	closed  bool
}

// New returns a farm without servers. It makes the host key, which is the same for all of them.
func New(o Options) (*Farm, error) {
	if o.AuthorizedKeys == nil {
		return nil, errors.New("sshsim: no AuthorizedKeys")
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Greet == nil {
		o.Greet = func(Login) string { return "" }
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("sshsim: host key: %w", err)
	}
	host, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("sshsim: host key: %w", err)
	}
	return &Farm{options: o, host: host, servers: map[int64]*server{}}, nil
}

// Start has a server listen and returns its address, host:port. A server that listens already stays where it is.
func (f *Farm) Start(server int64) (address string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return "", errors.New("sshsim: the farm is closed")
	}
	s := f.servers[server]
	if s == nil {
		ln, err := f.options.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("sshsim: listen: %w", err)
		}
		s = newServer(f, server, ln)
		f.servers[server] = s
		f.running.Go(s.accept)
	}
	return s.ln.Addr().String(), nil
}

// Stop closes the listener of a server and its connections, as when it is switched off. It waits for nothing, so it
// may be called with a lock held for which Options.AuthorizedKeys or Options.Greet waits. Start has the server listen
// again, perhaps on another port.
func (f *Farm) Stop(server int64) {
	f.mu.Lock()
	s := f.servers[server]
	delete(f.servers, server)
	f.mu.Unlock()
	if s != nil {
		_ = s.stop()
	}
}

// KnownHosts returns a line of a known_hosts file, with its end, that fits every server on whatever port.
func (f *Farm) KnownHosts() string {
	return "[127.0.0.1]:* " + string(ssh.MarshalAuthorizedKey(f.host.PublicKey()))
}

// Close stops all servers and returns when no connection is left. No server can be started afterwards.
func (f *Farm) Close() error {
	f.mu.Lock()
	f.closed = true
	servers := f.servers
	f.servers = map[int64]*server{}
	f.mu.Unlock()
	var errs []error
	for _, s := range servers {
		errs = append(errs, s.stop())
	}
	f.running.Wait()
	return errors.Join(errs...)
}
