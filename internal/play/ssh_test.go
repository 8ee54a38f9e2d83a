package play

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// client is OpenSSH's own client with the keys of one person.
type client struct {
	t      *testing.T
	folder string
	keys   []string // paths of private keys
}

// newClient makes keys of the usual types with ssh-keygen.
func newClient(t *testing.T, name string) *client {
	t.Helper()
	for _, tool := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("install OpenSSH's client to run this test: apt-get install openssh-client")
		}
	}
	c := &client{t: t, folder: t.TempDir()}
	for kind, args := range map[string][]string{"ed25519": {"-t", "ed25519"}, "ecdsa": {"-t", "ecdsa", "-b", "256"}, "rsa": {"-t", "rsa", "-b", "3072"}} {
		path := filepath.Join(c.folder, name+"-"+kind)
		out, err := exec.CommandContext(t.Context(), "ssh-keygen", append(args, "-q", "-N", "", "-C", name, "-f", path)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		c.keys = append(c.keys, path)
	}
	return c
}

// public returns the public half of a key.
func (c *client) public(key string) string {
	c.t.Helper()
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(line))
}

// login logs in with that key alone by the configuration of a login, and returns what the server says and whether
// it let us in.
func (c *client) login(l Login, key, server, user string) (greeting string, in bool) {
	c.t.Helper()
	whole, err := os.ReadFile(l.Config())
	if err != nil {
		c.t.Fatal(err)
	}
	config := filepath.Join(c.folder, "config")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(string(whole), l.key(), key)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(c.t.Context(), "ssh", "-F", config, "-o", "BatchMode=yes", "-l", user, "-T", server)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.folder}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), true
	case errors.As(err, &exit) && exit.ExitCode() == 255 && strings.Contains(string(out), "Permission denied (publickey)"):
		return "", false
	}
	c.t.Fatalf("ssh to %s with %s: %v\n%s", server, key, err, out)
	return "", false
}

// everywhere checks that each key is let in on every server, or on none.
func (c *client) everywhere(g *game, l Login, want bool, when string) {
	c.t.Helper()
	for _, server := range g.RunCloud.Servers() {
		for _, key := range c.keys {
			greeting, in := c.login(l, key, server.Name, SystemUser)
			if in != want {
				c.t.Errorf("%s, %s lets %s in: %v", when, server.Name, filepath.Base(key), in)
			}
			if in && !strings.Contains(greeting, "logged in to "+server.Name+" as runcloud, until ") {
				c.t.Errorf("%s greets with %q", server.Name, greeting)
			}
		}
	}
}

// Keys of every usual type log in on every server after the approval, as nobody else, and nowhere before it, after
// the end and after an offboarding.
func TestSSH(t *testing.T) {
	t.Parallel()
	g := newGame(t, Options{Servers: 2})
	c := newClient(t, "dave")
	l := g.logins[Dave]
	c.keys = append(c.keys, l.key())
	for _, key := range c.keys[:3] {
		g.types(Dave, "register "+c.public(key))
	}
	c.everywhere(g.game, l, false, "before the request")

	g.types(Dave, "grant @dave 2h")
	request := g.request(2)
	c.everywhere(g.game, l, false, "before the approval")
	g.presses(Carol, request, "Approve")
	g.until("all keys are there", func(t truth) bool { return t.found == 8 && t.said.placed[onRunCloud] == 8 })
	c.everywhere(g.game, l, true, "after the approval")
	if _, in := c.login(l, c.keys[0], "web-01", "root"); in {
		t.Error("let in as root")
	}

	g.Clock.Move(2*time.Hour + time.Second)
	g.until("all keys are gone", func(t truth) bool { return t.found == 0 })
	c.everywhere(g.game, l, false, "after the end")

	g.types(Dave, "grant @dave 2h")
	g.presses(Carol, g.request(3), "Approve")
	g.until("all keys are there", func(t truth) bool { return t.found == 8 })
	c.everywhere(g.game, l, true, "after another approval")
	if _, err := g.Slack.Deactivate(t.Context(), Dave); err != nil {
		t.Fatal(err)
	}
	g.until("all keys are gone", func(t truth) bool { return t.found == 0 })
	c.everywhere(g.game, l, false, "after the offboarding")
}

// rig is a game in a test.
type rig struct {
	*game
	t *testing.T
}

func newGame(t *testing.T, o Options) *rig {
	t.Helper()
	o.Dir = t.TempDir()
	logins, err := newLogins(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := open(t.Context(), o, logins, &changes{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.close(); err != nil {
			t.Error(err)
		}
		for _, bot := range g.bots { // the killed ones, too
			<-bot.over
		}
		for _, v := range g.Slack.Violations() {
			t.Errorf("a rule of Slack's was broken: %+v", v)
		}
	})
	return &rig{g, t}
}

func (r *rig) types(person, text string) {
	r.t.Helper()
	r.until("the bot listens", func(truth) bool { return r.Slack.Sockets() > 0 })
	if got, err := r.Slack.Command(r.t.Context(), person, Ops, "/sshkey "+text); err != nil || !got.Acked {
		r.t.Fatalf("/sshkey %s: %+v, %v", text, got.Outcome, err)
	}
}

// request waits for the message of a request.
func (r *rig) request(id int) slacksim.Message {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	m, err := r.Posted(ctx, fmt.Sprintf("Request %d:", id))
	if err != nil {
		r.t.Fatalf("request %d was not posted: %v", id, err)
	}
	return m
}

func (r *rig) presses(person string, m slacksim.Message, label string) {
	r.t.Helper()
	if err := outcome(r.Slack.Click(r.t.Context(), person, m.Channel, m.TS, slacksim.Pick{Label: label})); err != nil {
		r.t.Fatal(err)
	}
}

// patience is how long anything may take, on a machine that is busy with other things.
const patience = time.Minute

// until waits until the truth is so.
func (r *rig) until(what string, is func(truth) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for {
		next := r.changed.wait()
		t, err := r.truth(r.t.Context())
		r.must(err)
		if is(t) {
			return
		}
		if ctx.Err() != nil {
			r.t.Fatalf("after %s this is still not so: %s: said %v, found %d, unsettled %v, ill %v, tour %+v", patience, what, t.said.placed, t.found, t.said.unsettled, r.troubled(), t.said.tour)
		}
		sleepUntil(ctx, next, 100*time.Millisecond)
	}
}
