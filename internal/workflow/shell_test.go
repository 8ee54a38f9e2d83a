package workflow_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

func TestOffboardFromShell(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "laptop")
	h.Approve(h.Ask(alice, time.Hour, "").ID)
	waiting := h.Ask(alice, 2*time.Hour, "")

	r, err := h.OffboardFromShell(h.Ctx(), alice, "root@host", "left", "1")
	h.Must(err)
	if r.State != access.Approved || r.Kind != access.KindOffboard || r.Asker != "" || !r.FromShell() || !strings.Contains(r.Reason, "left (from the shell, by root@host)") {
		t.Errorf("the request is %+v", r)
	}
	if err := h.Eligible(h.Ctx(), alice); access.CodeOf(err) != access.Forbidden {
		t.Errorf("an offboarded person may take part: %v", err)
	}
	overview, err := h.Overview(h.Ctx(), alice)
	h.Must(err)
	if len(overview.Grants) != 0 || len(overview.Waiting) != 0 {
		t.Errorf("left of their access: %+v (request %d was open)", overview, waiting.ID)
	}
	shell := h.Events(access.DidRequestShell)
	if len(shell) != 1 || shell[0].Detail != "root@host" || shell[0].Actor != "" {
		t.Errorf("the audit log says of the operator: %+v", shell)
	}

	again, err := h.OffboardFromShell(h.Ctx(), alice, "eve@host", "once more", "2")
	h.Must(err)
	if diff := cmp.Diff(r.ID, again.ID); diff != "" || len(h.Events(access.DidPersonOffboard)) != 1 {
		t.Errorf("asking again is another request: %s", diff)
	}
}

// Of one ask that arrives twice comes one request, even after the account was
// deactivated and is active again.
func TestOffboardFromShellIsDoneOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "laptop")
	first, err := h.OffboardFromShell(h.Ctx(), alice, "root", "", "1")
	h.Must(err)
	h.People.Set(alice, access.Deactivated)
	h.Must(h.AccountDeactivated(h.Ctx(), alice))
	h.People.Set(alice, access.Member)
	h.Must(h.AccountDeactivated(h.Ctx(), alice))
	again, err := h.OffboardFromShell(h.Ctx(), alice, "root", "", "1")
	h.Must(err)
	if again.ID != first.ID || len(h.Events(access.DidPersonOffboard)) != 1 {
		t.Errorf("the same source made request %d and then %d", first.ID, again.ID)
	}
}

// away is Slack while it cannot be asked.
type away struct{}

func (away) Profile(context.Context, access.UserID, time.Duration) (access.Profile, error) {
	return access.Profile{}, errors.New("Slack is away")
}

func (away) Members(context.Context, string, time.Duration) ([]access.UserID, error) { return nil, nil }

func (away) Forget(access.UserID) {}

func (away) Title() string { return "Slack" }

func (away) Standings(context.Context, []access.UserID) (map[access.UserID]access.Standing, error) {
	return nil, errors.New("Slack is away")
}
func (away) Workspace(context.Context) (string, error) { return "", errors.New("Slack is away") }

func TestOffboardFromShellAsksSlackOnlyOfStrangers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.People.Set(carol, access.Nobody)
	if _, err := h.OffboardFromShell(h.Ctx(), carol, "root", "", "1"); access.CodeOf(err) != access.NotFound {
		t.Errorf("of a user nobody knows: %v", err)
	}
	h.MustRegister(alice, "laptop")
	h.SetDirectory(away{})
	if _, err := h.OffboardFromShell(h.Ctx(), dave, "root", "", "2"); err == nil {
		t.Error("a stranger was offboarded though Slack could not be asked")
	}
	if _, err := h.OffboardFromShell(h.Ctx(), alice, "root", "", "3"); err != nil {
		t.Errorf("while Slack is away: %v", err)
	}
}

func TestShellOffboardingHoldsThoughSlackTakesItsWordBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.People.Set(alice, access.Deactivated)
	h.Must(h.AccountDeactivated(h.Ctx(), alice))
	for range 2 {
		_, err := h.OffboardFromShell(h.Ctx(), alice, "op", "lost trust", "s")
		h.Must(err)
	}
	h.People.Set(alice, access.Member)
	refuses(t, h.Eligible(h.Ctx(), alice), access.Forbidden, "offboarding")
}

func TestOffboardingReadsServersThoughSlackIsAwayOnlyFromTheShell(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]func(h *harness) access.Request{
		"shell": func(h *harness) access.Request {
			r, err := h.OffboardFromShell(h.Ctx(), alice, "op", "", "s")
			h.Must(err)
			return r
		},
		"Slack": func(h *harness) access.Request { return h.MustOffboard(alice) },
	} {
		h := newHarness(t, 2)
		h.MustRegister(alice, "alice laptop")
		r := from(h)
		h.SetDirectory(away{})
		h.Work()
		h.Settled(t, r.ID, name == "shell", name+": while Slack is away")
		h.SetDirectory(h.People)
		h.Pass(10 * time.Minute)
		h.Settled(t, r.ID, true, name+": in the end")
	}
}
