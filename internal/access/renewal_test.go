package access_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// stamped answers when keys were created in whole seconds, as RunCloud does.
type stamped struct{ *account }

func (s stamped) Add(ctx context.Context, server int64, c access.Credential) (access.Credential, error) {
	c, err := s.account.Add(ctx, server, c)
	c.CreatedAt = c.CreatedAt.Truncate(time.Second)
	return c, err
}

func TestGrantAsLongAsTheTimerIsNotRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.clock.Advance(300 * time.Millisecond)
	h.Target = stamped{h.account}
	h.register(alice, "alice laptop")
	h.grant(alice, 12*time.Hour, "")
	h.work()
	h.pass(11*time.Hour + 59*time.Minute)
	if h.account.writes != 2 {
		t.Errorf("%d calls, want the two that placed the keys", h.account.writes)
	}
}

// A renewal takes the old key away before it places the new one; when that is refused,
// its person is told at once and the request says no more that the key is there.
func TestRefusedRenewalIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"forbidden": forbid, "invalid": refuse} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.register(alice, "alice laptop")
			before := h.grant(alice, 30*time.Minute, "")
			r := h.grant(alice, 48*time.Hour, "")
			h.work()
			h.account.next = func(server int64, write bool) fault {
				if server == 1 && write && len(h.account.keys[1]) == 0 {
					return f
				}
				return noFault
			}
			h.pass(11*time.Hour + 30*time.Minute)
			v := h.view(r.ID)
			if got := states(v, access.PhaseAdd); got[access.Done] != 1 || got[access.Waiting] != 1 {
				t.Errorf("additions %v, want one that waits", got)
			}
			i := slices.IndexFunc(v.Results, func(r access.Result) bool { return r.State == access.Waiting })
			if i < 0 || v.Results[i].ServerID != 1 || v.Results[i].Detail == "" {
				t.Errorf("results %+v, want server 1 to wait with what RunCloud said", v.Results)
			}
			if told := h.notices(access.NoticeLapsed); len(told) != 1 || told[0].To != alice || told[0].Detail == "" {
				t.Errorf("told %+v, want alice once", told)
			}
			if got := states(h.view(before.ID), access.PhaseAdd); got[access.Done] != 2 {
				t.Errorf("additions of the grant that has ended: %v, want them as they were", got)
			}
			h.account.next = nil
			h.pass(2 * time.Hour)
			if got := h.account.ours(); len(got) != 2 {
				t.Errorf("placed %v, want it on both", got)
			}
			if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 2 {
				t.Errorf("additions %v, want both done", got)
			}
			if told := h.notices(access.NoticeLapsed); len(told) != 1 {
				t.Errorf("told %d times", len(told))
			}
		})
	}
}
