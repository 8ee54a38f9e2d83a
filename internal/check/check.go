// Package check checks, before anything runs, whether the bot can do its work with the
// settings that it is given. Each check says what it found and how to fix it. No check
// changes anything in Slack, at a target or in the database, and no finding contains a secret.
package check

import (
	"context"
	"slices"
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

	// Patience is the longest that a service may ask to wait for Run to do so; Waiting is told then.
	Patience time.Duration
	Waiting  func(text string)
}

// Run makes every check, one after the other.
func (c Checker) Run(ctx context.Context) []Finding {
	findings := append([]Finding{c.socket(ctx)}, c.workspace(ctx)...)
	findings = append(append(findings, c.runCloud(ctx)...), c.scalingo(ctx)...)
	findings = append(findings, c.octopus(ctx)...)
	findings = append(append(findings, c.database(ctx)...), c.pages(ctx))
	return append(findings, c.rules()...)
}

// AtStart makes the checks that a starting bot does not make by itself anyway. Whether the database
// can be opened is not among them, since the bot has opened it, and neither is any that takes many
// calls or a wait.
func (c Checker) AtStart(ctx context.Context) []Finding {
	c.Patience = 0
	findings := append(c.place(), c.workspace(ctx)...)
	findings = append(findings, c.reachesRunCloud(ctx)...)
	return append(findings, c.reachesScalingo(ctx)...)
}

// Good reports whether there is no problem among the findings.
func Good(findings []Finding) bool { return !have(findings, Problem) }

// Spotless reports whether there is neither a problem nor a warning among the findings.
func Spotless(findings []Finding) bool { return Good(findings) && !have(findings, Warning) }

func have(findings []Finding, status Status) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Status == status })
}
