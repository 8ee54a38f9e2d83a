package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"sshkeybot/internal/sim/runcloudsim"
)

// machine is a systemd in namespaces of its own, with the unit of deploy/ and the program under test.
type machine struct {
	dir string
	pid int
}

// bootScript makes the namespaces look like a machine that has just begun to start. It has a /dev/shm of its own,
// where systemd removes what a user leaves whose service ends: TMPDIR, with the ledger, may be in the other one.
const bootScript = `set -e
mount --make-rprivate /
mount --bind "$DIR/etc" /etc
mount --bind "$DIR/lib" /var/lib
mount --bind "$DIR/bin" /usr/local/bin
mount -t tmpfs tmpfs /run
mkdir /run/units
mount --bind "$DIR/units" /run/units
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs tmpfs /dev/shm
mount --make-rshared /
exec env -i container=test PATH="$PATH" SYSTEMD_UNIT_PATH=/run/units /lib/systemd/systemd --system --unit=default.target
`

// units are those that the service needs besides its own.
var units = map[string]string{
	"default.target": "[Unit]\nRequires=dbus.socket\n",
	"sysinit.target": "[Unit]\n", "basic.target": "[Unit]\n", "shutdown.target": "[Unit]\nDefaultDependencies=no\n",
	"dbus.socket":  "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
	"dbus.service": "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n",
}

func boot(t *testing.T) machine {
	t.Helper()
	if *image == "" || os.Getuid() != 0 {
		t.Skip("needs root, and a static binary as -crash.image")
	}
	for _, program := range []string{"/lib/systemd/systemd", "/usr/bin/dbus-daemon"} {
		if _, err := os.Stat(program); err != nil {
			t.Skip("systemd or dbus-daemon is not installed")
		}
	}
	dir, err := os.MkdirTemp("", "sshkeybot-systemd-") //nolint:usetesting // t.TempDir is for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, text := range units {
		write(t, filepath.Join(dir, "units", name), text, 0o644)
	}
	for from, to := range map[string]string{
		*image: "bin/sshkeybot", "../../deploy/sshkeybot.service": "units/sshkeybot.service", "../../deploy/sshkeybotctl": "bin/sshkeybotctl",
	} {
		copyTo(t, from, filepath.Join(dir, to))
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "lib"), 0o755), exec.Command("cp", "-a", "/etc", dir).Run()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", bootScript)
	cmd.Env = append(os.Environ(), "DIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP}
	c := start(t, cmd)
	m := machine{dir: dir, pid: c.cmd.Process.Pid}
	until(t, patience, func() string {
		if out, err := m.run("systemctl", "is-active", "default.target"); err != nil {
			return "systemd does not run: " + out + c.log.String()
		}
		return ""
	})
	return m
}

// state returns the directory that the service has its ledger in.
func (m machine) state() string { return filepath.Join(m.dir, "lib", "private", "sshkeybot") }

func (m machine) ledger() database {
	path := filepath.Join(m.state(), "sshkeybot.db")
	return database{driver: "sqlite", source: "file:" + path + "?_pragma=busy_timeout(5000)"}
}

// configure writes the settings and tokens of the stage where the unit expects them.
func (m machine) configure(t *testing.T, s stage) {
	t.Helper()
	secrets := map[string]string{
		"SLACK_BOT_TOKEN": s.slack.BotToken(), "SLACK_APP_TOKEN": s.slack.AppToken(), "RUNCLOUD_API_TOKEN": runcloudsim.DefaultToken,
	}
	settings := &strings.Builder{}
	for _, line := range s.env {
		name, _, _ := strings.Cut(line, "=")
		if _, ok := secrets[name]; !ok && name != "SSHKEYBOT_DATABASE_URL" {
			fmt.Fprintln(settings, line)
		}
	}
	write(t, m.setting("sshkeybot.env"), settings.String(), 0o600)
	for name, secret := range secrets {
		write(t, m.setting(strings.ToLower(name)), secret, 0o600)
	}
}

func (m machine) setting(name string) string { return filepath.Join(m.dir, "etc", "sshkeybot", name) }

// run runs a program as root beside the systemd, with what sudo leaves of the environment.
func (m machine) run(program ...string) (string, error) {
	args := append([]string{"--target", strconv.Itoa(m.pid), "--mount", "--pid", "--ipc", "--uts", "--cgroup"}, program...)
	cmd := exec.Command("nsenter", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SUDO_USER=carol"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (m machine) mustRun(t *testing.T, program ...string) string {
	t.Helper()
	out, err := m.run(program...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", program, err, out)
	}
	return out
}

// asRoot returns the program, without what the unit has around it, with the settings in the unit's files.
func (m machine) asRoot() []string {
	return []string{"sh", "-c", `set -a && . /etc/sshkeybot/sshkeybot.env && cd /etc/sshkeybot &&
		SLACK_BOT_TOKEN_FILE=slack_bot_token RUNCLOUD_API_TOKEN_FILE=runcloud_api_token \
		SSHKEYBOT_DATABASE_URL=sqlite:/var/lib/sshkeybot/sshkeybot.db exec sshkeybot "$@"`, "sshkeybot"}
}

// show returns a property of the service.
func (m machine) show(t *testing.T, property string) string {
	t.Helper()
	return strings.TrimSpace(m.mustRun(t, "systemctl", "show", "--value", "--property="+property, "sshkeybot"))
}

// waits waits until a property of the service has that value.
func (m machine) waits(t *testing.T, property, want string) {
	t.Helper()
	until(t, patience, func() string {
		if got := m.show(t, property); got != want {
			return fmt.Sprintf("%s is %s, want %s", property, got, want)
		}
		return ""
	})
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(content), 0o755)
}
