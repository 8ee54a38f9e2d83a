package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"go.yaml.in/yaml/v3"
)

const (
	metricsPage   = "../../docs/metrics.md"
	dashboardFile = "../../deploy/grafana-dashboard.json"
)

// metric is one of ours, as a scrape describes it.
type metric struct{ name, kind, labels, help string }

var (
	described = regexp.MustCompile(`(?m)^# HELP (sshkeybot_\w+) (.*)\n# TYPE \w+ (\w+)\n(\w+)(\{.*\})? `)
	labelName = regexp.MustCompile(`(\w+)="`)
	ourName   = regexp.MustCompile(`sshkeybot_[a-z_]+[a-z]`)
	suffix    = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// scraped returns a scrape of a bot that has given and taken access, and been refused to.
func scraped(t *testing.T) (text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var clock jumpClock
		r := start(t, plan{now: clock.now, scalingo: true, config: quota})
		faults["a server refuses removals"].does(r, &clock)
		_, text = r.page("/metrics")
	})
	return text
}

// metricsOf returns our metrics by name.
func metricsOf(scrape string) map[string]metric {
	all := map[string]metric{}
	for _, found := range described.FindAllStringSubmatch(scrape, -1) {
		var labels []string
		for _, l := range labelName.FindAllStringSubmatch(found[5], -1) {
			if l[1] != "le" {
				labels = append(labels, "`"+l[1]+"`")
			}
		}
		all[found[1]] = metric{found[1], found[3], strings.Join(labels, ", "), found[2]}
	}
	return all
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The page describes every metric as the bot does, and nothing is named anywhere that it does not
// have.
func TestMetricsAreDescribed(t *testing.T) {
	t.Parallel()
	scrape := scraped(t)
	known := metricsOf(scrape)
	table := "| metric | type | labels | what it says | alerts |\n| --- | --- | --- | --- | --- |\n"
	for _, name := range slices.Sorted(maps.Keys(known)) {
		m := known[name]
		table += strings.ReplaceAll(fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", m.name, m.kind, m.labels, m.help, alertsOn(t, name)), "|  |", "| |")
	}
	page := contentOf(t, metricsPage)
	whole := regexp.MustCompile(`(?m)^\| metric.*\n(\|.*\n)*`).ReplaceAllLiteralString(page, table)
	if *updateTranscript {
		if err := os.WriteFile(metricsPage, []byte(whole), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if whole != page {
		t.Errorf("%s does not describe the metrics as they are; -update writes its table anew:\n%s", metricsPage, table)
	}
	for _, file := range []string{alertsFile, dashboardFile, metricsPage, "../../README.md"} {
		for _, name := range ourName.FindAllString(contentOf(t, file), -1) {
			if _, ok := known[suffix.ReplaceAllString(name, "")]; !ok && known[name].name == "" {
				t.Errorf("%s names %s, which the bot does not have", file, name)
			}
		}
	}
	t.Run("promtool", func(t *testing.T) {
		t.Parallel()
		needsPromtool(t)
		promtool(t, strings.NewReader(scrape), "check", "metrics")
	})
}

// alertsOn returns the names of the alerts that ask for a metric.
func alertsOn(t *testing.T, name string) string {
	t.Helper()
	var names []string
	for _, rule := range alertRules(t) {
		asked := ourName.FindAllString(rule.Expr, -1)
		if slices.ContainsFunc(asked, func(found string) bool { return suffix.ReplaceAllString(found, "") == name }) {
			names = append(names, rule.Alert)
		}
	}
	return strings.Join(names, ", ")
}

// dashboard is what counts of one of Grafana's.
type dashboard struct {
	UID           string
	SchemaVersion int
	Panels        []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

// Grafana can import the dashboard, and Prometheus understands what it asks.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var d dashboard
	if err := json.Unmarshal([]byte(contentOf(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	if d.UID != "sshkeybot" || d.SchemaVersion == 0 {
		t.Errorf("it is %q of schema %d", d.UID, d.SchemaVersion)
	}
	var rules []map[string]string
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels are number %d", p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, isTaken := taken[[2]int{x, y}]; isTaken || x >= 24 {
					t.Errorf("%s lies outside, or on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && (len(p.Targets) == 0 || p.Description == "") {
			t.Errorf("%s asks nothing, or does not say what it shows", p.Title)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("%s asks %s", p.Title, cmp.Or(q.Datasource.UID, "nobody"))
			}
			expr := strings.ReplaceAll(q.Expr, "$__rate_interval", "5m")
			rules = append(rules, map[string]string{"record": fmt.Sprintf("panel:%d", p.ID), "expr": expr})
		}
	}
	needsPromtool(t)
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", "--lint=none", file)
}
