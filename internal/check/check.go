// Package check checks, before anything runs, whether the bot can do its work with the
// settings that it is given. Each check says what it found and how to fix it. No check
// changes anything in Slack, at a target or in the database, and no finding contains a secret.
package check

import (
	"context"
	"net/http"
	"time"

	"sshkeybot/internal/config"
)

// Status is the outcome of a check.
type Status string

// The outcomes of a check.
const (
	OK      Status = "ok"
	Note    Status = "note"    // nobody has to do anything about it
	Warning Status = "warning" // a choice that somebody may want to reconsider
	Problem Status = "problem" // the bot would not do its work
)

// Finding is what one check found, in sentences for an operator.
type Finding struct {
	Name   string `json:"name"` // of the check
	Status Status `json:"status"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"` // what to do about a warning or a problem
}

func ok(name, text string) Finding { return Finding{Name: name, Status: OK, Text: text} }

func note(name, text string) Finding { return Finding{Name: name, Status: Note, Text: text} }

func warning(name, text, remedy string) Finding {
	return Finding{Name: name, Status: Warning, Text: text, Remedy: remedy}
}

func problem(name, text, remedy string) Finding {
	return Finding{Name: name, Status: Problem, Text: text, Remedy: remedy}
}

// Checker is what is checked.
type Checker struct {
	Config   config.Config
	Manifest string           // of the Slack app, in YAML
	Now      func() time.Time // the clock that is compared with Slack's and RunCloud's
	Zone     string           // the environment variable TZ
	Targets  []string         // the names of the targets that are configured
}

// callTimeout is the timeout of one call.
const callTimeout = 15 * time.Second

// Run makes every check, one after the other.
func (c Checker) Run(ctx context.Context) []Finding {
	findings := append([]Finding{c.socket(ctx)}, c.workspace(ctx)...)
	findings = append(append(findings, c.runCloud(ctx)...), c.scalingo(ctx)...)
	findings = append(findings, c.octopus(ctx)...)
	findings = append(findings, c.database(ctx)...)
	return append(findings, c.rules()...)
}

// AtStart makes the checks that a starting bot does not make by itself anyway. The database
// is not among them, since the bot has opened it, and neither is any that takes many calls.
func (c Checker) AtStart(ctx context.Context) []Finding {
	findings := append(c.workspace(ctx), c.reachesRunCloud(ctx)...)
	return append(findings, c.reachesScalingo(ctx)...)
}

// Good reports whether there is no problem among the findings.
func Good(findings []Finding) bool {
	for _, f := range findings {
		if f.Status == Problem {
			return false
		}
	}
	return true
}

// dateTransport is an http.RoundTripper that keeps the Date header of the last response, to
// compare the clocks.
type dateTransport struct {
	now  func() time.Time
	date string
	at   time.Time // our time half-way between the request and the response
}

// RoundTrip implements http.RoundTripper.
func (d *dateTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	began := d.now()
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		d.date, d.at = answer.Header.Get("Date"), began.Add(d.now().Sub(began)/2)
	}
	return answer, err
}

// skewAllowed is how much the clocks may differ: grants end by ours, temporary keys by
// RunCloud's.
const skewAllowed = 30 * time.Second

func (d *dateTransport) finding(name, whose string) Finding {
	theirs, err := http.ParseTime(d.date)
	if err != nil {
		return note(name, whose+" did not tell its time, so the clock could not be compared.")
	}
	skew := d.at.Sub(theirs).Round(time.Second)
	switch {
	case skew > skewAllowed:
		return problem(name, "The clock of this machine is "+skew.String()+" ahead of "+whose+"'s.", mendClock)
	case skew < -skewAllowed:
		return problem(name, "The clock of this machine is "+(-skew).String()+" behind "+whose+"'s.", mendClock)
	}
	return ok(name, "The clock agrees with "+whose+"'s.")
}

const mendClock = "Have the machine keep its clock by NTP, for example: timedatectl set-ntp true."
