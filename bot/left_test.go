package bot

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func (*office) Heard(_ context.Context, _ access.UserID, standing access.Standing) (bool, error) {
	return standing != access.Member, nil
}

func (o *office) Left(_ context.Context, id access.UserID) error {
	unlock, err := o.change()
	defer unlock()
	if err == nil {
		o.left = append(o.left, id)
	}
	return err
}

// Every worker is busy with what people typed, the leaver among them: that they left is
// handled all the same.
func TestLeaversGoBeforeEverythingElse(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	release := make(chan struct{})
	for i := range maxWorkers {
		r.bot.crew.do(access.UserID(fmt.Sprint("U", i)), func(context.Context) { <-release })
	}
	defer close(release)
	r.until(t, "every worker is busy", func() bool { return len(r.bot.crew.slots) == maxWorkers })
	if _, err := r.Deactivate(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	r.until(t, "the offboarding is begun", func() bool {
		r.office.mu.Lock()
		defer r.office.mu.Unlock()
		return len(r.office.left) == 1
	})
}

// An account has changed: what was known of it before stands in for nothing.
func TestForgottenProfileDoesNotStandIn(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	d := NewDirectory(r.bot.cfg.API)
	if _, err := d.Profile(t.Context(), "U1", time.Minute); err != nil {
		t.Fatal(err)
	}
	d.Forget("U1")
	r.Fail("users.info", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if got, err := d.Profile(t.Context(), "U1", time.Minute); access.CodeOf(err) != access.RateLimited {
		t.Errorf("%+v, %v", got, err)
	}
}

// The list of users has three pages, and Slack asks for patience between them.
func TestStandingsAreReadToTheLastPage(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	for i := range 500 {
		r.AddUser(slacksim.User{ID: fmt.Sprintf("UX%03d", i), Deleted: i == 499, IsRestricted: i == 250})
	}
	r.Fail("users.list", slacksim.Fault{}, slacksim.Fault{Status: 429, RetryAfter: time.Second})
	d := NewDirectory(r.bot.cfg.API)
	got, err := d.Standings(t.Context(), []access.UserID{"UX499", "UX250", "UX001", "U0NOBODY"})
	if err != nil || len(got) != 3 || got["UX499"] != access.Deactivated || got["UX250"] != access.Guest || got["UX001"] != access.Member {
		t.Errorf("%v, %v", got, err)
	}
	r.Fail("users.list", slacksim.Fault{}, slacksim.Fault{Error: "missing_scope"})
	if got, err := d.Standings(t.Context(), []access.UserID{"UX499"}); err == nil {
		t.Errorf("half a list passes for a whole one: %v", got)
	}
}

// What Slack refuses for good is told from what passes.
func TestRefusedGroups(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.AddUserGroup("S0LEADS", "leads", "U1")
	d := NewDirectory(r.bot.cfg.API)
	for _, tt := range []struct {
		fault slacksim.Fault
		want  access.Code
	}{
		{slacksim.Fault{Error: "no_such_subteam"}, access.NotFound},
		{slacksim.Fault{Error: "plan_upgrade_required"}, access.Forbidden},
		{slacksim.Fault{Error: "missing_scope"}, access.Forbidden},
		{slacksim.Fault{Error: "permission_denied"}, access.Forbidden},
		{slacksim.Fault{Status: 403}, access.Unavailable},
		{slacksim.Fault{Error: "invalid_auth"}, access.Unauthorized},
		{slacksim.Fault{Error: "internal_error"}, access.Unavailable},
	} {
		for range repeats {
			r.Fail("usergroups.users.list", tt.fault)
		}
		if _, err := d.Members(t.Context(), "S0LEADS", 0); access.CodeOf(err) != tt.want {
			t.Errorf("%+v: %v, want %s", tt.fault, err, tt.want)
		}
		r.ClearFaults()
	}
	r.AddUserGroup("S0LEADS", "leads", "U2")
	if ids, err := d.Members(t.Context(), "S0LEADS", 0); err != nil || len(ids) != 1 || ids[0] != "U2" {
		t.Errorf("%v, %v", ids, err)
	}
}

// A token of another workspace tells nothing of anybody.
func TestDirectoryOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{EnterpriseID: "E1"})
	r.AddUserGroup("S0LEADS", "leads", "U1")
	d := NewDirectory(r.bot.cfg.API)
	refused := errors.New("another workspace")
	d.Bind = func(_ context.Context, team, enterprise string) error {
		if team != "T0SIM" || enterprise != "E1" {
			t.Errorf("asked about %s, %s", team, enterprise)
		}
		return refused
	}
	_, profileErr := d.Profile(t.Context(), "U1", time.Minute)
	_, nowErr := d.Profile(t.Context(), "U1", 0)
	_, listErr := d.Standings(t.Context(), []access.UserID{"U1"})
	_, groupErr := d.Members(t.Context(), "S0LEADS", time.Minute)
	for _, err := range []error{profileErr, nowErr, listErr, groupErr, d.Check(t.Context())} {
		if !errors.Is(err, refused) {
			t.Errorf("%v", err)
		}
	}
	if n := r.Count("users.info") + r.Count("users.list") + r.Count("usergroups.users.list"); n != 0 {
		t.Errorf("Slack was asked %d times", n)
	}
}
