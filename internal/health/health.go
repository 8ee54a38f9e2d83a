// Package health serves the state of the process over HTTP: /healthz says that it is running,
// /readyz whether it can do its work, and /metrics has numbers for Prometheus.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check checks one part of the process. Do returns an error while that part cannot do its
// work. A failing check makes the process not ready, but never unhealthy: what is wrong is
// outside the process, and a restart would not fix it.
type Check struct {
	Name string
	Do   func(ctx context.Context) error
}

const checkTimeout = 3 * time.Second

// Handler returns the handler for the three paths. /healthz shows ledger, the name of the
// ledger that the process uses, so that operators can see whether it is the one they meant.
func Handler(ledger string, checks []Check, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"process": "ok", "ledger": ledger})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		status, report := ready(r.Context(), checks)
		answer(w, status, report)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

func ready(ctx context.Context, checks []Check) (int, map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	status, report := http.StatusOK, map[string]string{}
	for _, check := range checks {
		report[check.Name] = "ok"
		if err := check.Do(ctx); err != nil {
			status, report[check.Name] = http.StatusServiceUnavailable, err.Error()
		}
	}
	return status, report
}

func answer(w http.ResponseWriter, status int, report map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report) // fails if the client is gone
}
