package outbox

import (
	"context"
	"log/slog"
	"slices"
	"strconv"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// logOutcome logs what a phase came to, server by server where it failed.
func (t *thread) logOutcome(ctx context.Context) {
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
	level := slog.LevelInfo
	if len(failed) > 0 {
		level = slog.LevelWarn
	}
	r := t.view.Request
	t.Log.Log(ctx, level, "outcome of a request", "request", r.ID, "kind", string(r.Kind), "person", string(r.Person), "phase", string(t.phase),
		"done", done, "waiting", waiting, "failed", len(failed), "failed_servers", slices.Compact(slices.Sorted(slices.Values(failed))))
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
