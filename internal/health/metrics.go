package health

import (
	"context"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Build says what program this is.
type Build struct{ Version, Commit, Date string }

// Metrics is the Prometheus registry of the process, with its own metrics registered. Its
// counters begin at zero with the process.
type Metrics struct {
	*prometheus.Registry
	lateness    prometheus.Histogram
	decisions   *prometheus.CounterVec
	decided     *prometheus.HistogramVec
	results     *prometheus.CounterVec
	calls       *prometheus.CounterVec
	callWait    *prometheus.HistogramVec
	transaction *prometheus.HistogramVec
	writerWait  *prometheus.HistogramVec
}

// NewMetrics returns a registry that calls read for the figures at every scrape.
func NewMetrics(b Build, read func(ctx context.Context) Figures) *Metrics {
	m := &Metrics{
		Registry:    prometheus.NewRegistry(),
		lateness:    prometheus.NewHistogram(lateness),
		decisions:   counter("decisions_total", "Requests that came to an end, by what was asked for and how it ended.", "kind", "outcome"),
		decided:     histogram("decision_wait_seconds", "How long requests that an approver decided had waited since they could be decided.", minutes, "kind"),
		results:     counter("results_total", "What work on a server came to, each time that changed: for placing or removing a key, and for reading a server.", "phase", "outcome", "problem"),
		calls:       counter("target_calls_total", "Calls of this process to a target, by the class of the answer's status; lost where none came.", "target", "outcome"),
		callWait:    histogram("target_wait_seconds", "How long calls of this process waited for the rate limit of a target, by what they were for.", waits, "target", "class"),
		transaction: histogram("database_transaction_seconds", "How long transactions took, from when they could begin.", moments, "kind"),
		writerWait:  histogram("database_wait_seconds", "How long transactions waited until they could begin: for others that write, or for a connection.", moments, "kind"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sshkeybot_build_info", Help: "1, with what program this is.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "date": b.Date, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.MustRegister(m.lateness, m.decisions, m.decided, m.results, m.calls, m.callWait, m.transaction, m.writerWait, build, figures{read},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// The upper bounds of the buckets, in seconds.
var (
	moments = []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10}       //nolint:gochecknoglobals // a constant
	waits   = []float64{0.1, 1, 5, 15, 60, 300, 900, 3600}            //nolint:gochecknoglobals // a constant
	minutes = []float64{60, 300, 900, 1800, 3600, 7200, 14400, 28800} //nolint:gochecknoglobals // a constant

	lateness = prometheus.HistogramOpts{ //nolint:gochecknoglobals // a constant
		Name:    "sshkeybot_grant_end_lateness_seconds",
		Help:    "How long after its end an expired grant was ended and its removals were due.",
		Buckets: []float64{0.5, 1, 2, 5, 10, 30, 60, 300, 3600},
	}
)

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sshkeybot_" + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sshkeybot_" + name, Help: help, Buckets: buckets}, labels)
}

// GrantEnded records how late a grant ended.
func (m *Metrics) GrantEnded(late time.Duration) { m.lateness.Observe(late.Seconds()) }

// RequestClosed records how a request ended.
func (m *Metrics) RequestClosed(kind, outcome string) {
	m.decisions.WithLabelValues(kind, outcome).Inc()
}

// RequestDecided records how long a request had waited that an approver decided.
func (m *Metrics) RequestDecided(kind string, waited time.Duration) {
	m.decided.WithLabelValues(kind).Observe(waited.Seconds())
}

// Settled records what work on a server came to; problem is empty for none.
func (m *Metrics) Settled(phase, outcome, problem string) {
	m.results.WithLabelValues(phase, outcome, problem).Inc()
}

// Called records a call to a target by the status of its answer; 0 if that was lost.
func (m *Metrics) Called(target string, status int) {
	outcome := "lost"
	if status != 0 {
		outcome = strconv.Itoa(status/100) + "xx"
	}
	m.calls.WithLabelValues(target, outcome).Inc()
}

// CallWaited records how long a call waited for the limit of a target.
func (m *Metrics) CallWaited(target, class string, d time.Duration) {
	m.callWait.WithLabelValues(target, class).Observe(d.Seconds())
}

// Transaction records one of the database.
func (m *Metrics) Transaction(writes bool, waited, took time.Duration) {
	kind := "read"
	if writes {
		kind = "write"
	}
	m.writerWait.WithLabelValues(kind).Observe(waited.Seconds())
	m.transaction.WithLabelValues(kind).Observe(took.Seconds())
}
