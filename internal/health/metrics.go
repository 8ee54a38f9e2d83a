package health

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Figures are the numbers of the ledger and of the connections at the time of a scrape.
type Figures struct {
	LiveGrants          int
	PendingRequests     int
	OverdueGrants       int // past their end, and not ended
	OwedRemovals        int // keys that must go and are not known to be gone
	UndecidedKeys       int // keys and API tokens about which an approver has to decide one by one
	UndecidedLookalikes int // of these, keys that may be anybody's
	Sockets             int // connected to Slack
	Targets             []TargetFigures
	Halted              bool
	Writable            bool // the ledger
}

// TargetFigures are the numbers of calls to one target.
type TargetFigures struct {
	Name           string
	WaitingCalls   int // for its rate limit
	CallsThisMonth int // by all processes on the ledger, since the month began (UTC)
}

// Metrics is the Prometheus registry of the process, with its own metrics registered.
type Metrics struct {
	*prometheus.Registry
	lateness prometheus.Histogram
}

// NewMetrics returns a registry that calls read for the figures at every scrape. If that
// fails, the scrape says so in sshkeybot_ledger_readable.
func NewMetrics(read func(ctx context.Context) (Figures, error)) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "sshkeybot_grant_end_lateness_seconds",
			Help:    "How long after its end an expired grant was ended and its removals were due.",
			Buckets: []float64{0.5, 1, 2, 5, 10, 30, 60, 300, 3600},
		}),
	}
	m.MustRegister(m.lateness, figures{read}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// GrantEnded records how late a grant ended.
func (m *Metrics) GrantEnded(late time.Duration) { m.lateness.Observe(late.Seconds()) }

type figures struct {
	read func(ctx context.Context) (Figures, error)
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sshkeybot_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector. It describes nothing, so that the figures are
// first collected at a scrape, and not when there is no bot yet to read them from.
func (figures) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f figures) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	now, err := f.read(ctx)
	for _, g := range []struct {
		desc  *prometheus.Desc
		value float64
	}{
		{gauge("grants_live", "Grants that give access now."), float64(now.LiveGrants)},
		{gauge("requests_pending", "Requests that wait for an approver, or for a key."), float64(now.PendingRequests)},
		{gauge("grants_overdue", "Grants that are past their end and could not be ended."), float64(now.OverdueGrants)},
		{gauge("removals_owed", "Keys that must leave a server and are not confirmed to be gone."), float64(now.OwedRemovals)},
		{gauge("keys_undecided", "Keys and API tokens that may be a leaver's, or nobody's, and that an approver has to remove or leave."), float64(now.UndecidedKeys)},
		{gauge("keys_undecided_lookalikes", "Those of them that merely begin like a key, as every key of its type does."), float64(now.UndecidedLookalikes)},
		{gauge("slack_sockets", "Sockets that are connected to Slack."), float64(now.Sockets)},
		{gauge("halted", "1 while a target refuses the token and all work there waits."), oneIf(now.Halted)},
		{gauge("ledger_writable", "1 if the ledger can be written."), oneIf(now.Writable)},
		{gauge("ledger_readable", "1 if the numbers above could be read."), oneIf(err == nil)},
	} {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value)
	}
	collectCalls(ch, now.Targets)
}

func collectCalls(ch chan<- prometheus.Metric, targets []TargetFigures) {
	waiting := gauge("target_calls_waiting", "Calls that wait for the rate limit of the target.", "target")
	made := gauge("target_calls_this_month", "Calls to the target since the month began (UTC), by all processes on this ledger.", "target")
	for _, t := range targets {
		ch <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(t.WaitingCalls), t.Name)
		ch <- prometheus.MustNewConstMetric(made, prometheus.GaugeValue, float64(t.CallsThisMonth), t.Name)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
