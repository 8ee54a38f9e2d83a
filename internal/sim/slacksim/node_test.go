package slacksim

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"sshkeybot/internal/sim/nodetest"
)

// TestSlacksOwnClient lets Slack's client for Node judge the played workspace:
// it is the only peer here that nobody wrote for this test.
func TestSlacksOwnClient(t *testing.T) {
	t.Parallel()
	dir := nodetest.Modules(t, "testdata/node")
	b := newBench(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	b.ctx = ctx
	stop := b.startNode(dir)

	b.wait("a connection", func(w *Workspace) bool { return w.Sockets() == 1 })
	b.tryNode("one")
	b.w.Refresh()
	b.wait("a second connection", func(w *Workspace) bool {
		return w.Sockets() == 1 && w.Count("apps.connections.open") == 2
	})
	b.tryNode("two")
	if r, err := b.w.Deactivate(ctx, "UB"); err != nil || !r.Acked {
		t.Errorf("user_change: %+v %v", r, err)
	}
	b.wait("the event's message", func(w *Workspace) bool {
		list := w.Messages("C1")
		return list[len(list)-1].Text == "left: UB true"
	})
	stop()
	b.wait("no connection", func(w *Workspace) bool { return w.Sockets() == 0 })
	if v := b.w.Violations(); len(v) > 0 {
		t.Errorf("violations: %v", v)
	}
}

func (b *bench) wait(what string, cond func(*Workspace) bool) {
	b.t.Helper()
	if err := b.w.Wait(b.ctx, cond); err != nil {
		b.t.Fatalf("%s: %v; calls %v", what, err, b.w.Calls())
	}
}

// tryNode has the bot answer a command, a click and a modal.
func (b *bench) tryNode(word string) {
	b.t.Helper()
	before := len(b.w.Messages("C1"))
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey "+word)
	if err != nil || r.Response == nil || r.Response.Text != "heard "+word {
		b.t.Fatalf("command: %+v %v", r, err)
	}
	b.wait("the post", func(w *Workspace) bool { return len(w.Messages("C1")) == before+1 })
	ts := b.w.Messages("C1")[before].TS
	if r, err := b.w.Click(b.ctx, "UB", "C1", ts, Pick{ActionID: "yes"}); err != nil || !r.Acked {
		b.t.Fatalf("click: %+v %v", r, err)
	}
	b.wait("the update", func(w *Workspace) bool {
		m, _ := w.Message("C1", ts)
		return m.Text == "yes from UB" && len(m.Buttons()) == 0
	})
	b.wait("the modal", func(w *Workspace) bool { return len(w.Modals("UB")) == 1 })
	view := b.w.Modals("UB")[0].ID
	s, err := b.w.Submit(b.ctx, "UB", view, map[string]map[string]any{"why": {"text": "because"}})
	if err != nil || !s.Acked || len(b.w.Modals("UB")) != 0 {
		b.t.Fatalf("submit: %+v %v", s, err)
	}
}

// startNode runs the peer; stop closes its input and wants a clean end.
func (b *bench) startNode(dir string) (stop func()) {
	b.t.Helper()
	var output bytes.Buffer
	cmd := exec.CommandContext(b.ctx, "node", "peer.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SLACK_API_URL="+b.api,
		"SLACK_BOT_TOKEN="+b.w.BotToken(), "SLACK_APP_TOKEN="+b.w.AppToken())
	cmd.Stdout, cmd.Stderr = &output, &output
	input, err := cmd.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		_ = input.Close()
		if err := cmd.Wait(); err != nil {
			b.t.Errorf("node: %v", err)
		}
		if output.Len() > 0 {
			b.t.Errorf("the client complains:\n%s", output.String())
		}
	}
}
