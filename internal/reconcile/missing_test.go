package reconcile_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// counted is an account that counts its questions, and whose list of servers lacks some.
type counted struct {
	*workflowtest.Account
	unlisted map[int64]bool
	asked    int // for one server
	listed   int
}

func (c *counted) Servers(ctx context.Context) ([]access.Server, error) {
	c.listed++
	all, err := c.Account.Servers(ctx)
	return slices.DeleteFunc(all, func(s access.Server) bool { return c.unlisted[workflowtest.Number(s.ExternalID)] }), err
}

func (c *counted) Server(ctx context.Context, id string) (access.Server, error) {
	c.asked++
	return c.Account.Server(ctx, id)
}

// unlist makes the harness's account one whose list lacks these servers.
func unlist(h *harness, ids ...int64) *counted {
	c := &counted{Account: h.Account, unlisted: map[int64]bool{}}
	for _, id := range ids {
		c.unlisted[id] = true
	}
	h.SetTarget(c)
	return c
}

func TestDoubtedListEndsNoInspection(t *testing.T) {
	t.Parallel()
	for name, lacks := range map[string][]int64{"empty": {1, 2, 3}, "one of three missing": {2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 3)
			key := h.MustRegister(alice, "alice laptop")
			h.Grant(alice, 10*time.Hour, "")
			h.Work()
			byHand := h.Account.AddKey(2, "from long ago", "root", key.Authorized())
			h.Clock.Advance(10 * time.Minute)
			list := unlist(h, lacks...)
			off := h.MustOffboard(alice)
			h.Pass(30 * time.Minute)
			v := h.MustView(off.ID)
			if len(h.Account.Ours()) != 0 || len(v.Candidates) != 1 || v.Candidates[0].Credential.ID != byHand {
				t.Errorf("keys %v, candidates %+v: servers that the list lacks are worked on", h.Account.Ours(), v.Candidates)
			}
			if v.Settled() || v.Results[0].Problem != access.ProblemDoubted {
				t.Errorf("a list that cannot be right was believed: %+v", v.Results)
			}
			clear(list.unlisted)
			h.Account.Names[4] = "web-04" // nobody knew of it
			alsoByHand := h.Account.AddKey(4, "also", "root", key.Authorized())
			h.Pass(30 * time.Minute)
			v = h.MustView(off.ID)
			if !v.Settled() || len(v.Candidates) != 2 || v.Candidates[1].Credential.ID != alsoByHand {
				t.Errorf("when the list is right again: %+v, %+v", v.Results, v.Candidates)
			}
		})
	}
}

func TestEmptyAccountIsNeverLookedAt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 0)
	h.MustRegister(alice, "alice laptop")
	off := h.MustOffboard(alice)
	h.Pass(time.Hour)
	h.Settled(t, off.ID, false, "no list had a server")
	h.Account.Names[1] = "web-01"
	h.Pass(30 * time.Minute)
	h.Settled(t, off.ID, true, "the list has one")
}

func TestListThatLostFewIsBelieved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 20)
	_, err := h.FindServers(h.Ctx(), bob, "")
	h.Must(err)
	h.Clock.Advance(10 * time.Minute)
	list := unlist(h, 2)
	got, err := h.FindServers(h.Ctx(), bob, "")
	if err != nil || len(got) != 19 {
		t.Errorf("%d servers to choose from, want those that are listed (%v)", len(got), err)
	}
	h.Clock.Advance(10 * time.Minute)
	list.unlisted[3], list.unlisted[4] = true, true
	if got, err = h.FindServers(h.Ctx(), bob, ""); err != nil || len(got) != 20 {
		t.Errorf("%d servers to choose from, want all that are known while the list is doubted (%v)", len(got), err)
	}
}

func TestServerIsSettledAsGoneByTwoAnswersAnHourApart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "one")
	h.MustRegister(alice, "two")
	h.MustRegister(alice, "three")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	name := h.Account.Names[2]
	delete(h.Account.Names, 2)
	h.Clock.Advance(10 * time.Minute)
	questions := unlist(h)
	off := h.MustOffboard(alice)
	h.Pass(50 * time.Minute)
	v := h.MustView(off.ID)
	if got := workflowtest.States(v, access.PhaseRemove); got[access.Done] != 6 || got[access.Waiting] != 3 || v.Settled() {
		t.Errorf("removals %v, want those on the missing server owed", got)
	}
	if len(v.Missing) != 1 || v.Missing[0] != (access.ServerRef{ID: 2, Name: name}) {
		t.Errorf("missing %v", v.Missing)
	}
	if o, err := h.Overview(h.Ctx(), ""); err != nil || len(o.Debt) != 3 {
		t.Errorf("%d keys in the list, want three (%v)", len(o.Debt), err)
	}
	h.Pass(40 * time.Minute)
	v = h.MustView(off.ID)
	if got := workflowtest.States(v, access.PhaseRemove); got[access.Done] != 6 || got[access.OutOfReach] != 3 {
		t.Errorf("removals %v, want what nobody has confirmed told apart", got)
	}
	if got := workflowtest.States(v, access.PhaseInspect); got[access.OutOfReach] != 1 || !v.Settled() {
		t.Errorf("inspections %v, want the gone server told apart", got)
	}
	if questions.asked > 12 || questions.listed > 8 {
		t.Errorf("%d questions for one server, %d lists: three keys there ask no more than one", questions.asked, questions.listed)
	}
	questions.asked, questions.listed = 0, 0
	h.Pass(48 * time.Hour)
	if questions.asked > 0 || questions.listed > 9 {
		t.Errorf("%d questions and %d lists in two days after that", questions.asked, questions.listed)
	}
}

func TestServerThatIsFoundInBetweenIsNotGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 30*24*time.Hour, "")
	h.Work()
	name := h.Account.Names[2]
	off := h.MustOffboard(carol) // has servers read
	h.Work()
	for range 6 {
		delete(h.Account.Names, 2)
		h.Clock.Advance(10 * time.Minute)
		_, err := h.FindServers(h.Ctx(), bob, "")
		h.Must(err)
		h.Pass(40 * time.Minute)
		h.Account.Names[2] = name
		h.Pass(20 * time.Minute)
	}
	h.Settled(t, off.ID, true, "read before that")
	if events := h.VerifyAudit(); slices.ContainsFunc(events, func(e access.Event) bool { return e.Action == access.DidServerGone }) {
		t.Error("it was there in between")
	}
}

func TestInspectionComesWhenTheServerIsBack(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]time.Duration{"missing": 40 * time.Minute, "gone": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			key := workflowtest.NewKey("lost")
			h.Account.AddKey(2, "by hand", "root", key.Authorized())
			_, err := h.FindServers(h.Ctx(), bob, "")
			h.Must(err)
			server := h.Account.Names[2]
			delete(h.Account.Names, 2)
			h.Clock.Advance(10 * time.Minute)
			r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Key: &key})
			h.Must(err)
			_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
			h.Must(err)
			h.Pass(away)
			if v := h.MustView(r.ID); len(v.Candidates) != 0 || v.Settled() != (away > time.Hour) {
				t.Fatalf("%+v, %+v", v.Candidates, v.Results)
			}
			h.Account.Names[2] = server
			_, err = h.FindServers(h.Ctx(), bob, "")
			h.Must(err)
			h.Pass(20 * time.Minute)
			if v := h.MustView(r.ID); len(v.Candidates) != 1 || !v.Settled() {
				t.Errorf("candidates %+v, results %+v", v.Candidates, v.Results)
			}
			if told := h.Notices(access.NoticeReopened); (len(told) == 1) != (away > time.Hour) {
				t.Errorf("told %+v", told)
			}
		})
	}
}

func TestApproverSettlesThatAServerIsGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	delete(h.Account.Names, 2)
	h.Clock.Advance(10 * time.Minute)
	off := h.MustOffboard(alice)
	gone := func(server int64, actor access.UserID) error {
		_, err := h.GoneForGood(h.Ctx(), off.ID, server, actor)
		return err
	}
	refuses(t, gone(2, bob), access.Conflict, "is found again")
	h.Work()
	h.Unchanged(t, func() {
		refuses(t, gone(2, carol), access.Forbidden, "approver")
		refuses(t, gone(1, bob), access.Conflict, "is found again")
		refuses(t, gone(9, bob), access.NotFound, "")
	})
	h.Must(gone(2, bob))
	refuses(t, gone(2, dave), access.Conflict, "already")
	h.Pass(10 * time.Minute)
	v := h.MustView(off.ID)
	if got := workflowtest.States(v, access.PhaseRemove); got[access.Done] != 1 || got[access.OutOfReach] != 1 || !v.Settled() {
		t.Errorf("removals %v", got)
	}
	events := h.VerifyAudit()
	if !slices.ContainsFunc(events, func(e access.Event) bool { return e.Action == access.DidServerGone && e.Actor == bob }) {
		t.Error("who said that it is gone is not in the log")
	}
}

func TestAdditionOnAServerThatLeftSaysToLookForIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 20)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 10*time.Hour, "web-02")
	delete(h.Account.Names, 2)
	h.Pass(2 * time.Hour)
	if got := h.MustView(r.ID).Results[0]; got.State != access.Failed || got.Remedy != access.RemedyServer {
		t.Errorf("%+v", got)
	}
}

func TestGrantAsksForNoMissingServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	_, err := h.FindServers(h.Ctx(), bob, "")
	h.Must(err)
	delete(h.Account.Names, 2)
	h.Clock.Advance(10 * time.Minute)
	_, err = h.FindServers(h.Ctx(), bob, "") // doubted: it has lost one of two
	h.Must(err)
	h.Must(h.Engine.FindReturned(h.Ctx()))
	if v := h.MustView(h.Ask(alice, time.Hour, "").ID); len(v.Servers) != 1 {
		t.Errorf("asked for %v", v.Servers)
	}
	h.Clock.Advance(time.Minute)
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Fingerprint: workflowtest.NewKey("alice laptop").Fingerprint(), Servers: "web-02"})
	if err != nil || len(h.MustView(r.ID).Servers) != 1 {
		t.Errorf("what ends access names it all the same: %v", err)
	}
}

// sessionless is an account whose sessions cannot be read on one server.
type sessionless struct {
	*workflowtest.Account
	server int64
}

func (m *sessionless) Sessions(_ context.Context, server string) ([]access.Session, error) {
	if workflowtest.Number(server) == m.server {
		return nil, &access.Error{Code: access.Unavailable, Message: "Server Error"}
	}
	return nil, nil
}

func TestSessionsThatCouldNotBeReadAreNotNone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.SetTarget(&sessionless{Account: h.Account, server: 2})
	h.MustRegister(alice, "alice laptop")
	off := h.MustOffboard(alice)
	h.Work()
	v := h.MustView(off.ID)
	if !v.Settled() || len(v.SessionsUnread) != 1 || v.SessionsUnread[0].ID != 2 {
		t.Errorf("sessions are unread on %v", v.SessionsUnread)
	}
	h = newHarness(t, 2)
	h.SetTarget(&sessionless{Account: h.Account})
	h.MustRegister(alice, "alice laptop")
	off = h.MustOffboard(alice)
	h.Work()
	if v := h.MustView(off.ID); len(v.SessionsUnread) != 0 || len(v.Sessions) != 0 {
		t.Errorf("none were open: %+v", v.Results)
	}
}

func TestEveryKeyThatIsNotConfirmedGoneIsListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	listed := func() (moving, overdue int) {
		t.Helper()
		o, err := h.Overview(h.Ctx(), "")
		h.Must(err)
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
	_, err := h.GiveBack(h.Ctx(), alice, 0, "x")
	h.Must(err)
	if moving, overdue := listed(); moving != 3 || overdue != 0 {
		t.Errorf("%d moving and %d overdue right after, want 3 and 0", moving, overdue)
	}
	h.Clock.Advance(2 * time.Minute)
	if moving, overdue := listed(); moving != 0 || overdue != 3 {
		t.Errorf("%d moving and %d overdue, want 0 and 3", moving, overdue)
	}
	h.Pass(10 * time.Minute)
	if moving, overdue := listed(); moving+overdue != 0 {
		t.Errorf("%d moving and %d overdue at the end", moving, overdue)
	}
}

func TestKeysOfAGrantThatNobodyEndedYetAreListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	h.Clock.Advance(61 * time.Minute)
	o, err := h.Overview(h.Ctx(), "")
	if err != nil || len(o.Debt) != 2 || o.Debt[0].Moving {
		t.Errorf("debt %+v (%v)", o.Debt, err)
	}
}
