package octopus_test

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/octopussim"
)

// check replaces the key, and returns what a check of both machines says then.
func (b *bench) check() (access.AccountCheck, error) {
	b.Helper()
	now, err := b.Replace(b.Context(), b.find("web"), b.half(7))
	if err != nil {
		b.Fatal(err)
	}
	machines := []string{b.target, b.worker}
	id, err := b.StartCheck(b.Context(), "check 1", machines)
	if err != nil {
		b.Fatal(err)
	}
	return b.Check(b.Context(), id, machines, now.ModifiedAt)
}

func TestChecksAreJudgedMachineByMachine(t *testing.T) {
	t.Parallel()
	edit := func(change func(*octopussim.Machine)) func(b *bench) {
		return func(b *bench) { b.sim.EditMachine(b.target, change) }
	}
	for name, tt := range map[string]struct {
		before   func(b *bench)
		passed   bool
		unproven []string
		problem  bool
	}{
		"healthy":    {func(*bench) {}, true, nil, false},
		"warns":      {edit(func(m *octopussim.Machine) { m.Warns = true }), true, nil, false},
		"offline":    {edit(func(m *octopussim.Machine) { m.Offline = true }), false, []string{"web-01"}, true},
		"disabled":   {edit(func(m *octopussim.Machine) { m.Disabled = true }), false, []string{"web-01"}, false},
		"other user": {func(b *bench) { b.sim.EditAccount(b.account, "somebody", map[string]any{"Username": "other"}) }, false, []string{"web-01", "worker"}, true},
		"cancelled":  {func(b *bench) { b.sim.SetTaskRules(octopussim.TaskRules{Ends: octopussim.Canceled}) }, false, []string{"web-01", "worker"}, true},
		"timed out":  {func(b *bench) { b.sim.SetTaskRules(octopussim.TaskRules{Ends: octopussim.TimedOut}) }, false, []string{"web-01", "worker"}, true},
		"policy skips": {func(b *bench) {
			b.sim.SetTaskRules(octopussim.TaskRules{SkipUnavailable: true})
			b.sim.EditMachine(b.worker, func(m *octopussim.Machine) { m.Offline = true })
		}, false, []string{"worker"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			trial(t, func(t *testing.T, b *bench) {
				tt.before(b)
				got, err := b.check()
				if err != nil || !got.Over || got.Passed != tt.passed || !slices.Equal(got.Unproven, tt.unproven) || got.Problem != "" != tt.problem || len(got.Machines) != 2 {
					t.Errorf("%+v, %v", got, err)
				}
			})
		})
	}
}

func TestCheckThatRunsIsNotOver(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		b.sim.SetTaskRules(octopussim.TaskRules{Hangs: true})
		if got, err := b.check(); err != nil || got.Over || got.Passed {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A look from before the write proves nothing, and neither does a time that is not known.
func TestOnlyLaterChecksProve(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		if got, err := b.check(); err != nil || !got.Passed {
			t.Fatalf("%+v, %v", got, err)
		}
		id, err := b.FindCheck(t.Context(), "check 1")
		if err != nil {
			t.Fatal(err)
		}
		for name, since := range map[string]time.Time{"later": time.Now().Add(time.Hour), "unknown": {}} {
			if got, err := b.Check(t.Context(), id, []string{b.target}, since); err != nil || got.Passed || !got.Over {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		b.sim.RemoveMachine(b.worker)
		if got, err := b.Check(t.Context(), id, []string{b.target, b.worker}, time.Unix(1, 0)); err != nil || got.Passed || got.Problem == "" {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = b.FindCheck(t.Context(), "check 2")
		b.coded(err, access.NotFound)
		_, err = b.Check(t.Context(), "ServerTasks-99", []string{b.target}, time.Unix(1, 0))
		b.coded(err, access.NotFound)
	})
}

func TestActiveTasks(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		id := b.sim.StartTask(space, "Deploy", "shop 1.2", octopussim.Executing)
		b.sim.StartTask(space, "Health", "all", octopussim.Executing)
		if got, err := b.ActiveTasks(t.Context()); err != nil || !slices.Equal(got, []string{"Deploy: shop 1.2"}) {
			t.Errorf("%q, %v", got, err)
		}
		b.sim.EndTask(id, octopussim.Success)
		if got, err := b.ActiveTasks(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("%q, %v", got, err)
		}
		b.sim.SetAccess(octopussim.NoRights)
		_, err := b.ActiveTasks(t.Context())
		b.coded(err, access.Forbidden)
	})
}
