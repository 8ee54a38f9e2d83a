package outbox

import (
	"context"
	"log/slog"
	"slices"
	"strconv"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/outage"
)

// lateAfter is after how many tries what Slack could not take for the moment is worth a line of its
// own: that Slack is away, or refuses the token, is said elsewhere.
const lateAfter = 100

// saw says in the log of a request or a notice that Slack refuses it, and that it no longer does.
func (n *Announcer) saw(ctx context.Context, name string, attempts int, err error, attrs ...any) {
	n.watching.Do(func() {
		n.late = outage.Watch{Log: n.Log, Level: slog.LevelWarn, Down: "not in Slack yet", Up: "in Slack after all"}
	})
	saidElsewhere := slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized
	if err == nil || !saidElsewhere || attempts >= lateAfter {
		n.late.Saw(ctx, name, err, attrs...)
	}
}

// logOutcome logs what a phase came to: when it is first settled, and when nothing of it waits any more.
func (t *thread) logOutcome(ctx context.Context, first bool) {
	var done, waiting int
	var failed []string
	for _, r := range t.results() {
		switch r.State {
		case access.Failed, access.OutOfReach:
			failed = append(failed, r.ServerName)
		case access.Waiting, access.Unsure:
			waiting++
		case access.Done, access.AlreadyThere, access.Kept, access.Dropped:
			done++
		}
	}
	if !first && waiting > 0 {
		return
	}
	r := t.view.Request
	attrs := []any{"request", r.ID, "kind", string(r.Kind), "person", string(r.Person), "phase", string(t.phase), "done", done, "waiting", waiting}
	if len(failed) == 0 {
		t.Log.InfoContext(ctx, "outcome of a request", attrs...)
		return
	}
	attrs = append(attrs, "failed", len(failed), "failed_servers", slices.Compact(slices.Sorted(slices.Values(failed))))
	t.Log.WarnContext(ctx, "outcome of a request", attrs...)
}

// logFinished logs once that an offboarding is finished, and once if it turns out not to be.
func (n *Announcer) logFinished(ctx context.Context, v *request, parent slackapi.Ref) error {
	if v.Request.Kind != access.KindOffboard || v.Request.State != access.Approved {
		return nil
	}
	said, known := newest(v.messages, roleFinished)
	finished := render.IsFinished(v.RequestView)
	if said.Digest == strconv.FormatBool(finished) || !known && !finished {
		return nil
	}
	if err := n.record(ctx, v, roleFinished, slackapi.Ref{Channel: parent.Channel, TS: "finished"}, strconv.FormatBool(finished)); err != nil {
		return err
	}
	if finished {
		n.Log.Info("offboarding finished", "request", v.Request.ID, "person", string(v.Request.Person))
	} else {
		n.Log.Warn("offboarding not finished after all", "request", v.Request.ID, "person", string(v.Request.Person))
	}
	return nil
}
