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
	figures := health.Figures{Sockets: 2, Ledger: &health.Ledger{
		LiveGrants: 3, OwedRemovals: 2, OldestRemoval: 90 * time.Second, UndecidedKeys: 7, UndecidedLookalikes: 6, RestoredWaiting: true, Outbox: health.Queue{Waiting: 1, Oldest: time.Minute},
		Targets: []health.Target{{Name: "a", WaitingCalls: 4, CallsThisMonth: 5, MonthlyQuota: 10, Halted: true}, {Name: "b", Listed: true, ListAge: time.Second}},
	}}
	metrics := health.NewMetrics(health.Build{Version: "v1", Commit: "c0ffee"}, func(context.Context) health.Figures { return figures })
	metrics.GrantEnded(4 * time.Second)
	metrics.RequestClosed("grant", "approved")
	metrics.RequestDecided("grant", 2*time.Minute)
	metrics.RequestClosed("grant", "expired")
	metrics.Settled("remove", "failed", "refused")
	metrics.Called("a", http.StatusTooManyRequests)
	metrics.Called("a", 0)
	metrics.CallWaited("a", "removal", 2*time.Second)
	metrics.Transaction(true, time.Second, time.Millisecond)
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
		"sshkeybot_grants_live 3", "sshkeybot_removals_owed 2", "sshkeybot_keys_undecided 7", "sshkeybot_keys_undecided_lookalikes 6", "sshkeybot_halted 1", "sshkeybot_restored_waiting 1",
		`sshkeybot_target_calls_waiting{target="a"} 4`, `sshkeybot_target_calls_this_month{target="a"} 5`, `sshkeybot_target_calls_this_month{target="b"} 0`,
		`sshkeybot_grant_end_lateness_seconds_bucket{le="5"} 1`, "sshkeybot_slack_sockets 2", "sshkeybot_ledger_readable 1", "sshkeybot_removals_owed_oldest_age_seconds 90",
		"sshkeybot_outbox_waiting 1", "sshkeybot_outbox_oldest_age_seconds 60", `sshkeybot_target_calls_monthly_quota{target="a"} 10`, `sshkeybot_target_halted{target="a"} 1`,
		`sshkeybot_target_list_age_seconds{target="b"} 1`, `sshkeybot_build_info{commit="c0ffee",date="",goversion="`, `version="v1"} 1`,
		`sshkeybot_decisions_total{kind="grant",outcome="approved"} 1`, `sshkeybot_decisions_total{kind="grant",outcome="expired"} 1`,
		`sshkeybot_decision_wait_seconds_count{kind="grant"} 1`, `sshkeybot_decision_wait_seconds_sum{kind="grant"} 120`,
		`sshkeybot_results_total{outcome="failed",phase="remove",problem="refused"} 1`,
		`sshkeybot_target_calls_total{outcome="4xx",target="a"} 1`, `sshkeybot_target_calls_total{outcome="lost",target="a"} 1`,
		`sshkeybot_target_wait_seconds_sum{class="removal",target="a"} 2`,
		`sshkeybot_database_wait_seconds_sum{kind="write"} 1`, `sshkeybot_database_transaction_seconds_bucket{kind="write",le="0.001"} 1`,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("metrics lack %q", line)
		}
	}
	if strings.Contains(body, `quota{target="b"}`) || strings.Contains(body, `age_seconds{target="a"}`) {
		t.Error("what is not known is shown")
	}
	figures.Ledger = nil
	if _, body = page(t, h, "/metrics"); !strings.Contains(body, "sshkeybot_ledger_readable 0") || !strings.Contains(body, "sshkeybot_slack_sockets 2") || strings.Contains(body, "sshkeybot_removals_owed") {
		t.Errorf("a ledger that cannot be read: %s", body)
	}
}
