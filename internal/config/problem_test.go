package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One wrong setting is one problem, which begins with the name and says what is expected.
func TestLoadRefuses(t *testing.T) {
	directory := t.TempDir()
	for _, row := range []struct{ name, value, want string }{
		{"SLACK_BOT_TOKEN", "", "is missing; set it, or SLACK_BOT_TOKEN_FILE"},
		{"SLACK_BOT_TOKEN", "xapp-1", "begins with xoxb-"},
		{"SLACK_BOT_TOKEN", "xoxb-", "begins with xoxb-"},
		{"SLACK_BOT_TOKEN", "xoxb-a b", "holds a blank"},
		{"SLACK_BOT_TOKEN", "xoxb-\u200b1", "holds a blank"},
		{"SLACK_APP_TOKEN", " ", "is missing"},
		{"SLACK_APP_TOKEN", "xoxb-1", "begins with xapp-"},
		{"RUNCLOUD_API_TOKEN", "", "is missing"},
		{"RUNCLOUD_API_TOKEN", "a\nb", "holds a blank"},
		{"SLACK_API_URL", "ftp://slack.com", "https://"},
		{"SLACK_API_URL", "slack.com/api/", "https://"},
		{"RUNCLOUD_API_URL", "https://", "https://"},
		{"RUNCLOUD_API_URL", "https://me:you@host", "without user"},
		{"RUNCLOUD_API_URL", "https://host/?token=1", "without user, query"},
		{"RUNCLOUD_MONTHLY_QUOTA", "-1", "must be a whole number"},
		{"RUNCLOUD_TEMPORARY_LIFETIME", "12", "must be a duration"},
		{"SSHKEYBOT_APPROVERS", "", "is missing; list the IDs"},
		{"SSHKEYBOT_APPROVERS", " , ", "is missing"},
		{"SSHKEYBOT_APPROVERS", "U0ALICE,@bob", "item 2 is not one"},
		{"SSHKEYBOT_APPROVERS", "u0alice", "item 1 is not one"},
		{"SSHKEYBOT_APPROVAL_CHANNEL", "#ops", "ID of a channel"},
		{"SSHKEYBOT_ANNOUNCE_CHANNEL", "U0ALICE", "ID of a channel"},
		{"SSHKEYBOT_APPROVALS", "0", "from 1 to 100"},
		{"SSHKEYBOT_APPROVALS", "two", "from 1 to 100"},
		{"SSHKEYBOT_APPROVALS", "2", "more approvals than SSHKEYBOT_APPROVERS and SSHKEYBOT_APPROVERS_QUIET list people"},
		{"SSHKEYBOT_SELF_APPROVAL", "yes", "true or false"},
		{"SSHKEYBOT_REQUEST_TTL", "-8h", "cannot be negative"},
		{"SSHKEYBOT_MIN_DURATION", "31d", "must not be longer than SSHKEYBOT_MAX_DURATION"},
		{"SSHKEYBOT_MAX_DURATION", "1.5d", "whole numbers"},
		{"SSHKEYBOT_KEEP", "23h", "at least 24h"},
		{"SSHKEYBOT_ALLOW_FOREVER", "maybe", "true or false"},
		{"SSHKEYBOT_LONG_GRANTS", "forever", "one of: renew, permanent"},
		{"SSHKEYBOT_KEY_PROOF", "never", "one of: contested, always"},
		{"SSHKEYBOT_SYSTEM_USER", "Run Cloud", "Linux user"},
		{"SSHKEYBOT_SYSTEM_USER", "-x", "Linux user"},
		{"SSHKEYBOT_SYSTEM_USER", strings.Repeat("a", 33), "Linux user"},
		{"SSHKEYBOT_SYSTEM_USER", "root", "one of those that SSHKEYBOT_SYSTEM_USERS lists"},
		{"SSHKEYBOT_SYSTEM_USERS", "runcloud,a:b", "item 2 is not one"},
		{"SSHKEYBOT_OFFBOARD_DEACTIVATED", "no", "one of: run, ask, off"},
		{"SSHKEYBOT_DAILY_SUMMARY", "9:00", "time of day"},
		{"SSHKEYBOT_DAILY_SUMMARY", "24:00", "time of day"},
		{"SSHKEYBOT_AUDIT", "09:30", "day and a time"},
		{"SSHKEYBOT_AUDIT", "monday-09:30", "day and a time"},
		{"SSHKEYBOT_AUDIT", "mon-9:30", "day and a time"},
		{"SSHKEYBOT_DATABASE_URL", "sqlite:", "sqlite:PATH"},
		{"SSHKEYBOT_DATABASE_URL", "mysql://db/keys", "sqlite:PATH"},
		{"SSHKEYBOT_DATABASE_URL", "postgres://", "sqlite:PATH"},
		{"SSHKEYBOT_DATABASE_URL", "postgres://bot:p%zz@db/keys", "sqlite:PATH"},
		{"SSHKEYBOT_CONCURRENCY", "0", "from 1 to 256"},
		{"SSHKEYBOT_CONCURRENCY", "257", "from 1 to 256"},
		{"SSHKEYBOT_HTTP_ADDR", "9464", "HOST:PORT"},
		{"SSHKEYBOT_HTTP_ADDR", "localhost:http", "HOST:PORT"},
		{"SSHKEYBOT_HTTP_ADDR", ":65536", "HOST:PORT"},
		{"SSHKEYBOT_HTTP_ADDR", "a b:80", "HOST:PORT"},
		{"SSHKEYBOT_LOG_LEVEL", "verbose", "one of: trace"},
		{"SSHKEYBOT_LOG_FORMAT", "text", "one of: json, console"},
		{"SCALINGO_API_TOKEN", "a b", "holds a blank"},
		{"SCALINGO_AUTH_URL", "auth.scalingo.com", "https://"},
		{"SCALINGO_GRANTS", "perhaps", "true or false"},
		{"SCALINGO_GRANTS", "true", "needs SCALINGO_API_TOKEN"},
		{"SCALINGO_API_TOKEN_FILE", directory, "readable file"},
		{"SCALINGO_API_TOKEN_FILE", filepath.Join(directory, "none"), "no such file"},
		{"SSHKEYBOT_APPROVER", "U1", "did you mean SSHKEYBOT_APPROVERS?"},
		{"SSHKEYBOT_DATABSE_URL", "x", "did you mean SSHKEYBOT_DATABASE_URL?"},
		{"SSHKEYBOT_LOGLEVEL", "info", "did you mean SSHKEYBOT_LOG_LEVEL?"},
		{"SSHKEYBOT_MAX_DURATION_FILE", "x", "did you mean SSHKEYBOT_MAX_DURATION?"},
		{"SSHKEYBOT_HTTP_PORT", "80", "did you mean SSHKEYBOT_HTTP_ADDR?"},
		{"SSHKEYBOT_QQQQQQQQQQ", "", "is no setting; remove it"},
	} {
		t.Run(row.name+"="+row.value, func(t *testing.T) {
			_, problems := load(t, map[string]string{row.name: row.value})
			if len(problems) != 1 || !strings.HasPrefix(problems[0], row.name+" ") || !strings.Contains(problems[0], row.want) {
				t.Errorf("got %q, want one with %q", problems, row.want)
			}
		})
	}
}

func TestTicketURLIsOneOfATicket(t *testing.T) {
	for value, want := range map[string]string{
		"http://tickets.example.com/%s":        "with https",
		"tickets.example.com/%s":               "with https",
		"https://tickets.example.com/browse/":  "%s once",
		"https://tickets.example.com/%s/%s":    "%s once",
		"https://tickets.example.com/%d":       "%s once",
		"https://%s.example.com/":              "behind the host",
		"https://me@tickets.example.com/%s":    "no user",
		"https://tïckets.example.com/%s":       "like https://tickets.example.com/browse/%s",
		"https:///%s":                          "like https://",
		"https://tickets.example.com/%s|x":     "like https://",
		"https://tickets.example.com/%s>":      "like https://",
		"https://tickets.example.com/a b/%s":   "like https://",
		"https://tickets.example.com\\@a.b/%s": "like https://",
	} {
		_, problems := load(t, map[string]string{"SSHKEYBOT_TICKET_URL": value})
		if len(problems) != 1 || !strings.HasPrefix(problems[0], "SSHKEYBOT_TICKET_URL ") || !strings.Contains(problems[0], want) {
			t.Errorf("%s: got %q, want one with %q", value, problems, want)
		}
	}
}

func TestLoadRefusesTogether(t *testing.T) {
	for name, row := range map[string]struct {
		more map[string]string
		want []string
	}{
		"Octopus without a key":    {map[string]string{"OCTOPUS_URL": "https://o.example"}, []string{"OCTOPUS_API_KEY"}},
		"Octopus without address":  {map[string]string{"OCTOPUS_API_KEY": "k"}, []string{"OCTOPUS_URL"}},
		"a space without Octopus":  {map[string]string{"OCTOPUS_SPACE": "s"}, []string{"OCTOPUS_URL", "OCTOPUS_API_KEY"}},
		"space with a slash":       {map[string]string{"OCTOPUS_SPACE": "a/b", "OCTOPUS_API_KEY": "k", "OCTOPUS_URL": "https://o.example"}, []string{"OCTOPUS_SPACE"}},
		"value and file":           {map[string]string{"SLACK_BOT_TOKEN_FILE": "/x"}, []string{"SLACK_BOT_TOKEN"}},
		"wrong prefix in the file": {map[string]string{"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": writeFile(t, "xapp-1")}, []string{"SLACK_BOT_TOKEN_FILE"}},
		"database twice":           {map[string]string{"SSHKEYBOT_DATABASE_URL": "sqlite:x", "SSHKEYBOT_DATABASE_URL_FILE": "/x"}, []string{"SSHKEYBOT_DATABASE_URL"}},
		"reason, yes or no":        {map[string]string{"SSHKEYBOT_REASON": "true"}, []string{"SSHKEYBOT_REASON"}},
		"quiet by name":            {map[string]string{"SSHKEYBOT_APPROVERS_QUIET": "U0BOB,@carol"}, []string{"SSHKEYBOT_APPROVERS_QUIET"}},
		"quiet alone":              {map[string]string{"SSHKEYBOT_APPROVERS": "", "SSHKEYBOT_APPROVERS_QUIET": "U0BOB"}, []string{"SSHKEYBOT_APPROVERS"}},
		"user not listed":          {map[string]string{"SSHKEYBOT_SYSTEM_USERS": "deploy"}, []string{"SSHKEYBOT_SYSTEM_USER"}},
		"everything at once": {map[string]string{
			"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "x", "RUNCLOUD_API_URL": "x", "SSHKEYBOT_APPROVERS": "x",
			"SSHKEYBOT_APPROVALS": "x", "SSHKEYBOT_MAX_DURATION": "x", "SSHKEYBOT_LOG_LEVEL": "x", "OCTOPUS_URL": "x",
			"SSHKEYBOT_ZZZZZZZZZ": "x", "SSHKEYBOT_AAAAAAAAAA": "x",
		}, []string{
			"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "RUNCLOUD_API_URL", "SSHKEYBOT_APPROVERS", "SSHKEYBOT_APPROVALS",
			"SSHKEYBOT_MAX_DURATION", "SSHKEYBOT_LOG_LEVEL", "OCTOPUS_API_KEY", "OCTOPUS_URL",
			"SSHKEYBOT_AAAAAAAAAA", "SSHKEYBOT_ZZZZZZZZZ",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := load(t, row.more)
			var got []string
			for _, problem := range problems {
				name, _, _ := strings.Cut(problem, " ")
				got = append(got, name)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff, problems)
			}
		})
	}
}

// Whatever is wrong, and wherever a token was put by mistake, no problem repeats a value.
func TestProblemsHoldNoSecret(t *testing.T) {
	const leak = "leaked secret://leak:leak@leak"
	everywhere := map[string]string{}
	for _, name := range names() {
		everywhere[name] = leak
	}
	onlyFiles := map[string]string{"SSHKEYBOT_APPROVERS": leak, "SSHKEYBOT_LEAVE": leak}
	for _, name := range names() {
		if base, ok := strings.CutSuffix(name, "_FILE"); ok {
			onlyFiles[base], onlyFiles[name] = "", leak
		}
	}
	wrongContent := map[string]string{}
	file := writeFile(t, leak)
	for name := range onlyFiles {
		wrongContent[name] = ""
		if strings.HasSuffix(name, "_FILE") {
			wrongContent[name] = file
		}
	}
	for name, more := range map[string]map[string]string{"values": everywhere, "paths": onlyFiles, "files": wrongContent} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, more)
			_, err := Load()
			if err == nil || strings.Count(err.Error(), "\n") < 5 {
				t.Fatalf("too few problems: %v", err)
			}
			if strings.Contains(err.Error(), "leak") {
				t.Errorf("a value leaked: %v", err)
			}
		})
	}
}

func TestProblemsError(t *testing.T) {
	setEnvironment(t, map[string]string{"SSHKEYBOT_LOG_FORMAT": "x", "SSHKEYBOT_SELF_APPROVAL": "x"})
	_, err := Load()
	want := "the settings are wrong:\n  SSHKEYBOT_SELF_APPROVAL must be true or false\n  SSHKEYBOT_LOG_FORMAT must be one of: json, console"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSetEnvironmentIsAlone(t *testing.T) {
	t.Setenv("SSHKEYBOT_FROM_OUTSIDE", "x")
	if _, problems := load(t, nil); problems != nil {
		t.Error(problems)
	}
	if os.Getenv("SSHKEYBOT_FROM_OUTSIDE") != "" {
		t.Error("the test environment is not alone")
	}
}
