package sshsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/sim/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 7, 23, 12, 0, 0, 0, time.FixedZone("", 2*3600))

// bench is a farm on a network of its own, with a server 1 and its user alice.
type bench struct {
	*Farm
	t       *testing.T
	network *memnet.Network
	address string // of server 1

	mu    sync.Mutex
	file  string // alice's
	asked func(user string)
}

func newBench(t *testing.T, lines ...string) *bench {
	t.Helper()
	b := &bench{t: t, network: &memnet.Network{}, file: strings.Join(lines, "\n")}
	farm, err := New(Options{
		Listen: b.network.Listen, Now: func() time.Time { return noon }, AuthorizedKeys: b.authorizedKeys,
		Greet: func(l Login) string { return "hello " + l.Comment + "\n" },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Farm = farm
	t.Cleanup(func() {
		if err := farm.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b.address = b.started(1)
	return b
}

func (b *bench) started(server int64) (address string) {
	b.t.Helper()
	address, err := b.Start(server)
	if err != nil {
		b.t.Fatal(err)
	}
	return address
}

func (b *bench) authorizedKeys(server int64, user string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked != nil {
		b.asked(user)
	}
	return []byte(b.file), server == 1 && user == "alice"
}

// set replaces alice's file.
func (b *bench) set(lines ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.file = strings.Join(lines, "\n")
}

// dial logs in to an address.
func (b *bench) dial(address, user string, methods ...ssh.AuthMethod) (*ssh.Client, error) {
	b.t.Helper()
	c, err := b.network.DialContext(b.t.Context(), "tcp", address)
	if err != nil {
		return nil, err
	}
	conn, channels, requests, err := ssh.NewClientConn(c, address, &ssh.ClientConfig{
		User: user, Auth: methods, HostKeyCallback: ssh.FixedHostKey(b.host.PublicKey()),
	})
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	b.t.Cleanup(func() { _, _ = client.Close(), client.Wait() })
	return client, nil
}

// login logs in to server 1 as alice.
func (b *bench) login(s ssh.Signer) (*ssh.Client, error) {
	b.t.Helper()
	return b.dial(b.address, "alice", ssh.PublicKeys(s))
}

// in is login where it must succeed.
func (b *bench) in(s ssh.Signer) *ssh.Client {
	b.t.Helper()
	client, err := b.login(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

// lets reports whether alice's file lets a key in, if it is line.
func (b *bench) lets(s ssh.Signer, lines ...string) bool {
	b.t.Helper()
	b.set(lines...)
	_, err := b.login(s)
	return err == nil
}

func signer(t testing.TB, private any, err error) ssh.Signer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newEd25519(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return signer(t, private, err)
}

func newECDSA(t testing.TB, curve elliptic.Curve) ssh.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	return signer(t, private, err)
}

func newRSA(t testing.TB, bits int) ssh.Signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	return signer(t, private, err)
}

// line returns the line of a key without an end, with words in front of it and behind it.
func line(s ssh.Signer, before, comment string) string {
	return strings.TrimLeft(before+" ", " ") + strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(s.PublicKey())), "\n") + " " + comment
}

// fixed returns the same line of an ed25519 key for the same seed, as fuzzing needs it.
func fixed(t testing.TB, seed byte) string {
	t.Helper()
	s := signer(t, ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize))), nil)
	return line(s, "", "fixed")
}

// shortRSALine is a key of 768 bits that nobody has the private half of.
var shortRSALine = "ssh-rsa " + base64.StdEncoding.EncodeToString([]byte(
	"\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x03\x01\x00\x01\x00\x00\x00\x61\x00"+"\xc5"+strings.Repeat("\x5b", 95)))

// securityKey is an sk-ssh-ed25519 key that says of each signature what flags say.
type securityKey struct {
	private ed25519.PrivateKey
	public  ssh.PublicKey
	flags   byte
}

const application = "ssh:"

func newSecurityKey(t *testing.T, flags byte) *securityKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, application}))
	if err != nil {
		t.Fatal(err)
	}
	return &securityKey{private, key, flags}
}

func (k *securityKey) PublicKey() ssh.PublicKey { return k.public }

func (k *securityKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	app, sum := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	rest := binary.BigEndian.AppendUint32([]byte{k.flags}, 1)
	signed := append(append(app[:], rest...), sum[:]...)
	blob, err := k.private.Sign(nil, signed, crypto.Hash(0))
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: blob, Rest: rest}, err
}
