package crash

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const imageUser = 65532 // "nonroot", the user of the image

// TestImage runs the program as in the container image: as a user without rights, with no
// file but itself and the directory of its ledger, and without a directory for temporary
// files. It grants access to many servers, and takes it back.
func TestImage(t *testing.T) {
	if *image == "" || os.Getuid() != 0 {
		t.Skip("needs root, and a static binary as -crash.image")
	}
	root := imageRoot(t)
	ledger := filepath.Join(root, "data", "sshkeybot.db")
	s := newStage(t, database{url: "sqlite:/data/sshkeybot.db", driver: "sqlite", source: "file:" + ledger + "?_pragma=busy_timeout(5000)"},
		setup{servers: 300, seed: *seed, env: []string{"SSHKEYBOT_HTTP_ADDR=" + freeAddress(t)}})
	s.program = "/sshkeybot"
	s.jail = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
	s.up(1)
	if out, err := s.command("healthcheck").CombinedOutput(); err != nil {
		t.Errorf("it is not healthy: %v\n%s", err, out)
	}
	p := s.person("alice", ed25519Key(t))
	s.registers(p)
	s.granted(p)
	s.atPeace(nil)
	s.givesBack(p)
	s.atPeace(nil)
	s.stop()
	for dir, want := range map[string]int{root: 2, filepath.Dir(ledger): 2} { // the binary and the data; the ledger and its lock
		if found, err := os.ReadDir(dir); err != nil || len(found) != want {
			t.Errorf("%d files in %s, want %d: %v, %v", len(found), dir, want, found, err)
		}
	}
}

// imageRoot makes a root directory like that of the image.
func imageRoot(t *testing.T) string {
	t.Helper()
	root, err := os.MkdirTemp("", "sshkeybot-image-") //nolint:usetesting // t.TempDir is for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	program, err := os.ReadFile(*image)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(root, "data")
	for _, err := range []error{
		os.Chmod(root, 0o755),
		os.WriteFile(filepath.Join(root, "sshkeybot"), program, 0o755),
		os.Mkdir(data, 0o700), os.Chown(data, imageUser, imageUser),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// freeAddress returns an address of this host at which nobody listens. It is not 127.0.0.1,
// where another test might take the port meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.83.72.75:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
