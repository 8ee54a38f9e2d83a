// Package check proves, before anything runs, that the settings are good for what
// the bot will do with them: each proof says what it found, and how to mend it. No
// proof changes anything in Slack or at RunCloud, and none tells a secret.
package check

import (
	"context"
	"net/http"
	"time"

	"sshkeybot/internal/config"
)

// Status is what a proof came to.
type Status string

// A Note needs nobody; a Warning is a choice that somebody may want to know of; with
// a Problem the bot would not do its work.
const (
	OK      Status = "ok"
	Note    Status = "note"
	Warning Status = "warning"
	Problem Status = "problem"
)

// Finding is the outcome of one proof, in sentences for an operator.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

func ok(name, text string) Finding { return Finding{Name: name, Status: OK, Text: text} }

func note(name, text string) Finding { return Finding{Name: name, Status: Note, Text: text} }

func warning(name, text, remedy string) Finding {
	return Finding{Name: name, Status: Warning, Text: text, Remedy: remedy}
}

func problem(name, text, remedy string) Finding {
	return Finding{Name: name, Status: Problem, Text: text, Remedy: remedy}
}

// Checker holds what the proofs look at.
type Checker struct {
	Config   config.Config
	Manifest string           // of the Slack app, in YAML
	Now      func() time.Time // the clock that is compared with Slack's and RunCloud's
	Zone     string           // TZ, as it is set
}

// patience is how long one call may take.
const patience = 15 * time.Second

// Run makes every proof, one after the other.
func (c Checker) Run(ctx context.Context) []Finding {
	findings := append([]Finding{c.socket(ctx)}, c.workspace(ctx)...)
	findings = append(findings, c.runCloud(ctx)...)
	findings = append(findings, c.database(ctx)...)
	return append(append(findings, c.rules()...), c.withoutEffect()...)
}

// AtStart makes the proofs that a bot which starts would not come to by itself: not those
// of the database, which it has opened, and none that costs more than a few calls.
func (c Checker) AtStart(ctx context.Context) []Finding {
	findings := append(c.workspace(ctx), c.reachesRunCloud(ctx))
	return append(findings, c.withoutEffect()...)
}

// Good tells whether nothing is a problem.
func Good(findings []Finding) bool {
	for _, f := range findings {
		if f.Status == Problem {
			return false
		}
	}
	return true
}

// dated carries requests, and keeps what the last answer said of the time.
type dated struct {
	now  func() time.Time
	date string
	at   time.Time // half-way between asking and being answered
}

// RoundTrip implements http.RoundTripper.
func (d *dated) RoundTrip(request *http.Request) (*http.Response, error) {
	began := d.now()
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		d.date, d.at = answer.Header.Get("Date"), began.Add(d.now().Sub(began)/2)
	}
	return answer, err
}

// skewAllowed is how far the clocks may be apart: grants end by ours, and temporary
// keys by RunCloud's.
const skewAllowed = 30 * time.Second

func (d *dated) finding(name, whose string) Finding {
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
