package health

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Figures are the numbers of the process, and of its ledger, at the time of a scrape.
type Figures struct {
	Sockets    int  // connected to Slack
	Reconnects int  // of those, since the start
	Connected  bool // whether Slack can reach the process and takes its tokens
	Writable   bool // the ledger
	SweepAge   time.Duration
	Ledger     *Ledger // nil if it could not be read
}

// Ledger is what there is in the ledger, the same for all processes on it.
type Ledger struct {
	LiveGrants          int
	PendingRequests     int
	OverdueGrants       int           // past their end, and not ended
	OwedRemovals        int           // keys that must go and are not known to be gone
	OldestRemoval       time.Duration // for how long the oldest of them has had to go
	UndecidedKeys       int           // keys and API tokens about which an approver has to decide one by one
	UndecidedLookalikes int           // of these, keys that may be anybody's
	OldestUndecided     time.Duration // for how long the oldest of them has been undecided
	RestoredWaiting     bool          // nothing is granted, since the ledger was restored from a copy
	Outbox, Inbox       Queue
	Targets             []Target
}

// Queue is what waits to be sent, or to be handled.
type Queue struct {
	Waiting int
	Oldest  time.Duration
}

// Target has the numbers of one target.
type Target struct {
	Name           string
	WaitingCalls   int // of this process, for its rate limit
	CallsThisMonth int // by all processes on the ledger, since the month began (UTC)
	MonthlyQuota   int // 0 if there is none
	ListAge        time.Duration
	Listed         bool // whether ListAge is known
	Halted         bool
}

type figures struct {
	read func(ctx context.Context) Figures
}

// Describe implements prometheus.Collector. It describes nothing, so that the figures are
// first collected at a scrape, and not when there is no bot yet to read them from.
func (figures) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f figures) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	now := f.read(ctx)
	send := scrape{ch}
	send.gauge("slack_sockets", "Sockets of this process that are connected to Slack.", now.Sockets)
	send.counter("slack_reconnects_total", "Connections to Slack that this process made in place of others.", now.Reconnects)
	send.flag("slack_connected", "1 if Slack can reach this process and takes its tokens, as /readyz says.", now.Connected)
	send.flag("ledger_writable", "1 if this process can write the ledger.", now.Writable)
	send.flag("ledger_readable", "1 if this process can read the ledger. While it is 0, what is read from there is left out.", now.Ledger != nil)
	send.seconds("sweep_age_seconds", "Time since this process last looked for what is due.", now.SweepAge)
	if now.Ledger != nil {
		send.ledger(now.Ledger)
	}
}

// shared ends the help of what comes from the ledger.
const shared = " The same on every replica."

// scrape sends the metrics of one scrape.
type scrape struct{ ch chan<- prometheus.Metric }

func (s scrape) ledger(l *Ledger) {
	s.gauge("grants_live", "Grants that give access now."+shared, l.LiveGrants)
	s.gauge("requests_pending", "Requests that wait for an approver, or for a key."+shared, l.PendingRequests)
	s.gauge("grants_overdue", "Grants that are past their end and could not be ended."+shared, l.OverdueGrants)
	s.gauge("removals_owed", "Keys that must leave a server and are not confirmed to be gone."+shared, l.OwedRemovals)
	s.seconds("removals_owed_oldest_age_seconds", "For how long the key has had to go that must leave a server and has had to the longest."+shared, l.OldestRemoval)
	s.gauge("keys_undecided", "Keys and API tokens that may be a leaver's, or nobody's, and that an approver has to remove or leave."+shared, l.UndecidedKeys)
	s.gauge("keys_undecided_lookalikes", "Undecided keys that merely begin like a leaver's, as every key of their type does."+shared, l.UndecidedLookalikes)
	s.seconds("keys_undecided_oldest_age_seconds", "Age of the oldest request with undecided keys."+shared, l.OldestUndecided)
	s.gauge("outbox_waiting", "Messages that are to be sent to Slack, or to be shown anew there."+shared, l.Outbox.Waiting)
	s.seconds("outbox_oldest_age_seconds", "For how long the oldest message has waited to be sent to Slack, or to be shown anew there."+shared, l.Outbox.Oldest)
	s.gauge("inbox_waiting", "Commands, clicks and forms from Slack that are acknowledged and not handled yet."+shared, l.Inbox.Waiting)
	s.seconds("inbox_oldest_age_seconds", "For how long the oldest command, click or form from Slack has not been handled."+shared, l.Inbox.Oldest)
	halted := false
	for _, t := range l.Targets {
		halted = halted || t.Halted
		s.target(t)
	}
	s.flag("restored_waiting", "1 while nothing is granted, since the ledger was restored from a copy and no approver has pressed Continue."+shared, l.RestoredWaiting)
	s.flag("halted", "1 while any target refuses the token and all work there waits."+shared, halted)
}

func (s scrape) target(t Target) {
	s.gauge("target_calls_waiting", "Calls of this process that wait for the rate limit of the target.", t.WaitingCalls, "target", t.Name)
	s.gauge("target_calls_this_month", "Calls to the target since the month began (UTC), by all processes on this ledger.", t.CallsThisMonth, "target", t.Name)
	s.flag("target_halted", "1 while the target refuses the token and all work there waits."+shared, t.Halted, "target", t.Name)
	if t.MonthlyQuota > 0 {
		s.gauge("target_calls_monthly_quota", "Calls to the target that are paid for in a month, by the settings.", t.MonthlyQuota, "target", t.Name)
	}
	if t.Listed {
		s.seconds("target_list_age_seconds", "Time since the list of the target's servers was last read; left out while it has to be read anew."+shared, t.ListAge, "target", t.Name)
	}
}

func (s scrape) gauge(name, help string, value int, label ...string) {
	s.send(prometheus.GaugeValue, name, help, float64(value), label)
}

func (s scrape) counter(name, help string, value int) {
	s.send(prometheus.CounterValue, name, help, float64(value), nil)
}

func (s scrape) seconds(name, help string, d time.Duration, label ...string) {
	s.send(prometheus.GaugeValue, name, help, max(0, d.Seconds()), label)
}

func (s scrape) flag(name, help string, yes bool, label ...string) {
	value := 0
	if yes {
		value = 1
	}
	s.gauge(name, help, value, label...)
}

// send sends one sample. The label is a name and a value, or there is none.
func (s scrape) send(kind prometheus.ValueType, name, help string, value float64, label []string) {
	var labels prometheus.Labels
	if len(label) == 2 {
		labels = prometheus.Labels{label[0]: label[1]}
	}
	s.ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("sshkeybot_"+name, help, nil, labels), kind, value)
}
