package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow/workflowtest"
)

// listing is an account whose list of servers may fail.
type listing struct {
	*workflowtest.Account
	err error
}

func (l *listing) Servers(ctx context.Context) ([]access.Server, error) {
	if l.err != nil {
		return nil, l.err
	}
	return l.Account.Servers(ctx)
}

// restart has the next process work with these targets.
func restart(h *workflowtest.Harness, targets ...access.Target) {
	old := h.Engine
	h.Service.Engine = &reconcile.Engine{Store: old.Store, Targets: targets, Directory: old.Directory, Now: old.Now, Settings: old.Settings, Started: h.Clock.Now()}
	h.Clock.Advance(time.Second)
}

// account returns an account with servers of these names, whose ids begin there.
func account(h *workflowtest.Harness, name string, first int64, servers ...string) *workflowtest.Account {
	a := workflowtest.NewAccount(name, h.Clock, 0)
	for i, server := range servers {
		a.Names[first+int64(i)] = server
	}
	return a
}

// whereabouts returns how many servers the ledger has of each target.
func whereabouts(h *workflowtest.Harness) string {
	var all []string
	known, err := h.Engine.KnownServers(h.Ctx())
	h.Must(err)
	for _, s := range known.All {
		all = append(all, s.Target)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A target that was configured under another name goes on under its new one: what has to leave it leaves it.
func TestTargetGoesOnUnderAnotherName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	h.Must(h.Engine.CountCalls(h.Ctx(), "account", 5))
	h.Account.Called = "agency"
	client := account(h, "client", 70, "web-01", "web-02")
	restart(h, h.Account, client)
	h.Pass(2 * time.Hour)
	owed, err := h.Overview(h.Ctx(), "")
	h.Must(err)
	if debt := owed.Debt; len(debt) != 2 || debt[0].Placement.Problem != access.ProblemUnconfigured || len(h.Account.Ours()) != 2 {
		t.Fatalf("owed %+v", debt)
	}
	h.Must(h.Engine.FindRenamed(h.Ctx()))
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || whereabouts(h) != "agency agency client client" {
		t.Errorf("left %v; servers of %s", left, whereabouts(h))
	}
	if v := h.MustView(r.ID); v.Results[0].TargetTitle != "the account" {
		t.Errorf("the result is of %q", v.Results[0].TargetTitle)
	}
	told := h.Notices(access.NoticeAdopted)
	if logged := h.Events(access.DidTargetAdopt); len(told) != 1 || told[0].Detail != "account" || len(logged) != 1 || logged[0].Detail != "account is agency now" {
		t.Errorf("told %+v, logged %+v", told, logged)
	}
	if calls, err := h.Engine.CallsThisMonth(h.Ctx(), "agency"); err != nil || calls != 5 {
		t.Errorf("%d calls, %v", calls, err)
	}
	h.VerifyAudit()

	h.Account.Called = "account" // and back, alone
	restart(h, h.Account)
	h.Grant(alice, time.Hour, "*") // reads the list before the timer does
	h.Work()
	if got := whereabouts(h); got != "account account client client" || len(h.Account.Ours()) != 2 {
		t.Errorf("servers of %s, keys %v", got, h.Account.Ours())
	}
}

// It is never guessed which target is one of before.
func TestTargetIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	ten := func(but ...string) []string {
		names := make([]string, 10)
		for i := range names {
			names[i] = fmt.Sprintf("web-%02d", i+1)
		}
		copy(names, but)
		return names
	}
	down := &access.Error{Code: access.Unavailable, Message: "down"}
	for name, row := range map[string]struct {
		agency, client func(h *workflowtest.Harness) access.Target
		want           string // agency's servers, client's, and those of before
		refused        string
	}{
		"nine of ten": {
			func(h *workflowtest.Harness) access.Target { return account(h, "agency", 1, ten("other")...) },
			func(h *workflowtest.Harness) access.Target { return account(h, "client", 1, "else") }, "10 1 0", "",
		},
		"eight of ten": {
			func(h *workflowtest.Harness) access.Target {
				return account(h, "agency", 1, ten("other", "another")...)
			},
			func(h *workflowtest.Harness) access.Target { return account(h, "client", 50, "else") }, "10 1 10", "",
		},
		"other ids": {
			func(h *workflowtest.Harness) access.Target { return account(h, "agency", 20, ten()...) },
			func(h *workflowtest.Harness) access.Target { return account(h, "client", 50, "else") }, "10 1 10", "",
		},
		"both": {
			func(h *workflowtest.Harness) access.Target { return account(h, "agency", 1, ten()...) },
			func(h *workflowtest.Harness) access.Target { return account(h, "client", 1, ten()...) }, "0 0 10", "does not have them, too",
		},
		"one elsewhere": {
			func(h *workflowtest.Harness) access.Target { return account(h, "agency", 1, ten()...) },
			func(h *workflowtest.Harness) access.Target { return account(h, "client", 1, "web-01", "else") }, "0 2 10", "has some of them, too",
		},
		"the other is down": {
			func(h *workflowtest.Harness) access.Target { return account(h, "agency", 1, ten()...) },
			func(h *workflowtest.Harness) access.Target { return &listing{account(h, "client", 50, "else"), down} }, "0 0 10", "down",
		},
		"an empty list": {
			func(h *workflowtest.Harness) access.Target { return account(h, "agency", 1) },
			func(h *workflowtest.Harness) access.Target { return account(h, "client", 50, "else") }, "0 1 10", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 10)
			h.MustRegister(alice, "alice laptop")
			h.Grant(alice, time.Hour, "")
			h.Work()
			restart(h, row.agency(h), row.client(h))
			err := h.Engine.FindRenamed(h.Ctx())
			if got := access.MessageOf(err); (err == nil) != (row.refused == "") || err != nil && !strings.Contains(err.Error(), row.refused) {
				t.Errorf("refused with %q", got)
			}
			all := whereabouts(h)
			if got := fmt.Sprintf("%d %d %d", strings.Count(all, "agency"), strings.Count(all, "client"), strings.Count(all, "account")); got != row.want {
				t.Errorf("%s servers", got)
			}
		})
	}
}

// What cannot be told at first is told once the other account answers; the servers are in the ledger once.
func TestTargetIsAdoptedOnceTheOthersAreKnown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	h.Account.Called = "agency"
	client := &listing{account(h, "client", 50, "web-01"), &access.Error{Code: access.Unauthorized, Message: "wrong token"}}
	restart(h, h.Account, client)
	_, err := h.Engine.Servers(h.Ctx(), time.Minute, "")
	if err == nil || whereabouts(h) != "account account account" {
		t.Errorf("asked with %v; servers of %s", err, whereabouts(h))
	}
	if err := h.Engine.FindRenamed(h.Ctx()); err == nil {
		t.Error("renamed on a guess")
	}
	h.Pass(2 * time.Hour)
	restart(h, h.Account, client) // after a crash, say
	client.err = nil
	h.Must(h.Engine.Resume(h.Ctx()))
	h.Must(h.Engine.FindRenamed(h.Ctx()))
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || whereabouts(h) != "agency agency agency client" {
		t.Errorf("left %v; servers of %s", left, whereabouts(h))
	}
}

// A process whose settings are older does not take the name back.
func TestProcessWithOlderSettingsLeavesTheName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	before := workflowtest.NewAccount("account", h.Clock, 2) // the same by its former name
	restart(h, before)
	older := h.Engine
	h.Account.Called = "agency"
	restart(h, h.Account)
	h.Must(h.Engine.FindRenamed(h.Ctx()))
	h.Service.Engine = older
	if err := h.Engine.FindRenamed(h.Ctx()); err == nil || !strings.Contains(err.Error(), "newer settings") || whereabouts(h) != "agency agency" {
		t.Errorf("%v; servers of %s", err, whereabouts(h))
	}
	restart(h, before) // somebody takes the settings back
	h.Must(h.Engine.FindRenamed(h.Ctx()))
	if got := whereabouts(h); got != "account account" {
		t.Errorf("servers of %s", got)
	}
}

// Where other targets are configured than before, the servers are read once, since they may be called otherwise.
func TestServersAreReadAfterTheSettingsChanged(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Must(h.Engine.FindRenamed(h.Ctx()))
	if h.Account.Readings != 0 {
		t.Error("the list of a new ledger was read for nothing")
	}
	_, err := h.Engine.Servers(h.Ctx(), time.Minute, "")
	h.Must(err)
	other := account(h, "other", 50, "web-01")
	for _, row := range []struct {
		targets []access.Target
		want    int
	}{{[]access.Target{h.Account}, 1}, {[]access.Target{h.Account, other}, 2}, {[]access.Target{h.Account, other}, 2}} {
		restart(h, row.targets...)
		for range 2 {
			h.Clock.Advance(time.Hour)
			h.Must(h.Engine.FindRenamed(h.Ctx()))
		}
		if h.Account.Readings != row.want {
			t.Errorf("read %d times, want %d", h.Account.Readings, row.want)
		}
	}
}
