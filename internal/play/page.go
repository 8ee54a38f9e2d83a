package play

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Page is the web page on which people play, and the game behind it.
type Page struct {
	dir      string
	logins   map[string]Login
	keys     *keyring
	changed  *changes
	host     string // of its address
	server   *http.Server
	listener net.Listener

	resetting sync.Mutex // held by who sets the stage anew

	mu   sync.Mutex
	game *game
}

// The numbers of servers that a game can have.
const (
	MinServers = 1
	MaxServers = 2000
)

// NewPage opens a game with so many servers, and listens on a loopback address, HOST:PORT. Serve serves
// the page, and Close ends both.
func NewPage(ctx context.Context, address string, servers int) (*Page, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sshkeybot-demo-")
	if err != nil {
		return nil, err
	}
	p := &Page{dir: dir, keys: newKeyring(), changed: &changes{}}
	if err := p.open(ctx, address, servers); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Page) open(ctx context.Context, address string, servers int) (err error) {
	if p.listener, err = net.Listen("tcp", address); err != nil { //nolint:noctx // it waits for nothing
		return err
	}
	p.host = p.listener.Addr().String()
	if p.logins, err = newLogins(p.dir); err != nil {
		return err
	}
	if p.game, err = open(ctx, Options{Servers: servers, Dir: p.dir}, p.logins, p.changed); err != nil {
		return err
	}
	p.server = &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second}
	return nil
}

// CheckAddress returns an error unless an address, HOST:PORT, is one that only this machine can reach.
func CheckAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not HOST:PORT, such as 127.0.0.1:8000", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not on the loopback interface, as 127.0.0.1:8000 is: who opens the page can do everything on it", address)
	}
	return nil
}

// Address returns an address of the page that can be opened once.
func (p *Page) Address() string { return "http://" + p.host + "/#key=" + p.keys.key() }

// Folder returns the folder in which everything of the demo lies until Close.
func (p *Page) Folder() string { return p.dir }

// Serve serves the page until Close.
func (p *Page) Serve() error {
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends the page and the game, and leaves nothing behind.
func (p *Page) Close() (err error) {
	switch {
	case p.server != nil:
		err = p.server.Close()
	case p.listener != nil:
		err = p.listener.Close()
	}
	p.resetting.Lock()
	defer p.resetting.Unlock()
	if g := p.current(); g != nil {
		err = errors.Join(err, g.close())
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

func (p *Page) current() *game {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.game
}

// reset opens a new game with so many servers in place of the present one.
func (p *Page) reset(ctx context.Context, servers int) error {
	p.resetting.Lock()
	defer p.resetting.Unlock()
	fresh, err := open(ctx, Options{Servers: servers, Dir: p.dir}, p.logins, p.changed)
	if err != nil {
		return err
	}
	p.mu.Lock()
	old := p.game
	p.game = fresh
	p.mu.Unlock()
	p.changed.wake()
	return old.close()
}
