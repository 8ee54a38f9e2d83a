package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"sshkeybot/internal/config"
)

// logged runs the bot in another process until its log contains a text, and returns the log.
func (r *rig) logged(until string, more ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "sshkeybot", "run") // TestMain puts the program on the path
	cmd.Env = append(append(r.environment(), "SSHKEYBOT_HTTP_ADDR=", "SSHKEYBOT_DATABASE_URL=sqlite:"+filepath.Join(r.t.TempDir(), "own.db")), more...)
	var log printed
	cmd.Stderr = &log
	r.must(cmd.Start())
	r.until("the log says "+until, func() bool { return strings.Contains(log.String(), until) })
	r.must(cmd.Process.Signal(os.Interrupt))
	r.must(cmd.Wait())
	return log.String()
}

// A bot that starts logs what check would say, and works all the same.
func TestRunSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := start(t, plan{sockets: true, servers: 1, scalingo: true})
	r.Ends()
	said := r.logged("no such user", "SSHKEYBOT_APPROVERS=U0NIX,"+bob)
	r.says(said, "U0NIX")
	said = r.logged("Scalingo answers 401", "SCALINGO_API_TOKEN=tk-1", "SLACK_BOT_TOKEN=xoxb-wrong", "RUNCLOUD_API_TOKEN=wrong")
	r.says(said, "Slack refuses the token: invalid_auth", "RunCloud answers 401", "Scalingo answers 401")
	r.saysNot(said, "tk-1")
	if n := strings.Count(said, "Slack refuses the bot token"); n > 1 {
		t.Errorf("one line is enough: %d", n)
	}
}

// A bot token that Slack refuses is noticed before anybody needs it.
func TestWrongBotTokenIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log printed
		r := start(t, plan{servers: 1, log: &log, config: func(c *config.Config) { c.Slack.BotToken = config.NewSecret("xoxb-wrong") }})
		r.until("it shows", func() bool {
			code, body := r.page("/readyz")
			return code == http.StatusServiceUnavailable && strings.Contains(body, "invalid_auth")
		})
		r.until("it is logged", func() bool { return strings.Contains(log.String(), "SLACK_BOT_TOKEN") })
		if n := strings.Count(log.String(), "Slack refuses the bot token"); n != 1 {
			t.Errorf("it is logged %d times", n)
		}
	})
}

func TestConsoleLogHasNoColoursInAFile(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	newLog("info", "console", &log).Error("something", "key", "value")
	if text := log.String(); strings.Contains(text, "\x1b") || !strings.Contains(text, "key=value") {
		t.Errorf("%q", text)
	}
}

func TestToldToStopAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		r.leave()
		r.must(<-r.ended)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		r.ended <- r.app.Run(ctx)
	})
}
