package access_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

// events answers the audit events of an action.
func (h *harness) events(action string) (found []access.Event) {
	h.t.Helper()
	h.must(h.ledger.Read(h.ctx(), func(tx access.Tx) error {
		all, err := tx.Events(h.ctx(), 0, 1000)
		for _, e := range all {
			if e.Action == action {
				found = append(found, e)
			}
		}
		return err
	}))
	return found
}

func TestOffboardFromShell(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "laptop")
	h.approve(h.ask(alice, time.Hour, "").ID)
	waiting := h.ask(alice, 2*time.Hour, "")

	r, err := h.OffboardFromShell(h.ctx(), alice, "root@host", "left", "1")
	h.must(err)
	if r.State != access.Approved || r.Kind != access.KindOffboard || r.Asker != "" || !r.FromShell() || !strings.Contains(r.Reason, "left (from the shell, by root@host)") {
		t.Errorf("the request is %+v", r)
	}
	if err := h.Eligible(h.ctx(), alice); access.CodeOf(err) != access.Forbidden {
		t.Errorf("an offboarded person may take part: %v", err)
	}
	overview, err := h.Overview(h.ctx(), alice)
	h.must(err)
	if len(overview.Grants) != 0 || len(overview.Waiting) != 0 {
		t.Errorf("left of their access: %+v (request %d was open)", overview, waiting.ID)
	}
	shell := h.events("request.shell")
	if len(shell) != 1 || shell[0].Detail != "root@host" || shell[0].Actor != "" {
		t.Errorf("the audit log says of the operator: %+v", shell)
	}

	again, err := h.OffboardFromShell(h.ctx(), alice, "eve@host", "once more", "2")
	h.must(err)
	if diff := cmp.Diff(r.ID, again.ID); diff != "" || len(h.events("person.offboard")) != 1 {
		t.Errorf("asking again is another request: %s", diff)
	}
}

// Of one ask that arrives twice comes one request, even after the account was
// deactivated and is active again.
func TestOffboardFromShellIsDoneOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "laptop")
	first, err := h.OffboardFromShell(h.ctx(), alice, "root", "", "1")
	h.must(err)
	h.people.set(alice, access.Deactivated)
	h.must(h.Left(h.ctx(), alice))
	h.people.set(alice, access.Member)
	h.must(h.Left(h.ctx(), alice))
	again, err := h.OffboardFromShell(h.ctx(), alice, "root", "", "1")
	h.must(err)
	if again.ID != first.ID || len(h.events("person.offboard")) != 1 {
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

func (away) Standings(context.Context, []access.UserID) (map[access.UserID]access.Standing, error) {
	return nil, errors.New("Slack is away")
}
func (away) Workspace(context.Context) (string, error) { return "", errors.New("Slack is away") }

func TestOffboardFromShellAsksSlackOnlyOfStrangers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.people.set(carol, access.Nobody)
	if _, err := h.OffboardFromShell(h.ctx(), carol, "root", "", "1"); access.CodeOf(err) != access.NotFound {
		t.Errorf("of a user nobody knows: %v", err)
	}
	h.register(alice, "laptop")
	h.Directory = away{}
	if _, err := h.OffboardFromShell(h.ctx(), dave, "root", "", "2"); err == nil {
		t.Error("a stranger was offboarded though Slack could not be asked")
	}
	if _, err := h.OffboardFromShell(h.ctx(), alice, "root", "", "3"); err != nil {
		t.Errorf("while Slack is away: %v", err)
	}
}

func TestShellOffboardingHoldsThoughSlackTakesItsWordBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.people.set(alice, access.Deactivated)
	h.must(h.Left(h.ctx(), alice))
	for range 2 {
		_, err := h.OffboardFromShell(h.ctx(), alice, "op", "lost trust", "s")
		h.must(err)
	}
	h.people.set(alice, access.Member)
	refuses(t, h.Eligible(h.ctx(), alice), access.Forbidden, "offboarding")
}

func TestOffboardingReadsServersThoughSlackIsAwayOnlyFromTheShell(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]func(h *harness) access.Request{
		"shell": func(h *harness) access.Request {
			r, err := h.OffboardFromShell(h.ctx(), alice, "op", "", "s")
			h.must(err)
			return r
		},
		"Slack": func(h *harness) access.Request { return h.offboard(alice) },
	} {
		h := newHarness(t, 2)
		h.register(alice, "alice laptop")
		r := from(h)
		h.Directory = away{}
		h.work()
		h.settled(t, r.ID, name == "shell", name+": while Slack is away")
		h.Directory = h.people
		h.pass(10 * time.Minute)
		h.settled(t, r.ID, true, name+": in the end")
	}
}
