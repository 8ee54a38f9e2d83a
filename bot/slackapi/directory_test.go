package slackapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// An answer serves as long as its caller lets it, and never for what is to be known now.
func TestDirectoryAsksWhatIsNotKnownLately(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	d := r.directory()
	ask := func(maxAge time.Duration, want int) {
		t.Helper()
		if _, err := d.Profile(t.Context(), "U1", maxAge); err != nil {
			t.Error(err)
		}
		if n := r.Count("users.info"); n != want {
			t.Errorf("Slack was asked %d times, want %d", n, want)
		}
	}
	ask(recently, 1)
	ask(recently, 1)
	ask(0, 2)
	ask(0, 3)
	d.profiles.age("U1", recently)
	ask(2*recently, 3)
	ask(recently, 4)
	d.Forget("U1")
	ask(recently, 5)
}

// While Slack's rate limit keeps us from asking, the last answer stands in for a few
// seconds, and only then.
func TestDirectoryUnderTheRateLimit(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	d := r.directory()
	if _, err := d.Profile(t.Context(), "U1", 0); err != nil {
		t.Fatal(err)
	}
	d.profiles.age("U1", time.Second)
	r.Fail("users.info", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	for range 2 {
		if got, err := d.Profile(t.Context(), "U1", time.Second); err != nil || got.Standing != access.Member {
			t.Errorf("%+v %v", got, err)
		}
	}
	if _, err := d.Profile(t.Context(), "U1", 0); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an earlier answer stood in for one of now: %v", err)
	}
	if _, err := d.Profile(t.Context(), "U2", time.Second); access.CodeOf(err) != access.RateLimited {
		t.Errorf("nobody has asked about them yet: %v", err)
	}
	d.profiles.age("U1", stopgap)
	if _, err := d.Profile(t.Context(), "U1", time.Second); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an answer that is too old stood in: %v", err)
	}
}

// Who asks need not wait longer than they can: Slack hangs, and the process is to end.
func TestDirectoryWaitsNoLongerThanWhoAsks(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	d := r.directory()
	e, _, _ := d.profiles.known("U2")
	e.asking <- struct{}{} // somebody has asked, and has no answer yet
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Profile(ctx, "U2", recently); access.CodeOf(err) != access.Unavailable {
		t.Errorf("got %v", err)
	}
}

// Forty approvers press a button in the same moment: the group is read anew for them all.
func TestDirectoryAsksOnceForAll(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{RateLimits: true})
	r.AddUserGroup("S0LEADS", "leads", "U1", "U2")
	d := r.directory()
	r.Fail("usergroups.users.list", slacksim.Fault{Delay: 300 * time.Millisecond})
	var asking sync.WaitGroup
	for range 40 {
		asking.Go(func() {
			if ids, err := d.Members(t.Context(), "S0LEADS", 0); err != nil || len(ids) != 2 {
				t.Error(ids, err)
			}
		})
	}
	asking.Wait()
	if n := r.Count("usergroups.users.list"); n > 3 { // who comes late may ask once more
		t.Errorf("Slack was asked %d times", n)
	}
}

func TestGroupUnderTheRateLimit(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.AddUserGroup("S0LEADS", "leads", "U1", "U2")
	d := r.directory()
	if _, err := d.Members(t.Context(), "S0LEADS", recently); err != nil {
		t.Fatal(err)
	}
	d.members.age("S0LEADS", recently)
	r.Fail("usergroups.users.list", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if ids, err := d.Members(t.Context(), "S0LEADS", recently); err != nil || len(ids) != 2 {
		t.Errorf("%v %v", ids, err)
	}
	d.members.age("S0LEADS", stopgap)
	if _, err := d.Members(t.Context(), "S0LEADS", recently); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an answer that is too old stood in: %v", err)
	}
}

// An account has changed: what was known of it before stands in for nothing.
func TestForgottenProfileDoesNotStandIn(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	d := r.directory()
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
	r := start(t, slacksim.Options{})
	for i := range 500 {
		r.AddUser(slacksim.User{ID: fmt.Sprintf("UX%03d", i), Deleted: i == 499, IsRestricted: i == 250})
	}
	r.Fail("users.list", slacksim.Fault{}, slacksim.Fault{Status: 429, RetryAfter: time.Second})
	d := r.directory()
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
	r := start(t, slacksim.Options{})
	r.AddUserGroup("S0LEADS", "leads", "U1")
	d := r.directory()
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
		for range maxAttempts {
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
	r := start(t, slacksim.Options{EnterpriseID: "E1"})
	r.AddUserGroup("S0LEADS", "leads", "U1")
	d := r.directory()
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

func TestDirectory(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{EnterpriseID: "E1"})
	r.AddUser(slacksim.User{ID: "UDEL", Deleted: true})
	r.AddUser(slacksim.User{ID: "UDELX", Deleted: true, TeamID: "TX"})
	r.AddUser(slacksim.User{ID: "UBOT", IsBot: true})
	r.AddUser(slacksim.User{ID: "UG1", IsRestricted: true})
	r.AddUser(slacksim.User{ID: "UG2", IsUltraRestricted: true})
	r.AddUser(slacksim.User{ID: "UX", TeamID: "TX"})
	r.AddUser(slacksim.User{ID: "UXE", TeamID: "TX", EnterpriseID: "E2"})
	r.AddUser(slacksim.User{ID: "UORG", TeamID: "TX", EnterpriseID: "E1"})
	r.AddUser(slacksim.User{ID: "USTR", IsStranger: true})
	r.AddUser(slacksim.User{ID: "UNOT", NoTeam: true})
	r.AddUserGroup("S1", "ops", "U1", "U2")
	d := r.directory()
	for id, want := range map[access.UserID]access.Standing{
		"U1": access.Member, "UORG": access.Member, "UDEL": access.Deactivated, "UDELX": access.Deactivated, "UBOT": access.Bot,
		"UG1": access.Guest, "UG2": access.Guest, "UX": access.Outsider, "UXE": access.Outsider, "USTR": access.Outsider,
		"UNOT": access.Outsider, "UNONE": access.Nobody,
	} {
		if got, err := d.Profile(t.Context(), id, 0); err != nil || got.Standing != want || got.ID != id {
			t.Errorf("%s: %+v %v", id, got, err)
		}
	}
	r.AddUser(slacksim.User{ID: "U1", Name: "alice", Deleted: true})
	if got, _ := d.Profile(t.Context(), "U1", 0); got.Standing != access.Deactivated {
		t.Error("an answer of before is used")
	}
	for range 3 {
		got, err := d.Members(t.Context(), "S1", time.Minute)
		if diff := cmp.Diff([]access.UserID{"U2"}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if n := r.Count("usergroups.users.list"); n != 1 {
		t.Errorf("the group was read %d times", n)
	}
	r.Fail("users.info", slacksim.Fault{Error: "missing_scope"})
	if _, err := d.Profile(t.Context(), "U2", 0); access.CodeOf(err) != access.Unauthorized {
		t.Errorf("%v", err)
	}
}

// Without an organisation of our own, having none is no sign of belonging to us.
func TestStrangersWithoutOrganisation(t *testing.T) {
	t.Parallel()
	if got := standing(slack.User{ID: "U9", TeamID: "TX"}, "T0SIM", ""); got != access.Outsider {
		t.Error(got)
	}
}
