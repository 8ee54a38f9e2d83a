package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	alertsFile = "../../deploy/prometheus-alerts.yaml"
	well       = 10 // minutes for which all is well before the fault
	faulty     = 70 // minutes for which it lasts
)

// needsPromtool skips the test where promtool, Prometheus's own judge of rules, is not to be had.
func needsPromtool(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not installed: it comes with Prometheus")
	}
}

func promtool(t *testing.T, stdin io.Reader, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// rule is one of a file of rules.
type rule struct {
	Alert, Expr, For string
}

// alertRules returns the alerts.
func alertRules(t *testing.T) (rules []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(contentOf(t, alertsFile)), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}

// series are the samples of a scrape by name and labels.
type series map[string]string

// scrape returns what Prometheus gets from the bot, with its own word on whether it got anything.
func (r *rig) scrape() series {
	r.t.Helper()
	got := series{"up": "0"}
	answer, err := r.web().Get("http://" + r.cfg.HTTPAddr + "/metrics")
	if err != nil {
		return labelled(got)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return labelled(got)
	}
	got["up"] = "1"
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, ok := cutLast(lines.Text())
		if ok && strings.HasPrefix(name, "sshkeybot_") {
			got[name] = value
		}
	}
	return labelled(got)
}

// labelled returns the samples with the labels that Prometheus adds.
func labelled(s series) series {
	all := series{}
	for name, value := range s {
		const labels = `job="sshkeybot",instance="one"`
		if open, more, ok := strings.Cut(name, "{"); ok {
			all[open+"{"+labels+","+more] = value
		} else {
			all[name+"{"+labels+"}"] = value
		}
	}
	return all
}

// cutLast cuts a sample before its value. A comment has none.
func cutLast(line string) (name, value string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || line[0] == '#' {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// value returns one sample of a scrape.
func (r *rig) value(name string) float64 {
	r.t.Helper()
	_, metrics := r.page("/metrics")
	for line := range strings.Lines(metrics) {
		if at, value, _ := cutLast(strings.TrimSpace(line)); at == name {
			f, err := strconv.ParseFloat(value, 64)
			r.must(err)
			return f
		}
	}
	r.t.Fatalf("there is no %s", name)
	return 0
}

// judge has promtool play two scrapes, one after the other, and checks which alerts fire: none
// before, none in the time that its rule asks for, all of them then, and no other ever.
func judge(t *testing.T, fires []string, before, during series) {
	t.Helper()
	type sample struct {
		Labels string `yaml:"labels"`
		Value  int    `yaml:"value"`
	}
	type query struct {
		Expr    string   `yaml:"expr"`
		At      string   `yaml:"eval_time"`
		Samples []sample `yaml:"exp_samples"`
	}
	none := func(until int, which string) query { // until then
		expr := fmt.Sprintf(`count by (alertname) (count_over_time(ALERTS{alertstate="firing",%s}[%dm]))`, which, until)
		return query{Expr: expr, At: fmt.Sprintf("%dm", until)}
	}
	queries := []query{none(well-1, `alertname!=""`), none(well+faulty, `alertname!~"`+strings.Join(fires, "|")+`"`)}
	for _, rule := range alertRules(t) {
		if !slices.Contains(fires, rule.Alert) {
			continue
		}
		lasts := minutesOf(t, rule.For)
		if lasts > 0 {
			queries = append(queries, none(well+lasts-1, `alertname="`+rule.Alert+`"`))
		}
		fired := none(well+lasts+1, `alertname="`+rule.Alert+`"`)
		fired.Samples = []sample{{Labels: `{alertname="` + rule.Alert + `"}`, Value: 1}}
		queries = append(queries, fired)
	}
	type input struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	var inputs []input
	all := maps.Clone(before)
	maps.Copy(all, during)
	for name := range all {
		inputs = append(inputs, input{name, lasting(before[name], well) + " " + lasting(during[name], faulty)})
	}
	rules, err := filepath.Abs(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(map[string]any{
		"rule_files": []string{rules}, "evaluation_interval": "1m",
		"tests": []any{map[string]any{"interval": "1m", "input_series": inputs, "promql_expr_test": queries}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "fault.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "test", "rules", file)
}

// lasting returns a value for so many minutes, in promtool's notation; the empty one is of a
// series that is not there.
func lasting(value string, minutes int) string {
	if value == "" {
		return fmt.Sprintf("_x%d", minutes)
	}
	return fmt.Sprintf("%s+0x%d", value, minutes-1)
}

func minutesOf(t *testing.T, duration string) int {
	t.Helper()
	switch {
	case duration == "":
		return 0
	case strings.HasSuffix(duration, "h"):
		return 60 * minutesOf(t, strings.TrimSuffix(duration, "h")+"m")
	}
	n, err := strconv.Atoi(strings.TrimSuffix(duration, "m"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
