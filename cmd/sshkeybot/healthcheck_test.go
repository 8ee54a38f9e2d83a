package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/store/storetest"
)

// occupied returns an address whose port another program has.
func occupied(t *testing.T) string {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })}
	go func() { _ = other.Serve(taken) }()
	t.Cleanup(func() { _ = other.Close() })
	return taken.Addr().String()
}

// command returns the program as another process, with these settings alone.
func command(t *testing.T, line string, settings ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sshkeybot", strings.Fields(line)...) // TestMain puts the program on the path
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, settings...)
	return cmd
}

// Wherever the bot's pages are, or whether it has any, the command finds the bot that is on its own database.
func TestHealthcheckFindsTheBot(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"any port": "127.0.0.1:0", "every interface": "[::]:0", "a host's name": "localhost:0", "default port that is taken": occupied(t), "no pages": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live(t)
			r := start(t, plan{sockets: true, servers: -1, config: func(c *config.Config) { c.HTTPAddr = address }})
			database := r.cfg.DatabaseURL.Reveal()
			for _, own := range []string{"SSHKEYBOT_HTTP_ADDR=" + address, "SSHKEYBOT_HTTP_ADDR=", "SSHKEYBOT_HTTP_ADDR=127.0.0.1:9"} {
				if out, err := command(t, "healthcheck", own, "SSHKEYBOT_DATABASE_URL="+database).CombinedOutput(); err != nil {
					t.Errorf("%s: %v: %s", own, err, out)
				}
			}
			r.Ends()
			out, err := command(t, "healthcheck", "SSHKEYBOT_HTTP_ADDR="+address, "SSHKEYBOT_DATABASE_URL="+database).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "bot") {
				t.Errorf("after its end: %v: %s", err, out)
			}
		})
	}
}

func TestHealthcheckWithoutASocket(t *testing.T) {
	t.Parallel()
	none := "SSHKEYBOT_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "none.db")
	for name, c := range map[string]struct{ address, database, says string }{
		"another process":            {occupied(t), none, "another process answers there"},
		"nobody":                     {"127.0.0.1:9", none, "does not answer"},
		"no pages on a file":         {"", none, "SSHKEYBOT_HTTP_ADDR is empty"},
		"any port":                   {":0", none, "port 0"},
		"no pages on PostgreSQL":     {"", "SSHKEYBOT_DATABASE_URL=postgres://db/keys", ""},
		"another bot on PostgreSQL:": {occupied(t), "SSHKEYBOT_DATABASE_URL=postgres://db/keys", "another process answers there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := command(t, "healthcheck", "SSHKEYBOT_HTTP_ADDR="+c.address, c.database).CombinedOutput()
			if (err == nil) != (c.says == "") || !strings.Contains(string(out), c.says) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// A port that was set and is taken ends the bot before it has begun anything; it runs without the default one.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	live(t)
	r := start(t, plan{sockets: true, servers: -1})
	r.Ends()
	address := occupied(t)
	cmd := exec.CommandContext(t.Context(), "sshkeybot", "run")
	cmd.Env = append(r.environment(), "SSHKEYBOT_HTTP_ADDR="+address, "SSHKEYBOT_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "own.db"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("it ended with %v", err)
	}
	r.says(string(out), "cannot be at "+address+", which SSHKEYBOT_HTTP_ADDR names: another process has that port")
}

// In played time: the start waits some seconds for the process that it replaces to free the port.
func TestPortThatIsFreedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, frees := range map[string]bool{"freed": true, "kept": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, plan{servers: -1})
				r.Ends()
				r.must(<-r.ended)
				taken, err := r.host.Listen("tcp", "127.0.0.1:9464")
				r.must(err)
				cfg := r.cfg // on another file: a process that is being started may hold the lock of this one for a moment
				cfg.HTTPAddr, cfg.HTTPAddrSet, cfg.DatabaseURL = "127.0.0.1:9464", true, config.NewSecret(storetest.EmptyFile(t))
				r.build(cfg)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				r.leave = leave
				go func() { r.ended <- r.app.Run(ctx) }()
				if frees {
					<-time.After(3 * time.Second)
					r.must(taken.Close())
					r.until("it is healthy", func() bool { return r.alive("127.0.0.1:9464") })
					return
				}
				if err := <-r.ended; err == nil || !strings.Contains(err.Error(), "another process has that port") {
					t.Errorf("it ended with %v", err)
				}
				r.ended <- nil
			})
		})
	}
}

// alive reports whether /healthz answers at an address in the rig's network.
func (r *rig) alive(address string) bool {
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+address+"/healthz", nil)
	r.must(err)
	answer, err := r.web().Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
