package render

import (
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// An offboarding without an asker is not always one that Slack told of.
func TestOffboardingFromTheShellSaysSo(t *testing.T) {
	t.Parallel()
	v := workflow.RequestView{Request: access.Request{Kind: access.KindOffboard, State: access.Approved, Person: "U0BOB", Source: "shell:1"}}
	if text := started(v); !strings.Contains(text, "shell") || strings.Contains(text, "Slack account") {
		t.Errorf("started: %q", text)
	}
	v.Request.Source = "left:1"
	if text := started(v); !strings.Contains(text, "Slack account") {
		t.Errorf("started: %q", text)
	}
}

// What Slack told when an offboarding began is said of it for ever, whatever the account is now.
func TestOffboardingSaysWhatSlackTold(t *testing.T) {
	t.Parallel()
	for standing, want := range map[access.Standing]string{
		access.Deactivated: "<@U0BOB>'s Slack account was deactivated. ",
		access.Guest:       "<@U0BOB>'s Slack account became a guest. ",
		access.Nobody:      "<@U0BOB>'s Slack account is not known to Slack any more. ",
		access.Outsider:    "<@U0BOB>'s Slack account is of another workspace now. ",
	} {
		v := workflow.RequestView{Request: access.Request{Kind: access.KindOffboard, State: access.Approved, Person: "U0BOB", Standing: standing}}
		if text := started(v); !strings.HasPrefix(text, want) {
			t.Errorf("%s: %q, want %q", standing, text, want)
		}
	}
}
