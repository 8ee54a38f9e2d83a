package reconcile_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// dated says of keys that they were created when its clock said so.
type dated struct {
	*workflowtest.Account
	clock func(time.Time) time.Time
}

func (d dated) Add(ctx context.Context, server string, c access.Credential) (access.Credential, error) {
	c, err := d.Account.Add(ctx, server, c)
	c.CreatedAt = d.clock(c.CreatedAt)
	return c, err
}

func (d dated) List(ctx context.Context, server string) ([]access.Credential, error) {
	list, err := d.Account.List(ctx, server)
	for i := range list {
		list[i].CreatedAt = d.clock(list[i].CreatedAt)
	}
	return list, err
}

func TestGrantAsLongAsTheTimerIsNotRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Clock.Advance(300 * time.Millisecond)
	inSeconds := func(at time.Time) time.Time { return at.Truncate(time.Second) } // as RunCloud says it
	h.SetTarget(dated{h.Account, inSeconds})
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 12*time.Hour, "")
	h.Work()
	h.Pass(11*time.Hour + 59*time.Minute)
	if h.Account.Writes != 2 {
		t.Errorf("%d calls, want the two that placed the keys", h.Account.Writes)
	}
}

// A key whose call had no answer is found only hours later, because the program was down, or the list
// of the server could not be read. It is renewed before the target's timer, which began with the call,
// ends it; and not ever again, whatever the target's clock shows.
func TestKeyThatIsFoundLateIsRenewedInTime(t *testing.T) {
	t.Parallel()
	for name, clock := range map[string]func(time.Time) time.Time{
		"clock right":   func(at time.Time) time.Time { return at },
		"clock behind":  func(at time.Time) time.Time { return at.Add(-11 * time.Hour) },
		"clock ahead":   func(at time.Time) time.Time { return at.Add(11 * time.Hour) },
		"without dates": func(time.Time) time.Time { return time.Time{} },
	} {
		for why, pass := range map[string]func(*harness, time.Duration){
			"down":       func(h *harness, d time.Duration) { h.Clock.Advance(d) },
			"unreadable": (*harness).Pass,
		} {
			t.Run(name+", "+why, func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, 1)
				h.SetTarget(dated{h.Account, clock})
				h.MustRegister(alice, "alice laptop")
				h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
					if write {
						return workflowtest.Lost
					}
					return workflowtest.Trouble
				}
				h.Grant(alice, 48*time.Hour, "")
				h.Work()
				pass(h, 11*time.Hour+20*time.Minute)
				h.Account.Next = nil
				for range 3 * 24 {
					h.Pass(10 * time.Minute)
					if keys, err := h.Account.List(h.Ctx(), "1"); err != nil || len(keys) != 1 {
						t.Fatalf("%s: %d keys on the server, want it to stay: %v", h.Clock.Now(), len(keys), err)
					}
				}
				if n := h.Account.Writes; n != 1+2*2 {
					t.Errorf("%d calls, want one that placed the key, and two for each of two renewals", n)
				}
			})
		}
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
