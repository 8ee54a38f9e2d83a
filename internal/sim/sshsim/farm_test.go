package sshsim

import (
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/testdata"
)

// Every type of key that sshd takes by default logs in, with its line and without it.
func TestKeyTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, s := range map[string]ssh.Signer{
		"ed25519": newEd25519(t), "P-256": newECDSA(t, elliptic.P256()), "P-384": newECDSA(t, elliptic.P384()), "P-521": newECDSA(t, elliptic.P521()),
		"RSA 1024": newRSA(t, 1024), "RSA 2048": newRSA(t, 2048), "security key": newSecurityKey(t, 1),
	} {
		if !b.lets(s, "# alice's", line(s, "no-pty", "alice")) {
			t.Errorf("%s is refused", name)
		}
		if b.lets(s, line(newEd25519(t), "", "alice")) {
			t.Errorf("%s is let in though another key lies there", name)
		}
	}
}

// DSA keys and signatures with SHA-1 are refused.
func TestOldAlgorithms(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dsa, err := ssh.ParsePrivateKey(testdata.PEMBytes["dsa"])
	if err != nil {
		t.Fatal(err)
	}
	if b.lets(dsa, line(dsa, "", "alice")) {
		t.Error("a DSA key is let in")
	}
	for algorithm, want := range map[string]bool{ssh.KeyAlgoRSA: false, ssh.KeyAlgoRSASHA256: true, ssh.KeyAlgoRSASHA512: true} {
		s, err := ssh.NewSignerWithAlgorithms(newRSA(t, 2048).(ssh.AlgorithmSigner), []string{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		if b.lets(s, line(s, "", "alice")) != want {
			t.Errorf("a signature of %s: let in %t", algorithm, !want)
		}
	}
}

// A certificate is refused, whether its key or its authority lies there.
func TestCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key, authority := newEd25519(t), newEd25519(t)
	cert := &ssh.Certificate{CertType: ssh.UserCert, Key: key.PublicKey(), ValidBefore: ssh.CertTimeInfinity, ValidPrincipals: []string{"alice"}}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{line(key, "", "alice"), line(authority, "cert-authority", "authority"), line(s, "", "certificate")}
	if b.lets(s, lines...) {
		t.Error("a certificate is let in")
	}
	if b.lets(authority, lines...) || !b.lets(key, lines...) {
		t.Error("the authority is let in, or the plain key is not")
	}
}

// A line lets nobody in whom its options keep out, and does not stand in the way of a later one.
func TestLines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := newEd25519(t)
	plain := line(s, "", "alice")
	for before, want := range map[string]bool{
		"":                           true,
		`from="127.0.0.0/8",pty`:     true,
		`from="10.0.0.0/8"`:          false,
		`expiry-time="20260724"`:     true,
		`expiry-time="20260723"`:     false,
		"cert-authority":             false,
		`principals="alice"`:         false,
		"no-such-option":             false,
		"verify-required,no-pty":     true, // matters to security keys alone
		`command="false",restrict`:   true,
		`environment="A=b",restrict`: true,
	} {
		if b.lets(s, line(s, before, "alice")) != want {
			t.Errorf("%s: let in %t", before, !want)
		}
		if !b.lets(s, line(s, before, "alice"), plain) {
			t.Errorf("%s: the line after it does not let in", before)
		}
	}
}

// A security key must be touched, unless its line waives that; that its owner was verified is never known.
func TestSecurityKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const touched = 1
	for _, c := range []struct {
		before string
		flags  byte
		want   bool
	}{
		{"", touched, true}, {"", 0, false}, {"no-touch-required", 0, true}, {"touch-required", 0, false}, {"verify-required", touched | 4, false},
	} {
		s := newSecurityKey(t, c.flags)
		if b.lets(s, line(s, c.before, "alice")) != c.want {
			t.Errorf("%q with flags %d: let in %t", c.before, c.flags, !c.want)
		}
	}
}

// A key belongs to a user of a server; what is refused looks the same whatever the reason.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	b := newBench(t, line(s, "", "alice"))
	b.in(s)
	other := b.started(2)
	refusals := map[string]bool{}
	for _, c := range []struct {
		address, user string
		method        ssh.AuthMethod
	}{
		{b.address, "bob", ssh.PublicKeys(s)}, {b.address, "", ssh.PublicKeys(s)}, {other, "alice", ssh.PublicKeys(s)},
		{b.address, "alice", ssh.PublicKeys(newEd25519(t))},
	} {
		if _, err := b.dial(c.address, c.user, c.method); err != nil {
			refusals[err.Error()] = true
			continue
		}
		t.Errorf("%+v is let in", c)
	}
	if len(refusals) != 1 {
		t.Errorf("refused in several ways: %v", refusals)
	}
	for name, method := range map[string]ssh.AuthMethod{
		"password": ssh.Password("alice"),
		"answers":  ssh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil }),
	} {
		if _, err := b.dial(b.address, "alice", method); err == nil || !strings.Contains(err.Error(), "attempted methods [none]") {
			t.Errorf("%s: %v, want that it is not offered", name, err)
		}
	}
	if _, err := b.dial(b.address, "alice"); err == nil {
		t.Error("nobody in particular is let in")
	}
}

// taken is a signer whose key is taken away when it is asked to sign.
type taken struct {
	ssh.Signer
	away func()
}

func (s taken) Sign(random io.Reader, data []byte) (*ssh.Signature, error) {
	s.away()
	return s.Signer.Sign(random, data)
}

// A key that goes, or that must be touched from now on, between the question and the signature is refused.
func TestTakenAwayMeanwhile(t *testing.T) {
	t.Parallel()
	key, hardware := newEd25519(t), newSecurityKey(t, 0)
	b := newBench(t)
	for name, c := range map[string]struct {
		s             ssh.Signer
		before, after string
	}{
		"gone":    {key, line(key, "", "alice"), ""},
		"expired": {key, line(key, "", "alice"), line(key, `expiry-time="20260101"`, "alice")},
		"touch":   {hardware, line(hardware, "no-touch-required", "alice"), line(hardware, "", "alice")},
	} {
		signed := false
		if b.lets(taken{c.s, func() { signed = true; b.set(c.after) }}, c.before) || !signed {
			t.Errorf("%s: signed %t and let in", name, signed)
		}
		if !b.lets(taken{c.s, func() {}}, c.before) {
			t.Errorf("%s: refused though nothing was changed", name)
		}
	}
}

// The line of the moment counts, and the login says which it was.
func TestLineOfTheMoment(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	b := newBench(t, line(s, "", "first"))
	if got := b.run(b.in(s), "ls"); got != "hello first\n" {
		t.Errorf("%q", got)
	}
	b.set("# nobody")
	if _, err := b.login(s); err == nil {
		t.Error("let in by a line that was removed")
	}
	b.set(line(s, "no-pty", "second"), line(s, "", "third"))
	if got := b.run(b.in(s), "ls"); got != "hello second\n" {
		t.Errorf("%q", got)
	}
}

// After six keys that do not lie there, not even the right one is looked at.
func TestMaxTries(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	b := newBench(t, line(s, "", "alice"))
	var many []ssh.Signer
	for range maxTries - 1 {
		many = append(many, newEd25519(t))
	}
	if _, err := b.dial(b.address, "alice", ssh.PublicKeys(append(many[:maxTries-1:maxTries-1], s)...)); err != nil {
		t.Errorf("after %d keys: %v", maxTries-1, err)
	}
	if _, err := b.dial(b.address, "alice", ssh.PublicKeys(append(many, newEd25519(t), s)...)); err == nil {
		t.Errorf("let in after %d keys", maxTries)
	}
}

// Stop ends connections and lets no new ones in; other servers go on, and so does the stopped one when it is started.
func TestStop(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	b := newBench(t, line(s, "", "alice"))
	if again := b.started(1); again != b.address {
		t.Errorf("started twice it is at %s and at %s", b.address, again)
	}
	elsewhere := b.started(2)
	client := b.in(s)
	b.Stop(1)
	b.Stop(1)
	b.Stop(3)
	_ = client.Wait()
	if _, err := b.login(s); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a stopped server: %v", err)
	}
	if _, err := b.dial(elsewhere, "alice", ssh.PublicKeys(s)); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("the other server: %v", err)
	}
	b.address = b.started(1)
	b.in(s)
}

// Close ends everything, twice is once, and nothing begins afterwards.
func TestClose(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	b := newBench(t, line(s, "", "alice"))
	client := b.in(s)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	_ = client.Wait()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.Start(1); err == nil {
		t.Error("a closed farm starts a server")
	}
}

// The zero options lack a file of keys; a listener that is not to be had is an error.
func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{}); err == nil {
		t.Error("a farm without keys")
	}
	none := errors.New("no port")
	f, err := New(Options{
		AuthorizedKeys: func(int64, string) ([]byte, bool) { return nil, false },
		Listen:         func(string, string) (net.Listener, error) { return nil, none },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Start(1); !errors.Is(err, none) {
		t.Errorf("%v, want %v", err, none)
	}
}

// Who says nothing, or does nothing, is sent away after a while.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, line(s, "", "alice"))
		c, err := b.network.DialContext(t.Context(), "tcp", b.address)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := io.Copy(io.Discard, c); err != nil || time.Since(begin) != loginWithin {
			t.Errorf("sent away after %s: %v", time.Since(begin), err)
		}
		begin = time.Now()
		client := b.in(s)
		if _ = client.Wait(); time.Since(begin) != visitWithin {
			t.Errorf("sent away after %s", time.Since(begin))
		}
		_ = c.Close()
	})
}

// A server has a number of connections at a time.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	synctest.Test(t, func(t *testing.T) { // where no deadline makes room
		b := newBench(t, line(s, "", "alice"))
		var open []net.Conn
		for range maxConnections {
			c, err := b.network.DialContext(t.Context(), "tcp", b.address)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
		}
		if _, err := b.login(s); err == nil {
			t.Error("one more is let in")
		}
		_ = open[0].Close()
		synctest.Wait()
		b.in(s)
		for _, c := range open {
			_ = c.Close()
		}
	})
}

// What is not SSH, or breaks off, ends its connection alone; so does a panic of who holds the keys.
func TestGarbage(t *testing.T) {
	t.Parallel()
	s := newEd25519(t)
	b := newBench(t, line(s, "", "alice"))
	for _, text := range []string{
		"", "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "SSH-1.5-x\r\n", "SSH-2.0-x\r\n" + strings.Repeat("\xff", 1<<16), strings.Repeat("x", 1<<20),
		"SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14" + strings.Repeat("\x00", 10), "SSH-2.0-x\r\n\x00\x00\x00\x00",
	} {
		c, err := b.network.DialContext(t.Context(), "tcp", b.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(text))
		_ = c.Close()
	}
	b.mu.Lock()
	b.asked = func(user string) {
		if user == "mallory" {
			panic(user)
		}
	}
	b.mu.Unlock()
	if _, err := b.dial(b.address, "mallory", ssh.PublicKeys(s)); err == nil {
		t.Error("let in by a panic")
	}
	b.in(s)
}
