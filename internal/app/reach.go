package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"sshkeybot/internal/outage"
)

// unreachedFor is how long no call to a target succeeds before the log says so: single calls fail every day, and are
// tried again.
const unreachedFor = 30 * time.Second

// watched returns a transport of the calls to a target that says in the log when they fail, and when they no longer do.
func watched(log *slog.Logger, target string, web http.RoundTripper) http.RoundTripper {
	return &reach{web, target, outage.Watch{Log: log, Level: slog.LevelWarn, Down: "calls to a target fail", Up: "calls to a target succeed", Patience: unreachedFor, Greets: true}}
}

type reach struct {
	http.RoundTripper
	target string
	watch  outage.Watch
}

// RoundTrip implements http.RoundTripper.
func (r *reach) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := r.RoundTripper.RoundTrip(req)
	failed := err
	if err == nil && answer.StatusCode >= http.StatusInternalServerError {
		failed = errors.New(answer.Status)
	}
	if !errors.Is(err, context.Canceled) {
		r.watch.Saw(req.Context(), r.target, failed, "target", r.target)
	}
	return answer, err
}
