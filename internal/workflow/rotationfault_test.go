package workflow_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// Whatever is lost, and wherever the process dies, the rotation comes to its end, and no key but the
// account's is left on the servers. One that is to begin anew does so within a minute.
func TestRotationSurvives(t *testing.T) {
	t.Parallel()
	faults := map[string]workflowtest.Fault{
		"trouble": workflowtest.Trouble, "answer lost": workflowtest.Lost, "lost": workflowtest.LostUndone,
		"died before": workflowtest.CrashBefore, "died after": workflowtest.CrashAfter, "unauthorized": workflowtest.Unauthorized,
	}
	for _, call := range []string{"read", "version", "uses", "write", "check", "look", "tasks"} {
		for name, fault := range faults {
			t.Run(call+" "+name, func(t *testing.T) {
				t.Parallel()
				r := newRotating(t)
				q := r.begin()
				r.Next = once(call, fault)
				r.reaches(q, access.RotationRemoving)
				r.Turn(10 * time.Second)
				r.pickAll(q)
				r.reaches(q, access.RotationDone)
				r.Turn(time.Minute)
				r.holdsOnly()
				r.hides(t)
				r.VerifyAudit()
			})
		}
	}
}

// A process that dies in any state is followed by one that goes on within a minute.
func TestRotationGoesOnAfterEveryDeath(t *testing.T) {
	t.Parallel()
	for _, state := range []access.RotationState{
		access.RotationPreparing, access.RotationPlacing, access.RotationConfirming, access.RotationWriting,
		access.RotationChecking, access.RotationDraining, access.RotationRemoving, access.RotationProving,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			q := r.begin()
			for range 100 {
				if r.state(q) == state {
					break
				}
				if v := r.MustView(q.ID); v.Undecided() > 0 {
					r.pickAll(q)
				}
				r.Clock.Advance(2 * time.Second)
				r.Must(r.Rotate(r.Ctx()))
				if r.state(q) != state {
					r.Work()
				}
			}
			attempts := r.MustView(q.ID).Rotation.Attempt
			r.Restart()
			r.Engine.Settings.Replica = "next"
			r.Turn(time.Minute)
			if v := r.MustView(q.ID); v.Rotation.State == state && state != access.RotationRemoving {
				t.Errorf("still %s", state)
			} else if v.Undecided() > 0 {
				r.pickAll(q)
			}
			r.reaches(q, access.RotationDone)
			r.Turn(time.Minute)
			r.holdsOnly()
			again := slices.Contains([]access.RotationState{access.RotationPlacing, access.RotationConfirming}, state)
			if got := r.MustView(q.ID).Rotation.Attempt; got != max(1, attempts) && !again {
				t.Errorf("%d attempts", got)
			}
		})
	}
}

// A write that lands only after its process has died, and after another was begun, locks nobody out.
func TestWriteThatLandsLate(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	q := r.begin()
	r.Next = once("write", workflowtest.CrashLate)
	for r.MustView(q.ID).Rotation.Attempt < 2 {
		r.Turn(2 * time.Second)
	}
	r.Land()
	r.reaches(q, access.RotationHalfway)
	if v := r.MustView(q.ID); !strings.Contains(v.Rotation.Problem, "changed") || len(r.onServers()) < 6 {
		t.Fatalf("%s; %v", v.Rotation.Problem, r.onServers())
	}
	r.Must(r.RotateAgain(r.Ctx(), q.ID, bob))
	r.reaches(q, access.RotationRemoving)
	r.Turn(10 * time.Second)
	r.pickAll(q)
	r.reaches(q, access.RotationDone)
	r.holdsOnly()
}

// A refused write changes nothing, and the new public half goes.
func TestRotationFailsWithTheAccountAsItWas(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(*rotating)
		words  string
	}{
		"refused":   {func(r *rotating) { r.Next = once("write", workflowtest.Refuse) }, "invalid"},
		"forbidden": {func(r *rotating) { r.Next = once("write", workflowtest.Forbid) }, "unauthorized"},
		"edited before": {func(r *rotating) {
			r.Deployer.Edit(func(a *access.KeyedAccount) { a.SystemUser = "root" })
		}, "changed the account"},
		"edited between": {func(r *rotating) {
			r.Next = func(call string) workflowtest.Fault {
				if call == "write" {
					r.Stored.ModifiedAt = r.Stored.ModifiedAt.Add(time.Minute)
				}
				return workflowtest.NoFault
			}
		}, "changed the account"},
		"gone":        {func(r *rotating) { r.Stored.ID, r.Stored.Name = "", "" }, "gone"},
		"unhealthy":   {func(r *rotating) { r.Machines[0].Healthy = false }, "target-1"},
		"new machine": {func(r *rotating) { r.Machines = append(r.Machines, stranger()) }, "target-9"},
		"moved":       {func(r *rotating) { r.Machines[1].Addresses = []string{workflowtest.Address(3)} }, "which machines"},
		"no user":     {func(r *rotating) { r.harness.Account.Next = refuseAdditions }, "selected username"},
		"out of order": {func(r *rotating) {
			r.harness.Account.Next = func(server int64, write bool) workflowtest.Fault {
				if server == 2 && write {
					return workflowtest.Trouble
				}
				return workflowtest.NoFault
			}
		}, "web-02"},
		"never at it": {func(r *rotating) {
			r.Next = func(call string) workflowtest.Fault {
				if call == "write" {
					return workflowtest.Trouble
				}
				return workflowtest.NoFault
			}
		}, "in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			q := r.begin()
			tt.before(r)
			r.reaches(q, access.RotationFailed)
			r.harness.Account.Next = nil
			r.Turn(time.Minute)
			v := r.MustView(q.ID)
			if got := r.onServers(); len(got) != 2 || len(r.Seen) != 0 || !strings.Contains(v.Rotation.Problem, tt.words) {
				t.Errorf("%v on the servers; %q", got, v.Rotation.Problem)
			}
			if len(r.Notices(access.NoticeRotation)) != 1 {
				t.Error("nobody is told")
			}
			r.Next = nil
			_, err := r.ask("web deploy")
			if access.CodeOf(err) == access.Conflict {
				t.Errorf("it is held to be unfinished: %v", err)
			}
		})
	}
}

// A server that is offline while the key is placed is waited for, and then given up with.
func TestOfflineServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{true, false} {
		r := newRotating(t)
		r.harness.Account.Offline[2] = true
		q := r.begin()
		r.Turn(8 * time.Minute)
		if r.state(q) != access.RotationPlacing {
			t.Fatalf("%s", r.state(q))
		}
		if back {
			r.harness.Account.Offline[2] = false
			_, err := r.Engine.Servers(r.Ctx(), 0, "")
			r.Must(err)
			r.reaches(q, access.RotationRemoving)
			continue
		}
		r.reaches(q, access.RotationFailed)
		r.Turn(time.Minute)
		if got := r.onServers(); len(got) != 2 || !strings.Contains(r.MustView(q.ID).Rotation.Problem, "web-02") {
			t.Errorf("%v", got)
		}
	}
}

func stranger() access.AccountMachine {
	return access.AccountMachine{ID: "machine-9", Name: "target-9", Host: "203.0.113.9", Addresses: []string{"203.0.113.9"}, Healthy: true}
}

func refuseAdditions(_ int64, write bool) workflowtest.Fault {
	if write {
		return workflowtest.Refuse
	}
	return workflowtest.NoFault
}

// A key that is not proven leaves both halves, until people have it checked or made anew.
func TestHalfway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil, mend func(*rotating)
		again       func(r *rotating, q access.Request) error
	}{
		"offline, then checked again": {
			func(r *rotating) { r.harness.Account.Offline[2] = true }, func(r *rotating) { r.harness.Account.Offline[2] = false },
			func(r *rotating, q access.Request) error { return r.CheckAgain(r.Ctx(), q.ID, bob) },
		},
		"skipped, then rotated again": {
			func(r *rotating) { r.Skips = true }, func(r *rotating) { r.Skips = false },
			func(r *rotating, q access.Request) error { return r.RotateAgain(r.Ctx(), q.ID, bob) },
		},
		"hangs, then rotated again": {
			func(r *rotating) { r.Hangs = true }, func(r *rotating) { r.Hangs = false },
			func(r *rotating, q access.Request) error { return r.RotateAgain(r.Ctx(), q.ID, dave) },
		},
		"edited, then rotated again": {
			func(r *rotating) { r.Deployer.Edit(func(a *access.KeyedAccount) { a.Mark = access.KeyMark{} }) }, func(*rotating) {},
			func(r *rotating, q access.Request) error { return r.RotateAgain(r.Ctx(), q.ID, bob) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			q := r.begin()
			r.reaches(q, access.RotationChecking)
			tt.spoil(r)
			r.reaches(q, access.RotationHalfway)
			if got := r.onServers(); len(got) != 4 || r.MustView(q.ID).Undecided() != 0 {
				t.Fatalf("%v", got)
			}
			refuses(t, r.CheckAgain(r.Ctx(), q.ID, alice), access.Forbidden, "")
			_, err := r.ask("web deploy")
			refuses(t, err, access.Conflict, "not finished")
			tt.mend(r)
			r.Must(tt.again(r, q))
			refuses(t, r.RotateAgain(r.Ctx(), q.ID, bob), access.Conflict, "not half way")
			r.reaches(q, access.RotationRemoving)
			r.Turn(10 * time.Second)
			r.pickAll(q)
			r.reaches(q, access.RotationDone)
			r.holdsOnly()
			r.hides(t)
		})
	}
}

// Old keys stay while the system works on its machines, but not for longer than ten minutes.
func TestRunningDeploymentIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{true, false} {
		r := newRotating(t)
		q := r.begin()
		r.Busy = []string{"Deploy: shop"}
		r.reaches(q, access.RotationDraining)
		r.Turn(5 * time.Minute)
		if v := r.MustView(q.ID); v.Rotation.State != access.RotationDraining || !slices.Equal(v.Rotation.Busy, r.Busy) || len(v.Candidates) != 0 {
			t.Fatalf("%+v", v.Rotation)
		}
		if ends {
			r.Busy = nil
			r.Turn(time.Minute)
		} else {
			r.Turn(6 * time.Minute)
		}
		if v := r.MustView(q.ID); v.Rotation.State != access.RotationRemoving || len(v.Rotation.Busy) != len(r.Busy) {
			t.Errorf("ends %v: %+v", ends, v.Rotation)
		}
	}
}

// What was edited between the last check and the removal keeps the old keys.
func TestEditWhileDeploymentRuns(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	q := r.begin()
	r.Busy = []string{"Deploy: shop"}
	r.reaches(q, access.RotationDraining)
	r.Deployer.Edit(func(*access.KeyedAccount) {})
	r.Busy = nil
	r.reaches(q, access.RotationHalfway)
	if len(r.onServers()) != 4 {
		t.Errorf("%v", r.onServers())
	}
}

// A rotation of an account that somebody has changed since is said to be so, and asks for the old
// key as the first one did.
func TestOutsideEditIsFound(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	first := r.begin()
	r.reaches(first, access.RotationRemoving)
	r.Turn(10 * time.Second)
	r.pickAll(first)
	r.reaches(first, access.RotationDone)
	r.Deployer.Edit(func(*access.KeyedAccount) {})
	second := r.begin()
	if found := r.MustView(second.ID).Rotation.Found; found.Known || !found.Edited || found.ModifiedBy != "somebody" {
		t.Errorf("%+v", found)
	}
	r.reaches(second, access.RotationDone) // nothing but the recorded key is there
	r.holdsOnly()
}

// A machine that is disabled gets the key, and is not checked.
func TestDisabledMachineIsUnproven(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.Machines[1].Disabled, r.Machines[1].Healthy = true, false
	q := r.begin()
	r.reaches(q, access.RotationRemoving)
	r.Turn(10 * time.Second)
	r.pickAll(q)
	r.reaches(q, access.RotationDone)
	r.holdsOnly()
}

// The key of an account is touched by nothing that ends a person's access, and nobody can make it theirs.
func TestKeysOfAccountsStandApart(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	q := r.begin()
	r.reaches(q, access.RotationRemoving)
	r.Turn(10 * time.Second)
	r.pickAll(q)
	r.reaches(q, access.RotationDone)
	r.MustRegister(alice, "alice")
	r.Grant(alice, 10*time.Hour, "")
	r.Pass(48 * time.Hour) // no clock ends it
	r.holdsOnly()
	fingerprint := r.Stored.Mark.Fingerprint
	_, err := r.AskRevoke(r.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Fingerprint: fingerprint})
	refuses(t, err, access.Conflict, "rotate")
	_, err = r.Register(r.Ctx(), alice, mustParse(t, r.Key), "mine")
	refuses(t, err, access.Conflict, "account")
	purge, err := askPurge(r.harness, bob, "runcloud", "")
	r.Must(err)
	r.Work()
	v := r.MustView(purge.ID)
	if len(v.Candidates) != 2 || v.Candidates[0].Why != access.WhyOwned || len(v.Overlaps) != 0 {
		t.Errorf("%+v", v.Candidates)
	}
	_, err = r.Decide(r.Ctx(), workflow.Decision{RequestID: purge.ID, Actor: dave, Verdict: access.Approve})
	r.Must(err)
	r.Pass(time.Hour)
	r.holdsOnly()
	list, err := r.Overview(r.Ctx(), "")
	r.Must(err)
	if len(list.Grants) != 1 || !list.Grants[0].Grant.OfAccount() || list.Grants[0].Placed != 2 {
		t.Errorf("%+v", list.Grants)
	}
}

func mustParse(t *testing.T, line string) sshkey.Key {
	t.Helper()
	key, err := sshkey.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
