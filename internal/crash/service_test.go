package crash

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestService runs the program as the service of systemd that deploy/ has, under a systemd that was booted in
// namespaces of its own. It grants access, is killed and restarted, and takes access back when it is asked to from
// the shell.
func TestService(t *testing.T) {
	m := boot(t)
	s := newStage(t, m.ledger(), setup{servers: 20, seed: *seed, env: []string{"SSHKEYBOT_HTTP_ADDR=" + freeAddress(t)}})
	m.configure(t, s)
	m.mustRun(t, "systemctl", "start", "sshkeybot")
	s.listens()
	m.isConfined(t)
	alice, bob := s.person("alice", ed25519Key(t)), s.person("bob", ed25519Key(t))
	for _, p := range []*person{alice, bob} {
		s.registers(p)
		s.granted(p)
	}
	s.atPeace(nil)

	m.mustRun(t, "kill", "-KILL", m.show(t, "MainPID"))
	m.waits(t, "NRestarts", "1")
	s.listens()
	for _, command := range []string{"check", "healthcheck", "list"} {
		m.mustRun(t, "sshkeybotctl", command)
	}
	m.mustRun(t, "sshkeybotctl", "offboard", alice.id, "--yes")
	alice.has = false
	s.atPeace(nil)
	if out := m.mustRun(t, "sshkeybotctl", "log"); !strings.Contains(out, "carol as sshkeybot@") {
		t.Errorf("the log does not say who has offboarded:\n%s", out)
	}

	m.mustRun(t, "systemctl", "stop", "sshkeybot")
	if err := os.Remove(filepath.Join(m.state(), "sshkeybot.db.lock")); err != nil {
		t.Error(err)
	}
	m.mustRun(t, append(m.asRoot(), "offboard", bob.id, "--yes")...)
	bob.has = false
	m.mustRun(t, "systemctl", "start", "sshkeybot") // what root wrote there is not in its way
	s.listens()
	s.atPeace(nil)
	m.leavesWrongSettings(t)
}

// leavesWrongSettings checks that a service with settings that cannot be used is not started again and again.
func (m machine) leavesWrongSettings(t *testing.T) {
	t.Helper()
	write(t, m.setting("sshkeybot.env"), "SSHKEYBOT_APPROVER=U0ALICE\n", 0o600)
	before := m.show(t, "NRestarts")
	m.mustRun(t, "systemctl", "restart", "sshkeybot")
	m.waits(t, "ActiveState", "failed")
	if got := m.show(t, "ExecMainStatus"); got != "2" || m.show(t, "NRestarts") != before {
		t.Errorf("exit status %s, and it was restarted %s times", got, m.show(t, "NRestarts"))
	}
}

// isConfined checks what systemd has taken from the process.
func (m machine) isConfined(t *testing.T) {
	t.Helper()
	status := m.mustRun(t, "cat", "/proc/"+m.show(t, "MainPID")+"/status")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"} {
		if !strings.Contains(status, want) {
			t.Errorf("%q is not in its status:\n%s", want, status)
		}
	}
}

// listens waits until the bot hears Slack.
func (s stage) listens() {
	s.Helper()
	until(s.T, patience, func() string {
		if s.slack.Sockets() == 0 {
			return "the bot does not connect to Slack"
		}
		return ""
	})
}
