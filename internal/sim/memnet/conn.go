package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// conn is one end of a connection.
type conn struct {
	in, out     *stream
	here, there addr
}

// pipe returns the two ends of a new connection.
func pipe(here, there addr) (near, far net.Conn) {
	to, from := newStream(), newStream()
	return &conn{in: from, out: to, here: here, there: there}, &conn{in: to, out: from, here: there, there: here}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.failed("read", err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.failed("write", err)
}

func (c *conn) failed(op string, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // a net.Conn returns io.EOF itself
		return err
	}
	return &net.OpError{Op: op, Net: c.here.network, Source: c.here, Addr: c.there, Err: err}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.in.close(net.ErrClosed, syscall.EPIPE)
	c.out.close(io.EOF, net.ErrClosed)
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.here }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.there }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.failed("set", c.in.setReadDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.failed("set", c.out.setWriteDeadline(t))
}

// stream is one direction of a connection.
type stream struct {
	mu       sync.Mutex
	changed  *sync.Cond // when there is something to read, or a reason not to wait for it
	data     []byte     // written and not read
	readErr  error      // what reading returns once closed
	writeErr error      // what writing returns once closed

	readBy, writeBy time.Time // deadlines; zero for none
	alarm           *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readErr == net.ErrClosed: //nolint:errorlint // as it was set: we are closed ourselves
			return 0, s.readErr
		case past(s.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(s.data) > 0 || len(p) == 0:
			n := copy(p, s.data)
			s.data = s.data[n:]
			return n, nil
		case s.readErr != nil:
			return 0, s.readErr
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writeErr != nil {
		return 0, s.writeErr
	}
	if past(s.writeBy) {
		return 0, os.ErrDeadlineExceeded
	}
	s.data = append(s.data, p...)
	s.changed.Broadcast()
	return len(p), nil
}

// close ends the stream with what reading and writing return from now on. An end that closes
// overrides that the other one has closed.
func (s *stream) close(reading, writing error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readErr == nil || reading == net.ErrClosed { //nolint:errorlint // as the caller set it
		s.readErr = reading
	}
	if s.writeErr == nil || writing == net.ErrClosed { //nolint:errorlint // as the caller set it
		s.writeErr = writing
	}
	s.stopAlarm()
	s.changed.Broadcast()
}

func (s *stream) setReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readErr == net.ErrClosed { //nolint:errorlint // as it was set
		return s.readErr
	}
	s.readBy = t
	s.stopAlarm()
	if !t.IsZero() && !past(t) {
		// None for one that is past, which readers see at once: in a bubble, timers that are due when
		// they are set can crash the race detector of Go 1.26.
		s.alarm = time.AfterFunc(time.Until(t), s.wake)
	}
	s.changed.Broadcast()
	return nil
}

func (s *stream) stopAlarm() {
	if s.alarm != nil {
		s.alarm.Stop()
	}
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

func (s *stream) setWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writeErr == net.ErrClosed { //nolint:errorlint // as it was set
		return s.writeErr
	}
	s.writeBy = t
	return nil
}

func past(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }
