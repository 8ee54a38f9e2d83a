package sshsim

import (
	"net"
	"sync"
	"time"
)

const (
	maxConnections = 32               // of a server at a time
	loginWithin    = 20 * time.Second // from the connection to the login
	visitWithin    = time.Minute      // from the login to the end of the connection
	acceptAgain    = 50 * time.Millisecond
)

// server is a played server that listens.
type server struct {
	farm    *Farm
	id      int64
	ln      net.Listener
	stopped chan struct{} // closed by stop

	mu          sync.Mutex
	connections map[net.Conn]struct{} // nil once stopped
}

func newServer(f *Farm, id int64, ln net.Listener) *server {
	return &server{farm: f, id: id, ln: ln, stopped: make(chan struct{}), connections: map[net.Conn]struct{}{}}
}

// accept serves connections until stop. What else goes wrong, such as too many open files, passes.
func (s *server) accept() {
	for {
		c, err := s.ln.Accept()
		if err == nil {
			s.take(c)
			continue
		}
		select {
		case <-s.stopped:
			return
		case <-time.After(acceptAgain):
		}
	}
}

// take serves a connection, or closes it if there are too many or the server was stopped.
func (s *server) take(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connections == nil || len(s.connections) >= maxConnections {
		_ = c.Close()
		return
	}
	s.connections[c] = struct{}{}
	s.farm.running.Go(func() {
		defer s.forget(c)
		attend(s.farm, s.id, c)
	})
}

func (s *server) forget(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, c)
}

// stop closes the listener and all connections. It is called once.
func (s *server) stop() error {
	close(s.stopped)
	err := s.ln.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		_ = c.Close()
	}
	s.connections = nil
	return err
}
