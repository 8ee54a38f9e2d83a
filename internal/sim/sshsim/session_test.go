package sshsim

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/sim/memnet"
)

// run runs a command and returns what it says.
func (b *bench) run(client *ssh.Client, command string) string {
	b.t.Helper()
	session := b.session(client)
	var stderr bytes.Buffer
	session.Stderr = &stderr
	out, err := session.Output(command)
	if err != nil || stderr.Len() > 0 {
		b.t.Errorf("%v: %s", err, &stderr)
	}
	return string(out)
}

func (b *bench) session(client *ssh.Client) *ssh.Session {
	b.t.Helper()
	session, err := client.NewSession()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = session.Close() })
	return session
}

// Shells and commands, with a terminal and without one, end well after the greeting.
func TestGreeting(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	b := newBench(t, line(key, "", "\x1b[31malice\a\tÄ\u0085 \u2713\xff"))
	client := b.in(key)
	for _, pty := range []bool{false, true} {
		want := "hello [31malice\tÄ \u2713\ufffd\n"
		if pty {
			want = strings.ReplaceAll(want, "\n", "\r\n")
		}
		for _, command := range []string{"", "rm -rf /"} {
			session := b.session(client)
			if pty && session.RequestPty("xterm", 24, 80, nil) != nil {
				t.Error("no terminal")
			}
			var out bytes.Buffer
			session.Stdout = &out
			begin := session.Shell
			if command != "" {
				begin = func() error { return session.Start(command) }
			}
			if err := errors.Join(begin(), session.Wait()); err != nil || out.String() != want {
				t.Errorf("terminal %t, command %q: %q, %v", pty, command, &out, err)
			}
		}
	}
}

// The greeting is told who has logged in where.
func TestLogin(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	var network memnet.Network
	logins := make(chan Login, 1)
	f, err := New(Options{
		Listen:         network.Listen,
		AuthorizedKeys: func(int64, string) ([]byte, bool) { return []byte(line(key, "no-pty", "of alice ")), true },
		Greet:          func(l Login) string { logins <- l; return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, Farm: f, network: &network}
	t.Cleanup(func() { _ = f.Close() })
	client, err := b.dial(b.started(7), "deploy", ssh.PublicKeys(key))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.run(client, "ls"); got != "" {
		t.Errorf("told %q", got)
	}
	want := Login{Server: 7, User: "deploy", Comment: "of alice", Fingerprint: ssh.FingerprintSHA256(key.PublicKey())}
	if got := <-logins; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// There is nothing but the session: each other channel and request is refused, with a reason where there can be one.
func TestNothingElse(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	b := newBench(t, line(key, "", "alice"))
	client := b.in(key)
	for kind, reason := range map[string]ssh.RejectionReason{
		"direct-tcpip": ssh.Prohibited, "direct-streamlocal@openssh.com": ssh.Prohibited,
		"x11": ssh.UnknownChannelType, "auth-agent@openssh.com": ssh.UnknownChannelType, "tun@openssh.com": ssh.UnknownChannelType, "": ssh.UnknownChannelType,
	} {
		_, _, err := client.OpenChannel(kind, nil)
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) || refused.Reason != reason || refused.Message == "" {
			t.Errorf("channel %q: %v", kind, err)
		}
	}
	if _, err := client.Dial("tcp", b.address); err == nil {
		t.Error("a connection is forwarded")
	}
	for _, kind := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "keepalive@openssh.com", ""} {
		if ok, _, err := client.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("request %q: %t, %v", kind, ok, err)
		}
	}
	session := b.session(client)
	for _, kind := range []string{"subsystem", "auth-agent-req@openssh.com", "x11-req", "env", "signal", "window-change", ""} {
		if ok, err := session.SendRequest(kind, true, ssh.Marshal(struct{ Name string }{"sftp"})); ok || err != nil {
			t.Errorf("session request %q: %t, %v", kind, ok, err)
		}
	}
	if got := b.run(client, "ls"); got != "hello alice\n" {
		t.Errorf("after all that: %q", got)
	}
}

// A session is one shell or command, on one terminal; what comes later changes nothing.
func TestOnce(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	b := newBench(t, line(key, "", "alice"))
	channel, requests, err := b.in(key).OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan []string)
	go func() {
		var kinds []string
		for r := range requests {
			kinds = append(kinds, r.Type)
		}
		said <- kinds
	}()
	for i, want := range []bool{true, false} {
		if ok, err := channel.SendRequest("pty-req", true, nil); ok != want || err != nil {
			t.Errorf("terminal %d: %t, %v", i, ok, err)
		}
	}
	if ok, err := channel.SendRequest("shell", true, nil); !ok || err != nil {
		t.Errorf("shell: %t, %v", ok, err)
	}
	if ok, _ := channel.SendRequest("exec", true, nil); ok {
		t.Error("a second command")
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(channel); err != nil || out.String() != "hello alice\r\n" {
		t.Errorf("%q, %v", &out, err)
	}
	_ = channel.Close()
	if kinds := <-said; len(kinds) != 1 || kinds[0] != "exit-status" {
		t.Errorf("the server asks for %q", kinds)
	}
}

// A connection has a number of sessions at a time.
func TestMaxSessions(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	b := newBench(t, line(key, "", "alice"))
	client := b.in(key)
	for range maxSessions {
		b.session(client)
	}
	var refused *ssh.OpenChannelError
	if _, err := client.NewSession(); !errors.As(err, &refused) || refused.Reason != ssh.ResourceShortage {
		t.Errorf("one more session: %v", err)
	}
}

// A client that asks on and on without reading does not keep the server from being closed, and a greeting that
// panics ends the connection.
func TestRudeClients(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	f, err := New(Options{
		AuthorizedKeys: func(int64, string) ([]byte, bool) { return []byte(line(key, "", "")), true },
		Greet: func(l Login) string {
			if l.User == "mallory" {
				panic(l.User)
			}
			return strings.Repeat("x", 4<<20) // more than a client takes that does not read
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, err := f.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(user string) *ssh.Client {
		client, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
			User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(f.host.PublicKey()),
		})
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	mallory := dial("mallory")
	if channel, requests, err := mallory.OpenChannel("session", nil); err == nil {
		go ssh.DiscardRequests(requests)
		_, _ = channel.SendRequest("shell", false, nil)
	}
	_ = mallory.Wait()
	rude := dial("rude")
	channel, requests, err := rude.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	for range 1000 {
		if _, err := channel.SendRequest("shell", false, nil); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := channel.SendRequest("shell", true, nil); ok || err != nil {
		t.Errorf("after a thousand: %t, %v", ok, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	_ = rude.Wait()
}
