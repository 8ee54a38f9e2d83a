package reconcile_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// stamped says when keys were created in whole seconds, as RunCloud does.
type stamped struct{ *workflowtest.Account }

func (s stamped) Add(ctx context.Context, server string, c access.Credential) (access.Credential, error) {
	c, err := s.Account.Add(ctx, server, c)
	c.CreatedAt = c.CreatedAt.Truncate(time.Second)
	return c, err
}

func TestGrantAsLongAsTheTimerIsNotRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Clock.Advance(300 * time.Millisecond)
	h.SetTarget(stamped{h.Account})
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 12*time.Hour, "")
	h.Work()
	h.Pass(11*time.Hour + 59*time.Minute)
	if h.Account.Writes != 2 {
		t.Errorf("%d calls, want the two that placed the keys", h.Account.Writes)
	}
}

// A renewal takes the old key away before it places the new one; when that is refused,
// its person is told at once and the request says no more that the key is there.
func TestRefusedRenewalIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]workflowtest.Fault{"forbidden": workflowtest.Forbid, "invalid": workflowtest.Refuse} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.MustRegister(alice, "alice laptop")
			before := h.Grant(alice, 30*time.Minute, "")
			r := h.Grant(alice, 48*time.Hour, "")
			h.Work()
			h.Account.Next = func(server int64, write bool) workflowtest.Fault {
				if server == 1 && write && len(h.Account.Keys[1]) == 0 {
					return f
				}
				return workflowtest.NoFault
			}
			h.Pass(11*time.Hour + 30*time.Minute)
			v := h.MustView(r.ID)
			if got := workflowtest.States(v, access.PhaseAdd); got[access.Done] != 1 || got[access.Waiting] != 1 {
				t.Errorf("additions %v, want one that waits", got)
			}
			i := slices.IndexFunc(v.Results, func(r access.Result) bool { return r.State == access.Waiting })
			if i < 0 || v.Results[i].ServerID != 1 || v.Results[i].Detail == "" {
				t.Errorf("results %+v, want server 1 to wait with what RunCloud said", v.Results)
			}
			if told := h.Notices(access.NoticeLapsed); len(told) != 1 || told[0].To != alice || told[0].Detail == "" {
				t.Errorf("told %+v, want alice once", told)
			}
			if got := workflowtest.States(h.MustView(before.ID), access.PhaseAdd); got[access.Done] != 2 {
				t.Errorf("additions of the grant that has ended: %v, want them as they were", got)
			}
			h.Account.Next = nil
			h.Pass(2 * time.Hour)
			if got := h.Account.Ours(); len(got) != 2 {
				t.Errorf("placed %v, want it on both", got)
			}
			if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 2 {
				t.Errorf("additions %v, want both done", got)
			}
			if told := h.Notices(access.NoticeLapsed); len(told) != 1 {
				t.Errorf("told %d times", len(told))
			}
		})
	}
}

// After a long stop, many keys have to be renewed. One sweep begins with some of them, and the next
// goes on, though renewals are else asked for once a minute.
func TestManyRenewalsGoOnAtTheNextSweep(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 250)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 48*time.Hour, "")
	h.Work()
	h.Clock.Advance(11*time.Hour + 45*time.Minute)
	for sweep, want := range []int{200, 250} {
		h.Clock.Advance(time.Second)
		h.Must(h.Engine.Renew(h.Ctx()))
		if begun := len(h.Placements(access.PlacementQuery{Renewed: true})); begun != want {
			t.Errorf("%d renewals begun by sweep %d, want %d", begun, sweep+1, want)
		}
	}
	h.Work()
	if ours := h.Account.Ours(); len(ours) != 250 {
		t.Errorf("%d keys", len(ours))
	}
}
