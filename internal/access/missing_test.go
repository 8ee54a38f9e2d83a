package access_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// counted is an account that counts its questions, and whose list of servers lacks some.
type counted struct {
	*account
	unlisted map[int64]bool
	asked    int // for one server
	listed   int
}

func (c *counted) Servers(ctx context.Context) ([]access.Server, error) {
	c.listed++
	all, err := c.account.Servers(ctx)
	return slices.DeleteFunc(all, func(s access.Server) bool { return c.unlisted[s.ID] }), err
}

func (c *counted) Server(ctx context.Context, id int64) (access.Server, error) {
	c.asked++
	return c.account.Server(ctx, id)
}

// unlist makes the harness's account one whose list lacks these servers.
func (h *harness) unlist(ids ...int64) *counted {
	c := &counted{account: h.account, unlisted: map[int64]bool{}}
	for _, id := range ids {
		c.unlisted[id] = true
	}
	h.Target = c
	return c
}

func TestDoubtedListEndsNoInspection(t *testing.T) {
	t.Parallel()
	for name, lacks := range map[string][]int64{"empty": {1, 2, 3}, "one of three missing": {2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 3)
			key := h.register(alice, "alice laptop")
			h.grant(alice, 10*time.Hour, "")
			h.work()
			byHand := h.account.strange(2, "from long ago", "root", key.Authorized())
			h.clock.Advance(10 * time.Minute)
			list := h.unlist(lacks...)
			off := h.offboard(alice)
			h.pass(30 * time.Minute)
			v := h.view(off.ID)
			if len(h.account.ours()) != 0 || len(v.Candidates) != 1 || v.Candidates[0].Credential.ID != byHand {
				t.Errorf("keys %v, candidates %+v: servers that the list lacks are worked on", h.account.ours(), v.Candidates)
			}
			if v.Settled() || v.Results[0].Problem != access.ProblemDoubted {
				t.Errorf("a list that cannot be right was believed: %+v", v.Results)
			}
			clear(list.unlisted)
			h.account.names[4] = "web-04" // nobody knew of it
			alsoByHand := h.account.strange(4, "also", "root", key.Authorized())
			h.pass(30 * time.Minute)
			v = h.view(off.ID)
			if !v.Settled() || len(v.Candidates) != 2 || v.Candidates[1].Credential.ID != alsoByHand {
				t.Errorf("when the list is right again: %+v, %+v", v.Results, v.Candidates)
			}
		})
	}
}

func TestEmptyAccountIsNeverLookedAt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 0)
	h.register(alice, "alice laptop")
	off := h.offboard(alice)
	h.pass(time.Hour)
	h.settled(t, off.ID, false, "no list had a server")
	h.account.names[1] = "web-01"
	h.pass(30 * time.Minute)
	h.settled(t, off.ID, true, "the list has one")
}

func TestListThatLostFewIsBelieved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 20)
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
	h.clock.Advance(10 * time.Minute)
	list := h.unlist(2)
	got, err := h.FindServers(h.ctx(), bob, "")
	if err != nil || len(got) != 19 {
		t.Errorf("%d servers to choose from, want those that are listed (%v)", len(got), err)
	}
	h.clock.Advance(10 * time.Minute)
	list.unlisted[3], list.unlisted[4] = true, true
	if got, err = h.FindServers(h.ctx(), bob, ""); err != nil || len(got) != 20 {
		t.Errorf("%d servers to choose from, want all that are known while the list is doubted (%v)", len(got), err)
	}
}

func TestServerIsSettledAsGoneByTwoAnswersAnHourApart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "one")
	h.register(alice, "two")
	h.register(alice, "three")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	name := h.account.names[2]
	delete(h.account.names, 2)
	h.clock.Advance(10 * time.Minute)
	questions := h.unlist()
	off := h.offboard(alice)
	h.pass(50 * time.Minute)
	v := h.view(off.ID)
	if got := states(v, access.PhaseRemove); got[access.Done] != 6 || got[access.Waiting] != 3 || v.Settled() {
		t.Errorf("removals %v, want those on the missing server owed", got)
	}
	if len(v.Missing) != 1 || v.Missing[0] != (access.ServerRef{ID: 2, Name: name}) {
		t.Errorf("missing %v", v.Missing)
	}
	if o, err := h.Overview(h.ctx(), ""); err != nil || len(o.Debt) != 3 {
		t.Errorf("%d keys in the list, want three (%v)", len(o.Debt), err)
	}
	h.pass(40 * time.Minute)
	v = h.view(off.ID)
	if got := states(v, access.PhaseRemove); got[access.Done] != 6 || got[access.OutOfReach] != 3 {
		t.Errorf("removals %v, want what nobody has confirmed told apart", got)
	}
	if got := states(v, access.PhaseInspect); got[access.OutOfReach] != 1 || !v.Settled() {
		t.Errorf("inspections %v, want the gone server told apart", got)
	}
	if questions.asked > 12 || questions.listed > 8 {
		t.Errorf("%d questions for one server, %d lists: three keys there ask no more than one", questions.asked, questions.listed)
	}
	questions.asked, questions.listed = 0, 0
	h.pass(48 * time.Hour)
	if questions.asked > 0 || questions.listed > 9 {
		t.Errorf("%d questions and %d lists in two days after that", questions.asked, questions.listed)
	}
}

func TestServerThatIsFoundInBetweenIsNotGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 30*24*time.Hour, "")
	h.work()
	name := h.account.names[2]
	off := h.offboard(carol) // has servers read
	h.work()
	for range 6 {
		delete(h.account.names, 2)
		h.clock.Advance(10 * time.Minute)
		_, err := h.FindServers(h.ctx(), bob, "")
		h.must(err)
		h.pass(40 * time.Minute)
		h.account.names[2] = name
		h.pass(20 * time.Minute)
	}
	h.settled(t, off.ID, true, "read before that")
	if events := h.verifyAudit(); slices.ContainsFunc(events, func(e access.Event) bool { return e.Action == "server.gone" }) {
		t.Error("it was there in between")
	}
}

func TestInspectionComesWhenTheServerIsBack(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]time.Duration{"missing": 40 * time.Minute, "gone": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			key := newKey("lost")
			h.account.strange(2, "by hand", "root", key.Authorized())
			_, err := h.FindServers(h.ctx(), bob, "")
			h.must(err)
			server := h.account.names[2]
			delete(h.account.names, 2)
			h.clock.Advance(10 * time.Minute)
			r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Key: &key})
			h.must(err)
			_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
			h.must(err)
			h.pass(away)
			if v := h.view(r.ID); len(v.Candidates) != 0 || v.Settled() != (away > time.Hour) {
				t.Fatalf("%+v, %+v", v.Candidates, v.Results)
			}
			h.account.names[2] = server
			_, err = h.FindServers(h.ctx(), bob, "")
			h.must(err)
			h.pass(20 * time.Minute)
			if v := h.view(r.ID); len(v.Candidates) != 1 || !v.Settled() {
				t.Errorf("candidates %+v, results %+v", v.Candidates, v.Results)
			}
			if told := h.notices(access.NoticeUnsaid); (len(told) == 1) != (away > time.Hour) {
				t.Errorf("told %+v", told)
			}
		})
	}
}

func TestApproverSettlesThatAServerIsGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	delete(h.account.names, 2)
	h.clock.Advance(10 * time.Minute)
	off := h.offboard(alice)
	gone := func(server int64, actor access.UserID) error {
		_, err := h.GoneForGood(h.ctx(), off.ID, server, actor)
		return err
	}
	refuses(t, gone(2, bob), access.Conflict, "finds this server")
	h.work()
	h.unchanged(t, func() {
		refuses(t, gone(2, carol), access.Forbidden, "approver")
		refuses(t, gone(1, bob), access.Conflict, "finds this server")
		refuses(t, gone(9, bob), access.NotFound, "")
	})
	h.must(gone(2, bob))
	refuses(t, gone(2, dave), access.Conflict, "already")
	h.pass(10 * time.Minute)
	v := h.view(off.ID)
	if got := states(v, access.PhaseRemove); got[access.Done] != 1 || got[access.OutOfReach] != 1 || !v.Settled() {
		t.Errorf("removals %v", got)
	}
	events := h.verifyAudit()
	if !slices.ContainsFunc(events, func(e access.Event) bool { return e.Action == "server.gone" && e.Actor == bob }) {
		t.Error("who said that it is gone is not in the log")
	}
}

func TestGrantAsksForNoMissingServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
	delete(h.account.names, 2)
	h.clock.Advance(10 * time.Minute)
	_, err = h.FindServers(h.ctx(), bob, "") // doubted: it has lost one of two
	h.must(err)
	h.must(h.FindReturned(h.ctx()))
	if v := h.view(h.ask(alice, time.Hour, "").ID); len(v.Servers) != 1 {
		t.Errorf("asked for %v", v.Servers)
	}
	h.clock.Advance(time.Minute)
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Fingerprint: newKey("alice laptop").Fingerprint(), Servers: "web-02"})
	if err != nil || len(h.view(r.ID).Servers) != 1 {
		t.Errorf("what ends access names it all the same: %v", err)
	}
}

// sessionless is an account whose sessions cannot be read on one server.
type sessionless struct {
	*account
	server int64
}

func (m *sessionless) Sessions(_ context.Context, server int64) ([]access.Session, error) {
	if server == m.server {
		return nil, &access.Error{Code: access.Unavailable, Message: "Server Error"}
	}
	return nil, nil
}

func TestSessionsThatCouldNotBeReadAreNotNone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Target = &sessionless{account: h.account, server: 2}
	h.register(alice, "alice laptop")
	off := h.offboard(alice)
	h.work()
	v := h.view(off.ID)
	if !v.Settled() || len(v.SessionsUnread) != 1 || v.SessionsUnread[0].ID != 2 {
		t.Errorf("sessions are unread on %v", v.SessionsUnread)
	}
	h = newHarness(t, 2)
	h.Target = &sessionless{account: h.account}
	h.register(alice, "alice laptop")
	off = h.offboard(alice)
	h.work()
	if v := h.view(off.ID); len(v.SessionsUnread) != 0 || len(v.Sessions) != 0 {
		t.Errorf("none were open: %+v", v.Results)
	}
}

func TestEveryKeyThatIsNotConfirmedGoneIsListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	listed := func() (moving, overdue int) {
		t.Helper()
		o, err := h.Overview(h.ctx(), "")
		h.must(err)
		for _, d := range o.Debt {
			if d.Moving {
				moving++
			} else {
				overdue++
			}
		}
		return moving, overdue
	}
	if moving, overdue := listed(); moving+overdue != 0 {
		t.Errorf("%d moving and %d overdue while the grant is live", moving, overdue)
	}
	_, err := h.GiveBack(h.ctx(), alice, 0, "x")
	h.must(err)
	if moving, overdue := listed(); moving != 3 || overdue != 0 {
		t.Errorf("%d moving and %d overdue right after, want 3 and 0", moving, overdue)
	}
	h.clock.Advance(2 * time.Minute)
	if moving, overdue := listed(); moving != 0 || overdue != 3 {
		t.Errorf("%d moving and %d overdue, want 0 and 3", moving, overdue)
	}
	h.pass(10 * time.Minute)
	if moving, overdue := listed(); moving+overdue != 0 {
		t.Errorf("%d moving and %d overdue at the end", moving, overdue)
	}
}

func TestKeysOfAGrantThatNobodyEndedYetAreListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	h.clock.Advance(61 * time.Minute)
	o, err := h.Overview(h.ctx(), "")
	if err != nil || len(o.Debt) != 2 || o.Debt[0].Moving {
		t.Errorf("debt %+v (%v)", o.Debt, err)
	}
}
