package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Made up, and recognisable wherever one of them should leak.
const (
	botToken = "xoxb-leak-1"
	appToken = "xapp-leak-2"
	runToken = "leak-3"
)

// setEnvironment sets the required settings and those of the test, and no others.
func setEnvironment(t *testing.T, more map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) || strings.HasPrefix(name, "RUNCLOUD_") || slices.Contains(names(), name) {
			t.Setenv(name, value) // puts it back at the end
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	values := map[string]string{
		"SLACK_BOT_TOKEN":     botToken,
		"SLACK_APP_TOKEN":     appToken,
		"RUNCLOUD_API_TOKEN":  runToken,
		"SSHKEYBOT_APPROVERS": "U0ALICE",
	}
	maps.Copy(values, more)
	for name, value := range values {
		t.Setenv(name, value)
	}
}

func load(t *testing.T, more map[string]string) (Config, []string) {
	t.Helper()
	setEnvironment(t, more)
	c, err := Load()
	if err == nil {
		return c, nil
	}
	var problems *Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var list []string
	for _, problem := range problems.List {
		list = append(list, problem.String())
	}
	return c, list
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func defaults() Config {
	return Config{
		Slack:               Slack{NewSecret(botToken), NewSecret(appToken), "https://slack.com/api/"},
		RunClouds:           []RunCloud{{"runcloud", NewSecret(runToken), "https://manage.runcloud.io/api/v3", 12 * time.Hour, 400_000}},
		Approvers:           []string{"U0ALICE"},
		Approvals:           1,
		RequestTTL:          8 * time.Hour,
		MinDuration:         5 * time.Minute,
		MaxDuration:         30 * 24 * time.Hour,
		LongGrants:          LongGrantsRenew,
		SystemUser:          "runcloud",
		SystemUsers:         []string{"runcloud"},
		Reason:              ReasonOptional,
		KeyProof:            KeyProofContested,
		OffboardDeactivated: OffboardDeactivatedRun,
		DailySummary:        &TimeOfDay{9, 0},
		Audit:               &TimeOfWeek{time.Monday, TimeOfDay{9, 30}},
		Keep:                400 * 24 * time.Hour,
		DatabaseURL:         NewSecret("sqlite:sshkeybot.db"),
		Concurrency:         16,
		HTTPAddr:            "127.0.0.1:9464",
		LogLevel:            "info",
		LogFormat:           "json",
	}
}

var revealed = cmp.Transformer("reveal", Secret.Reveal)

func TestLoadDefaults(t *testing.T) {
	allEmpty := map[string]string{}
	for _, name := range names() {
		allEmpty[name] = ""
	}
	for _, name := range []string{
		"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "RUNCLOUD_API_TOKEN", "SSHKEYBOT_APPROVERS",
		"SSHKEYBOT_DAILY_SUMMARY", "SSHKEYBOT_AUDIT", "SSHKEYBOT_HTTP_ADDR",
	} {
		delete(allEmpty, name)
	}
	for name, more := range map[string]map[string]string{"unset": nil, "empty": allEmpty} {
		t.Run(name, func(t *testing.T) {
			got, problems := load(t, more)
			if diff := cmp.Diff(defaults(), got, revealed); diff != "" || problems != nil {
				t.Error(problems, diff)
			}
		})
	}
}

func TestLoadEverything(t *testing.T) {
	got, problems := load(t, map[string]string{
		"SLACK_API_URL":                  "http://127.0.0.1:1/api",
		"RUNCLOUD_API_URL":               "http://127.0.0.1:2/v3/",
		"RUNCLOUD_TEMPORARY_LIFETIME":    "7h",
		"RUNCLOUD_MONTHLY_QUOTA":         "0",
		"SSHKEYBOT_APPROVERS":            " U0ALICE, W0BOB,S0OPS ,U0ALICE,,",
		"SSHKEYBOT_APPROVERS_QUIET":      "U0CAROL, W0BOB,S0LEADS",
		"SSHKEYBOT_APPROVAL_CHANNEL":     "C0APPROVE",
		"SSHKEYBOT_ANNOUNCE_CHANNEL":     " G0NEWS ",
		"SSHKEYBOT_APPROVALS":            "2",
		"SSHKEYBOT_SELF_APPROVAL":        "true",
		"SSHKEYBOT_REQUEST_TTL":          "1d12h",
		"SSHKEYBOT_MIN_DURATION":         "2s",
		"SSHKEYBOT_MAX_DURATION":         "2w",
		"SSHKEYBOT_ALLOW_FOREVER":        "1",
		"SSHKEYBOT_LONG_GRANTS":          "permanent",
		"SSHKEYBOT_REASON":               "required",
		"SSHKEYBOT_TICKET_URL":           "https://tickets.example.com:8443/browse?a=1&id=%s",
		"SSHKEYBOT_KEY_PROOF":            "always",
		"SSHKEYBOT_SYSTEM_USER":          "deploy",
		"SSHKEYBOT_SYSTEM_USERS":         "deploy, root",
		"SSHKEYBOT_OFFBOARD_DEACTIVATED": "ask",
		"SSHKEYBOT_DAILY_SUMMARY":        "23:59",
		"SSHKEYBOT_AUDIT":                "Sat-23:58",
		"SSHKEYBOT_KEEP":                 "90d",
		"SSHKEYBOT_DATABASE_URL":         "postgres://bot:pass@db/keys?sslmode=require",
		"SSHKEYBOT_CONCURRENCY":          "256",
		"SSHKEYBOT_HTTP_ADDR":            ":0",
		"SSHKEYBOT_LOG_LEVEL":            "debug",
		"SSHKEYBOT_LOG_FORMAT":           "console",
		"SCALINGO_API_TOKEN":             "tk-us-1",
		"SCALINGO_AUTH_URL":              "http://127.0.0.1:3/",
		"SCALINGO_GRANTS":                "true",
		"OCTOPUS_URL":                    "https://deploy.example/octopus/",
		"OCTOPUS_API_KEY":                "API-KEY",
		"OCTOPUS_SPACE":                  "Spaces 1",
	})
	want := Config{
		Slack:               Slack{NewSecret(botToken), NewSecret(appToken), "http://127.0.0.1:1/api/"},
		RunClouds:           []RunCloud{{"runcloud", NewSecret(runToken), "http://127.0.0.1:2/v3", 7 * time.Hour, 0}},
		Scalingo:            &Scalingo{NewSecret("tk-us-1"), "http://127.0.0.1:3", true},
		Octopus:             &Octopus{"https://deploy.example/octopus", NewSecret("API-KEY"), "Spaces 1"},
		Approvers:           []string{"U0ALICE", "W0BOB", "S0OPS"},
		ApproversQuiet:      []string{"U0CAROL", "S0LEADS"},
		ApprovalChannel:     "C0APPROVE",
		AnnounceChannel:     "G0NEWS",
		Approvals:           2,
		SelfApproval:        true,
		RequestTTL:          36 * time.Hour,
		MinDuration:         2 * time.Second,
		MaxDuration:         14 * 24 * time.Hour,
		AllowForever:        true,
		LongGrants:          LongGrantsPermanent,
		SystemUser:          "deploy",
		SystemUsers:         []string{"deploy", "root"},
		Reason:              ReasonRequired,
		TicketURL:           "https://tickets.example.com:8443/browse?a=1&id=%s",
		KeyProof:            KeyProofAlways,
		OffboardDeactivated: OffboardDeactivatedAsk,
		DailySummary:        &TimeOfDay{23, 59},
		Audit:               &TimeOfWeek{time.Saturday, TimeOfDay{23, 58}},
		Keep:                90 * 24 * time.Hour,
		DatabaseURL:         NewSecret("postgres://bot:pass@db/keys?sslmode=require"),
		Concurrency:         256,
		HTTPAddr:            ":0",
		HTTPAddrSet:         true,
		LogLevel:            "debug",
		LogFormat:           "console",
	}
	if diff := cmp.Diff(want, got, revealed); diff != "" || problems != nil {
		t.Error(problems, diff)
	}
}

// Settings that change others, and values at the edge of what is taken.
func TestLoadAccepts(t *testing.T) {
	for name, row := range map[string]struct {
		more   map[string]string
		change func(*Config)
	}{
		"announce where approved": {map[string]string{"SSHKEYBOT_APPROVAL_CHANNEL": "C0A"}, func(c *Config) { c.ApprovalChannel, c.AnnounceChannel = "C0A", "C0A" }},
		"quiet ones count":        {map[string]string{"SSHKEYBOT_APPROVERS_QUIET": "U0BOB", "SSHKEYBOT_APPROVALS": "2"}, func(c *Config) { c.ApproversQuiet, c.Approvals = []string{"U0BOB"}, 2 }},
		"audit off":               {map[string]string{"SSHKEYBOT_AUDIT": ""}, func(c *Config) { c.Audit = nil }},
		"summary off":             {map[string]string{"SSHKEYBOT_DAILY_SUMMARY": ""}, func(c *Config) { c.DailySummary = nil }},
		"HTTP off":                {map[string]string{"SSHKEYBOT_HTTP_ADDR": " "}, func(c *Config) { c.HTTPAddr, c.HTTPAddrSet = "", true }},
		"IPv6":                    {map[string]string{"SSHKEYBOT_HTTP_ADDR": "[::1]:80"}, func(c *Config) { c.HTTPAddr, c.HTTPAddrSet = "[::1]:80", true }},
		"HTTP set as by default":  {map[string]string{"SSHKEYBOT_HTTP_ADDR": "127.0.0.1:9464"}, func(c *Config) { c.HTTPAddrSet = true }},
		"one user is the list":    {map[string]string{"SSHKEYBOT_SYSTEM_USER": "deploy"}, func(c *Config) { c.SystemUser, c.SystemUsers = "deploy", []string{"deploy"} }},
		"root when listed":        {map[string]string{"SSHKEYBOT_SYSTEM_USER": "root", "SSHKEYBOT_SYSTEM_USERS": "root"}, func(c *Config) { c.SystemUser, c.SystemUsers = "root", []string{"root"} }},
		"shortest is longest":     {map[string]string{"SSHKEYBOT_MIN_DURATION": "30d"}, func(c *Config) { c.MinDuration = 30 * 24 * time.Hour }},
		"a group may be many":     {map[string]string{"SSHKEYBOT_APPROVERS": "S0OPS", "SSHKEYBOT_APPROVALS": "3"}, func(c *Config) { c.Approvers, c.Approvals = []string{"S0OPS"}, 3 }},
		"database on a socket":    {map[string]string{"SSHKEYBOT_DATABASE_URL": "postgresql:///keys?host=/run/pg"}, func(c *Config) { c.DatabaseURL = NewSecret("postgresql:///keys?host=/run/pg") }},
		"Scalingo by default":     {map[string]string{"SCALINGO_API_TOKEN": "tk"}, func(c *Config) { c.Scalingo = &Scalingo{NewSecret("tk"), "https://auth.scalingo.com", false} }},
		"Kubernetes' own": {map[string]string{
			"SSHKEYBOT_SERVICE_HOST": "10.0.0.1", "SSHKEYBOT_SERVICE_PORT": "80", "SSHKEYBOT_SERVICE_PORT_HTTP": "80",
			"SSHKEYBOT_PORT": "tcp://10.0.0.1:80", "SSHKEYBOT_PORT_80_TCP": "tcp://10.0.0.1:80", "SSHKEYBOT_PORT_80_TCP_ADDR": "10.0.0.1",
		}, func(*Config) {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := defaults()
			row.change(&want)
			got, problems := load(t, row.more)
			if diff := cmp.Diff(want, got, revealed); diff != "" || problems != nil {
				t.Error(problems, diff)
			}
		})
	}
}

func TestLoadSecretFiles(t *testing.T) {
	for name, row := range map[string]struct{ content, want string }{
		"plain":         {"xoxb-1", "xoxb-1"},
		"line end":      {"xoxb-1\n", "xoxb-1"},
		"DOS line end":  {"xoxb-1\r\n", "xoxb-1"},
		"two line ends": {"xoxb-1\n\n", ""},
		"nothing":       {"\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := load(t, map[string]string{"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": writeFile(t, row.content)})
			if got := c.Slack.BotToken.Reveal(); got != row.want || (row.want == "") != (len(problems) == 1) {
				t.Errorf("got %q, %v", got, problems)
			}
		})
	}
	t.Run("every secret", func(t *testing.T) {
		c, problems := load(t, map[string]string{
			"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": writeFile(t, "xoxb-f\n"),
			"SLACK_APP_TOKEN": "", "SLACK_APP_TOKEN_FILE": writeFile(t, "xapp-f\n"),
			"RUNCLOUD_API_TOKEN": "", "RUNCLOUD_API_TOKEN_FILE": writeFile(t, "run\n"),
			"SSHKEYBOT_DATABASE_URL_FILE": writeFile(t, "sqlite:/my data/keys.db\n"),
			"SCALINGO_API_TOKEN_FILE":     writeFile(t, "scale\n"),
			"OCTOPUS_API_KEY_FILE":        writeFile(t, "octo\n"),
			"OCTOPUS_URL":                 "https://octopus.example",
		})
		if problems != nil {
			t.Fatal(problems)
		}
		got := []Secret{c.Slack.BotToken, c.Slack.AppToken, c.RunClouds[0].Token, c.DatabaseURL, c.Scalingo.Token, c.Octopus.APIKey}
		want := []string{"xoxb-f", "xapp-f", "run", "sqlite:/my data/keys.db", "scale", "octo"}
		for i := range want {
			if got[i].Reveal() != want[i] {
				t.Errorf("got %q, want %q", got[i].Reveal(), want[i])
			}
		}
	})
}

// A command asks only for what it needs; a slip in a name is reported all the same.
func TestLoadForAsksForItsOwn(t *testing.T) {
	setEnvironment(t, map[string]string{
		"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "", "RUNCLOUD_API_TOKEN": "", "SSHKEYBOT_APPROVERS": "", "SSHKEYBOT_APPROVALS": "x",
		"SSHKEYBOT_DATABASE_URL": "sqlite:here.db",
	})
	if c, err := LoadFor("SSHKEYBOT_DATABASE_URL"); err != nil || c.DatabaseURL.Reveal() != "sqlite:here.db" {
		t.Errorf("%v", err)
	}
	if _, err := LoadWithout("SLACK_APP_TOKEN"); err == nil || strings.Contains(err.Error(), "SLACK_APP_TOKEN") || !strings.Contains(err.Error(), "SLACK_BOT_TOKEN") {
		t.Errorf("without the app token: %v", err)
	}
	t.Setenv("SSHKEYBOT_DATABASE_URL", "nonsense")
	t.Setenv("SSHKEYBOT_DATABSE_URL", "sqlite:there.db")
	if _, err := LoadFor("SSHKEYBOT_DATABASE_URL"); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v", err)
	}
}
