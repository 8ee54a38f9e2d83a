package sshsim

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// openSSH is OpenSSH's own client, with a folder of its own, at a farm on real ports whose user alice of server 1 has
// a file of keys.
type openSSH struct {
	t      *testing.T
	farm   *Farm
	folder string
	port   string
	file   atomic.Pointer[string]
}

func newOpenSSH(t *testing.T) *openSSH {
	t.Helper()
	for _, tool := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: only the library's client has tried to log in", tool)
		}
	}
	o := &openSSH{t: t, folder: t.TempDir()}
	o.lies("")
	farm, err := New(Options{
		AuthorizedKeys: func(server int64, user string) ([]byte, bool) {
			return []byte(*o.file.Load()), server == 1 && user == "alice"
		},
		Greet: func(l Login) string {
			return fmt.Sprintf("server %d, %s:\n%s %s\n", l.Server, l.User, l.Comment, l.Fingerprint)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := farm.Close(); err != nil {
			t.Error(err)
		}
	})
	address, err := farm.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	o.farm = farm
	_, o.port, _ = net.SplitHostPort(address)
	if err := os.WriteFile(filepath.Join(o.folder, "known_hosts"), []byte(farm.KnownHosts()), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// lies replaces alice's file.
func (o *openSSH) lies(lines ...string) {
	file := strings.Join(lines, "\n")
	o.file.Store(&file)
}

// keygen makes a key and returns the file of its private half and the line of its public one.
func (o *openSSH) keygen(name string, args ...string) (file, line string) {
	o.t.Helper()
	file = filepath.Join(o.folder, name)
	args = append(args, "-q", "-N", "", "-C", name+"@laptop", "-f", file)
	if out, err := o.command("ssh-keygen", args...).CombinedOutput(); err != nil {
		o.t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		o.t.Fatal(err)
	}
	return file, string(public)
}

func (o *openSSH) command(name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(o.t.Context(), name, args...)
	c.Env = []string{"HOME=" + o.folder, "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	return c
}

// ssh logs in with the key of a file and returns what ssh prints and its exit status.
func (o *openSSH) ssh(file, user string, args ...string) (stdout, stderr string, status int) {
	o.t.Helper()
	c := o.command("ssh", append([]string{
		"-F", "none", "-i", file, "-p", o.port, "-l", user, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes",
		"-o", "IdentityAgent=none", "-o", "UserKnownHostsFile=" + filepath.Join(o.folder, "known_hosts"), "-o", "GlobalKnownHostsFile=/dev/null",
	}, args...)...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		o.t.Fatal(err)
	}
	return out.String(), said.String(), c.ProcessState.ExitCode()
}

const host = "127.0.0.1"

// refused checks that a user is not let in.
func (o *openSSH) refused(why, file, user string) {
	o.t.Helper()
	stdout, stderr, status := o.ssh(file, user, "-T", host)
	if status != 255 || stdout != "" || !strings.Contains(stderr, "Permission denied (publickey).") {
		o.t.Errorf("%s: status %d, %q, %q", why, status, stdout, stderr)
	}
}

// Keys that ssh-keygen makes log in with ssh for as long as they lie there.
func TestOpenSSHLogsIn(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"ed25519": {"-t", "ed25519"}, "ecdsa": {"-t", "ecdsa", "-b", "256"}, "rsa": {"-t", "rsa", "-b", "3072"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSH(t)
			file, public := o.keygen(name, args...)
			_, other := o.keygen("other", "-t", "ed25519")
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
			if err != nil {
				t.Fatal(err)
			}
			want := "server 1, alice:\n" + name + "@laptop " + ssh.FingerprintSHA256(key) + "\n"
			o.refused("nothing lies there", file, "alice")
			o.lies(other)
			o.refused("another key lies there", file, "alice")
			o.lies("# two", other+`no-pty,command="/bin/false" `+public)
			for _, words := range [][]string{{"-T", host}, {host, "uptime"}, {host, "exit 3;"}} {
				if stdout, stderr, status := o.ssh(file, "alice", words...); status != 0 || stdout != want || stderr != "" {
					t.Errorf("%q: status %d, %q, want %q, %q", words, status, stdout, want, stderr)
				}
			}
			o.refused("another user", file, "bob")
			o.lies(other)
			o.refused("it was taken away", file, "alice")
		})
	}
}

// With a terminal, lines end as it needs them; ssh has no complaint.
func TestOpenSSHTerminal(t *testing.T) {
	t.Parallel()
	o := newOpenSSH(t)
	file, public := o.keygen("id", "-t", "ed25519")
	o.lies(public)
	stdout, stderr, status := o.ssh(file, "alice", "-tt", host)
	if status != 0 || !strings.HasPrefix(stdout, "server 1, alice:\r\nid@laptop SHA256:") || !strings.HasSuffix(stdout, "\r\n") || strings.Contains(stderr, "PTY") {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}

// Nothing but a shell or a command is to be had.
func TestOpenSSHNothingElse(t *testing.T) {
	t.Parallel()
	o := newOpenSSH(t)
	file, public := o.keygen("id", "-t", "ed25519")
	o.lies(public)
	for want, words := range map[string][]string{
		"subsystem request failed":                 {"-s", host, "sftp"},
		"nothing is forwarded from this server":    {"-W", "127.0.0.1:1", host},
		"remote port forwarding failed for listen": {"-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "-T", host},
	} {
		if _, stderr, status := o.ssh(file, "alice", words...); status != 255 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q, want %q", words, status, stderr, want)
		}
	}
}

// The host key is checked, and a server that was started again has the same one.
func TestOpenSSHKnowsHost(t *testing.T) {
	t.Parallel()
	o := newOpenSSH(t)
	file, public := o.keygen("id", "-t", "ed25519")
	o.lies(public)
	o.farm.Stop(1)
	address, err := o.farm.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	_, o.port, _ = net.SplitHostPort(address)
	if _, stderr, status := o.ssh(file, "alice", "-T", host); status != 0 {
		t.Errorf("started again: status %d, %q", status, stderr)
	}
	stranger, err := New(Options{AuthorizedKeys: o.farm.options.AuthorizedKeys})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.folder, "known_hosts"), []byte(stranger.KnownHosts()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := o.ssh(file, "alice", "-T", host); status != 255 || !strings.Contains(stderr, "Host key verification failed") {
		t.Errorf("another host key: status %d, %q", status, stderr)
	}
}

// ssh-keygen finds keys in the same lines, as far as it looks: it does not care for the meaning of options, and wants
// one blank behind them.
func TestOpenSSHReadsTheSameKeys(t *testing.T) {
	t.Parallel()
	o := newOpenSSH(t)
	_, a := o.keygen("ed25519", "-t", "ed25519")
	_, b := o.keygen("rsa", "-t", "rsa", "-b", "2048")
	fields := strings.Fields(a)
	kind, blob := fields[0], fields[1]
	_, c := o.keygen("ecdsa", "-t", "ecdsa", "-b", "256")
	fields = strings.Fields(c)
	ecdsa, padded := fields[0], fields[1]
	for i, text := range []string{
		a, strings.TrimSuffix(a, "\n"), " \t" + a, "#" + a, kind + " " + blob, kind + "\t \t" + blob + "\t x", kind, kind + " ", blob,
		kind + " " + blob[:20] + "\v\f" + blob[20:], kind + " " + blob + "=", kind + " " + blob[1:], kind + " " + blob + blob, "no-pty " + c, ecdsa + " " + strings.TrimSuffix(padded, "="), ecdsa + " " + strayBits(padded),
		"ssh-rsa " + blob, "rsa-sha2-256 " + strings.Fields(b)[1], shortRSALine, "SSH-ED25519 " + blob, kind + "x " + blob,
		"no-pty " + a, "no-pty no-pty " + a, "no-pty, " + a, `command="a b" ` + a, `command="a \" b" ` + a, `command="a b\" ` + a,
		`command="a b\\" ` + a, `\" ` + a, `" ` + a, `a" "b ` + a, "no-pty " + kind, "ssh-ed25519 " + b, "no-pty ssh-ed25519 " + strings.Fields(b)[1],
	} {
		name := filepath.Join(o.folder, fmt.Sprint("line", i))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := o.command("ssh-keygen", "-l", "-f", name).Output() // that there is no key is an error
		want := ""
		if words := strings.Fields(string(out)); len(words) > 1 {
			want = words[1]
		}
		got := ""
		if e, err := readLine(strings.TrimSuffix(text, "\n"), time.UTC); err == nil || errors.Is(err, errUnknownOption) {
			got = ssh.FingerprintSHA256(e.key)
		}
		if got != want {
			t.Errorf("%q: %q, ssh-keygen %q", text, got, want)
		}
	}
}
