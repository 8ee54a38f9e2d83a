package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		if err := tellScript(t.Context(), plan{now: time.Now}.host(), scriptServers, &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	})
	for _, act := range []string{
		"/sshkey grant @alice 12h", "Only Alice sees", "as Bob sees it", "[ Approve ]", "Bob presses Approve", "as Alice sees it",
		"23 of 25 servers", "1 failed, 1 waiting", "This action is unauthorized.", "offline", "23 of 25 servers have the key, each exactly once",
		"/sshkey grant @alice 4h on scalingo", "can act as the account", "/sshkey done", "`alice-laptop`", "[ Remove this token ]", "no key of Alice's any more",
		"/sshkey rotate Shop", "No way back", "Done: the account has the new key", "Removed on 1 server",
	} {
		if !strings.Contains(out.String(), act) {
			t.Errorf("the story lacks %q:\n%s", act, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("it is coloured where there is no terminal")
	}
}

func TestDemoTellsOfALie(t *testing.T) {
	t.Parallel()
	account := runcloudsim.New(runcloudsim.Options{})
	servers := account.AddServers(3)
	for _, id := range servers[1:] {
		account.AddKey(id, runcloudsim.Credential{Label: "k", User: "root", PublicKey: "ssh-ed25519 AAAA"})
	}
	result := func(server int, s access.ResultState) []access.Result {
		return []access.Result{{ServerName: account.Servers()[server].Name, State: s}}
	}
	for _, lie := range [][]access.Result{result(0, access.Done), result(1, access.Failed)} {
		if _, err := compare(lie, account); err == nil {
			t.Errorf("%+v passed for the truth", lie)
		}
	}
	if have, err := compare(append(result(0, access.Waiting), result(1, access.Done)...), account); have != 1 || err != nil {
		t.Errorf("the truth is %d servers, %v", have, err)
	}
}

// The demo ends without an error, and leaves nothing behind, when the reader of its output is
// gone and on Ctrl-C.
func TestDemoEndsEarly(t *testing.T) {
	t.Parallel()
	interrupt := func(cmd *exec.Cmd, _ *os.File) { _ = cmd.Process.Signal(os.Interrupt) }
	for name, c := range map[string]struct {
		args  []string
		leave func(cmd *exec.Cmd, stdout *os.File)
	}{
		"closed pipe":     {[]string{"demo", "--script"}, func(_ *exec.Cmd, stdout *os.File) { _ = stdout.Close() }},
		"Ctrl-C":          {[]string{"demo", "--script"}, interrupt},
		"page and Ctrl-C": {[]string{"demo"}, interrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, dir := exec.CommandContext(t.Context(), "sshkeybot", c.args...), t.TempDir() // TestMain puts the program on the path
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = write, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = write.Close()
			if _, err := read.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			c.leave(cmd, read)
			if name != "closed pipe" {
				_, _ = io.Copy(io.Discard, read)
			}
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("%v\n%s", err, &stderr)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
