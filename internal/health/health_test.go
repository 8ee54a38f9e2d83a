package health_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/health"
)

func page(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestPages(t *testing.T) {
	t.Parallel()
	var broken error
	metrics := health.NewMetrics(func(context.Context) (health.Figures, error) {
		return health.Figures{LiveGrants: 3, OwedRemovals: 2, UndecidedKeys: 7, UndecidedLookalikes: 6, Halted: true, Targets: []health.TargetFigures{{Name: "a", WaitingCalls: 4, CallsThisMonth: 5}, {Name: "b"}}}, nil
	})
	metrics.GrantEnded(4 * time.Second)
	h := health.Handler("3f", []health.Check{
		{Name: "ledger", Do: func(context.Context) error { return nil }},
		{Name: "slack", Do: func(context.Context) error { return broken }},
	}, metrics)

	if code, body := page(t, h, "/readyz"); code != http.StatusOK || !strings.Contains(body, `"slack":"ok"`) {
		t.Errorf("ready: %d %s", code, body)
	}
	broken = errors.New("no ping for 40s")
	if code, body := page(t, h, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "no ping for 40s") {
		t.Errorf("not ready: %d %s", code, body)
	}
	if code, body := page(t, h, "/healthz"); code != http.StatusOK || !strings.Contains(body, `"ledger":"3f"`) {
		t.Errorf("a process that lives is healthy whatever its connections do, and names its ledger: %d %s", code, body)
	}
	_, body := page(t, h, "/metrics")
	for _, line := range []string{
		"sshkeybot_grants_live 3", "sshkeybot_removals_owed 2", "sshkeybot_keys_undecided 7", "sshkeybot_keys_undecided_lookalikes 6", "sshkeybot_halted 1",
		`sshkeybot_target_calls_waiting{target="a"} 4`, `sshkeybot_target_calls_this_month{target="a"} 5`, `sshkeybot_target_calls_this_month{target="b"} 0`,
		`sshkeybot_grant_end_lateness_seconds_bucket{le="5"} 1`,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("metrics lack %q", line)
		}
	}
}
