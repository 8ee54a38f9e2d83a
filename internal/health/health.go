// Package health serves the state of the process to operators: /healthz that it lives,
// /readyz whether it can do its work, /metrics in numbers.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check is one part of the process. Do returns an error while the part cannot do its
// work. A failing check makes the process not ready; it never makes it unhealthy,
// since a restart would mend nothing outside it.
type Check struct {
	Name string
	Do   func(ctx context.Context) error
}

const checkTimeout = 3 * time.Second

// Handler returns the handler of the three pages. The first names the ledger that the
// process works on, so that operators see whether it is the one they meant.
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
	_ = json.NewEncoder(w).Encode(report) // the reader went away: nobody to tell
}
