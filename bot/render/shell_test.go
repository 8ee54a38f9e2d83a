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
	if text := started(v); !strings.Contains(text, "shell") || strings.Contains(text, "Slack told") {
		t.Errorf("started: %q", text)
	}
	v.Request.Source = "left:1"
	if text := started(v); !strings.Contains(text, "Slack told") {
		t.Errorf("started: %q", text)
	}
}
