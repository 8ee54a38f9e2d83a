package sshsim

import (
	"net"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"
)

// maxSessions is MaxSessions of sshd_config(5), its default: how many a connection may have at a time.
const maxSessions = 10

// visit is a connection of somebody who is in.
type visit struct {
	conn     net.Conn
	greet    func() string
	sessions chan struct{} // one for each that is open
	running  sync.WaitGroup
}

// attend serves a connection until its end. A panic ends the connection alone.
func attend(f *Farm, server int64, c net.Conn) {
	defer endAfterPanic(c)
	if err := c.SetDeadline(time.Now().Add(loginWithin)); err != nil {
		return
	}
	g := newGate(f, server, c)
	in, channels, requests, err := ssh.NewServerConn(c, g.config())
	if err != nil {
		return
	}
	_ = c.SetDeadline(time.Now().Add(visitWithin))
	v := &visit{conn: c, greet: func() string { return f.options.Greet(g.login) }, sessions: make(chan struct{}, maxSessions)}
	v.running.Go(func() { ssh.DiscardRequests(requests) }) // tcpip-forward and the like
	for n := range channels {
		v.open(n)
	}
	v.running.Wait()
	_ = in.Wait()
}

func endAfterPanic(c net.Conn) {
	if recover() != nil {
		_ = c.Close()
	}
}

// open begins a session, and refuses every other channel.
func (v *visit) open(n ssh.NewChannel) {
	switch n.ChannelType() {
	case "session":
	case "direct-tcpip", "direct-streamlocal@openssh.com":
		_ = n.Reject(ssh.Prohibited, "nothing is forwarded from this server")
		return
	default:
		_ = n.Reject(ssh.UnknownChannelType, "this server has sessions alone")
		return
	}
	select {
	case v.sessions <- struct{}{}:
	default:
		_ = n.Reject(ssh.ResourceShortage, "too many sessions on one connection")
		return
	}
	channel, requests, err := n.Accept()
	if err != nil {
		<-v.sessions
		return
	}
	v.running.Go(func() {
		defer func() { <-v.sessions }()
		v.serve(&session{channel: channel}, requests)
	})
}

// serve takes the requests of a session until it is closed. It goes on meanwhile the greeting is written, which may
// have to wait for what the client sends.
func (v *visit) serve(s *session, requests <-chan *ssh.Request) {
	var greeting sync.WaitGroup
	defer greeting.Wait()
	for r := range requests {
		begun := s.begun
		_ = r.Reply(s.take(r), nil)
		if s.begun && !begun {
			greeting.Go(func() {
				defer endAfterPanic(v.conn)
				s.say(v.greet())
			})
		}
	}
}

// session is one shell or command, neither of which there is.
type session struct {
	channel ssh.Channel
	pty     bool
	begun   bool // a shell or command was asked for
}

// take reports whether a request is granted: a terminal, and then a shell or a command, once. Everything else is
// refused: subsystems such as sftp, the forwarding of an agent or of X11, environment variables.
func (s *session) take(r *ssh.Request) bool {
	switch {
	case s.begun:
		return false
	case r.Type == "pty-req":
		granted := !s.pty
		s.pty = true
		return granted
	case r.Type == "shell", r.Type == "exec":
		s.begun = true
		return true
	}
	return false
}

// say writes a text and ends the session well.
func (s *session) say(text string) {
	if _, err := s.channel.Write([]byte(printable(text, s.pty))); err != nil {
		return
	}
	_ = s.channel.CloseWrite()
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
	_ = s.channel.Close()
}

// printable returns a text without control characters other than newline and tab. On a terminal, lines end as one
// needs it.
func printable(text string, pty bool) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	if pty {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}
