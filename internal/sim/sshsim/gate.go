package sshsim

import (
	"bytes"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/crypto/ssh"
)

// maxTries is MaxAuthTries of sshd_config(5), its default.
const maxTries = 6

// errRefused says nothing of the reason, which is nobody's business who is not in.
var errRefused = errors.New("sshsim: refused")

// algorithms are the signatures that are taken: no SHA-1, no DSA, and no certificates, for which there is no line
// that would let them in.
var algorithms = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
}

// gate decides on the logins of one connection.
type gate struct {
	farm   *Farm
	server int64
	from   netip.Addr
	login  Login // set when a key was proved
}

func newGate(f *Farm, server int64, c net.Conn) *gate {
	g := &gate{farm: f, server: server}
	if host, _, err := net.SplitHostPort(c.RemoteAddr().String()); err == nil {
		addr, _ := netip.ParseAddr(host) // an invalid one matches no network
		g.from = addr.Unmap()
	}
	return g
}

func (g *gate) config() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-sshsim", MaxAuthTries: maxTries, PublicKeyAuthAlgorithms: algorithms,
		PublicKeyCallback: g.offered, VerifiedPublicKeyCallback: g.proved,
	}
	c.AddHostKey(g.farm.host)
	return c
}

// offered is called when the client asks whether a key would do, or proves it without asking. What was refused stays
// so for the key on this connection, until the client has tried another one: the library does not ask again.
func (g *gate) offered(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	line, ok := g.find(c.User(), key)
	if !ok {
		return nil, errRefused
	}
	return line.permissions(), nil
}

// proved is called when the client has signed with the key. It looks at the file again: what was offered may have
// been taken away since.
func (g *gate) proved(c ssh.ConnMetadata, key ssh.PublicKey, offered *ssh.Permissions, _ string) (*ssh.Permissions, error) {
	line, ok := g.find(c.User(), key)
	// The signature may lack the touch that only the line of the offer waived.
	if !ok || offered != nil && line.permissions() == nil {
		return nil, errRefused
	}
	g.login = Login{Server: g.server, User: c.User(), Comment: line.comment, Fingerprint: ssh.FingerprintSHA256(key)}
	return line.permissions(), nil
}

// find returns the first line of the user's file that lets the key in from here at this time. As with sshd, a line
// that does not is no obstacle for a later one.
func (g *gate) find(user string, key ssh.PublicKey) (entry, bool) {
	file, ok := g.farm.options.AuthorizedKeys(g.server, user)
	if !ok {
		return entry{}, false
	}
	now, blob := g.farm.options.Now(), key.Marshal()
	for _, e := range entries(file, now.Location()) {
		if bytes.Equal(e.key.Marshal(), blob) && e.admits(now, g.from) {
			return e, true
		}
	}
	return entry{}, false
}
