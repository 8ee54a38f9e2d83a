package workflow_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// rotating is a harness with an account that is used on the first two of three servers, where
// its key of before was placed by hand.
type rotating struct {
	*harness
	*workflowtest.Deployer
	old [2]string // the ids of the key of before
}

func newRotating(t *testing.T) *rotating {
	t.Helper()
	r := &rotating{harness: newHarness(t, 3)}
	r.Deployer = workflowtest.NewDeployer(r.harness, 1, 2)
	r.Accounts = r.Deployer
	key := workflowtest.NewKey("old")
	r.Key = key.Authorized()
	for i := range r.old {
		r.old[i] = r.harness.Account.AddKey(int64(i+1), "octopus by hand", "runcloud", key.Authorized())
	}
	return r
}

func (r *rotating) ask(account string) (access.Request, error) {
	return r.AskRotate(r.Ctx(), workflow.RotateAsk{Source: r.NextSource(), Asker: dave, Account: account})
}

// begin asks for a rotation and has it approved.
func (r *rotating) begin() access.Request {
	r.T.Helper()
	q, err := r.ask("web deploy")
	r.Must(err)
	return r.Approve(q.ID)
}

func (r *rotating) state(q access.Request) access.RotationState {
	return r.MustView(q.ID).Rotation.State
}

// reaches lets time go by until a rotation is in that state.
func (r *rotating) reaches(q access.Request, state access.RotationState) {
	r.T.Helper()
	for range 600 {
		if r.state(q) == state {
			return
		}
		r.Turn(2 * time.Second)
	}
	r.T.Fatalf("%+v does not become %s", r.MustView(q.ID).Rotation, state)
}

// pickAll has every candidate removed.
func (r *rotating) pickAll(q access.Request) {
	r.T.Helper()
	for _, c := range r.MustView(q.ID).Candidates {
		r.Must(r.Pick(r.Ctx(), q.ID, c.ServerID, c.Credential.ID, bob))
	}
}

// onServers returns the public keys on the servers, as «server TYPE BLOB».
func (r *rotating) onServers() (all []string) {
	for server := int64(1); server <= 3; server++ {
		for _, c := range r.harness.Account.Keys[server] {
			all = append(all, fmt.Sprintf("%d %s", server, strings.Join(strings.Fields(c.PublicKey)[:2], " ")))
		}
	}
	slices.Sort(all)
	return all
}

// holdsOnly fails the test unless the account's key is on its servers, and no other.
func (r *rotating) holdsOnly() {
	r.T.Helper()
	want := []string{"1 " + r.Key, "2 " + r.Key}
	if got := r.onServers(); !slices.Equal(got, want) {
		r.T.Fatalf("on the servers are %v, want %v", got, want)
	}
}

// hides fails the test if a private half is in the ledger.
func (r *rotating) hides(t *testing.T) {
	t.Helper()
	if len(r.Seen) == 0 {
		t.Error("no private half was made")
	}
	dir := filepath.Join(t.TempDir(), "copy.db")
	_, err := r.Ledger.SQLite().ExecContext(t.Context(), "VACUUM INTO '"+dir+"'")
	r.Must(err)
	text, err := os.ReadFile(dir)
	r.Must(err)
	for _, file := range r.Seen {
		secret := strings.Split(file, "\n")[2]
		for _, part := range []string{secret, base64.StdEncoding.EncodeToString([]byte(file))[40:80], "PRIVATE KEY"} {
			if bytes.Contains(text, []byte(part)) {
				t.Error("a private half is in the ledger")
			}
		}
	}
}

// The first rotation does not know the old key: an approver picks it. The second removes what the
// first recorded by itself.
func TestRotation(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	first := r.begin()
	r.reaches(first, access.RotationRemoving)
	r.Turn(10 * time.Second)
	v := r.MustView(first.ID)
	if len(v.Candidates) != 2 || v.Undecided() != 2 || v.Candidates[0].Credential.ID != r.old[0] || v.Rotation.Found.Known {
		t.Fatalf("%+v", v.Candidates)
	}
	if r.state(first) != access.RotationRemoving || r.Checks() != 1 || len(r.onServers()) != 4 {
		t.Fatalf("nothing was picked yet: %s, %v", r.state(first), r.onServers())
	}
	r.pickAll(first)
	r.reaches(first, access.RotationDone)
	r.holdsOnly()
	if r.Checks() != 2 || r.Stored.Mark.Request != first.ID {
		t.Errorf("%d checks, %+v", r.Checks(), r.Stored)
	}
	of := r.Key
	second := r.begin()
	if found := r.MustView(second.ID).Rotation.Found; !found.Known || found.Edited || found.Others != 2 {
		t.Errorf("%+v", found)
	}
	r.reaches(second, access.RotationDone)
	r.holdsOnly()
	if v = r.MustView(second.ID); r.Key == of || len(v.Candidates) != 0 || r.Checks() != 4 {
		t.Errorf("%d checks, %+v", r.Checks(), v.Candidates)
	}
	if removed := workflowtest.States(v, access.PhaseRemove); removed[access.Done] != 2 {
		t.Errorf("%v", removed)
	}
	if notices := r.Notices(access.NoticeRotation); len(notices) != 2 {
		t.Errorf("%+v", notices)
	}
	r.hides(t)
	r.VerifyAudit()
}

func TestNothingPickedIsNothingRemoved(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	q := r.begin()
	r.reaches(q, access.RotationRemoving)
	r.Turn(4 * time.Second)
	_, err := r.SpareRest(r.Ctx(), q.ID, openDigest(r.MustView(q.ID)), bob)
	r.Must(err)
	r.reaches(q, access.RotationDone)
	if len(r.onServers()) != 4 || r.Checks() != 1 || r.MustView(q.ID).Rotation.Removes {
		t.Errorf("%v, %d checks", r.onServers(), r.Checks())
	}
}

func TestRotationNeedsAnotherApprover(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	_, err := r.AskRotate(r.Ctx(), workflow.RotateAsk{Source: "a", Asker: alice, Account: "web deploy"})
	refuses(t, err, access.Forbidden, "")
	q, err := r.ask("web deploy")
	r.Must(err)
	r.Settings.SelfApproval = true
	_, err = r.Decide(r.Ctx(), workflow.Decision{RequestID: q.ID, Actor: dave, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "yourself")
	r.Settings.Approvers = []string{string(dave)}
	_, err = r.AskRotate(r.Ctx(), workflow.RotateAsk{Source: "b", Asker: dave, Account: "other"})
	refuses(t, err, access.Forbidden, "Nobody is left")
}

// What cannot be rotated is refused before anything is written.
func TestRotationIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(*rotating)
		ask    workflow.RotateAsk
		code   access.Code
		words  string
	}{
		"not configured": {func(r *rotating) { r.Accounts = nil }, workflow.RotateAsk{}, access.Forbidden, "configured"},
		"too old":        {func(r *rotating) { r.Old = true }, workflow.RotateAsk{}, access.Invalid, "too old"},
		"no such":        {func(*rotating) {}, workflow.RotateAsk{Account: "web"}, access.NotFound, "`web`"},
		"half of as, on": {func(*rotating) {}, workflow.RotateAsk{Account: "new", SystemUser: "runcloud"}, access.NotFound, "on SERVERS"},
		"as for old":     {func(*rotating) {}, workflow.RotateAsk{SystemUser: "runcloud", Servers: "web-01"}, access.Invalid, "Leave out"},
		"other user":     {func(r *rotating) { r.Stored.SystemUser = "postgres" }, workflow.RotateAsk{}, access.Invalid, "`postgres`"},
		"new, other":     {func(*rotating) {}, workflow.RotateAsk{Account: "new", SystemUser: "postgres", Servers: "web-01"}, access.Invalid, "`postgres`"},
		"new, nowhere":   {func(*rotating) {}, workflow.RotateAsk{Account: "new", SystemUser: "runcloud", Servers: "nope"}, access.Invalid, "No server"},
		"stranger":       {func(r *rotating) { r.Machines[1].Addresses = []string{"203.0.113.9"} }, workflow.RotateAsk{}, access.Invalid, "target-2"},
		"stranger, off": {func(r *rotating) {
			r.Machines[1].Addresses, r.Machines[1].Disabled = nil, true
		}, workflow.RotateAsk{}, access.Invalid, "target-2"},
		"two servers": {func(r *rotating) {
			r.Machines[1].Addresses = append(r.Machines[1].Addresses, workflowtest.Address(3))
		}, workflow.RotateAsk{}, access.Invalid, "target-2"},
		"on two accounts": {func(r *rotating) {
			r.Engine.Targets = append(r.Engine.Targets, workflowtest.NewAccount("client", r.Clock, 1)) // its first server has the same address
		}, workflow.RotateAsk{}, access.Invalid, "target-1 (198.18.0.1, which is web-01 and web-01)"},
		"unhealthy":  {func(r *rotating) { r.Machines[0].Healthy = false }, workflow.RotateAsk{}, access.Invalid, "target-1"},
		"no machine": {func(r *rotating) { r.Machines = nil }, workflow.RotateAsk{}, access.Invalid, "No machine"},
		"all off": {func(r *rotating) {
			r.Machines[0].Disabled, r.Machines[1].Disabled = true, true
		}, workflow.RotateAsk{}, access.Invalid, "No machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			tt.before(r)
			if tt.ask.Account == "" {
				tt.ask.Account = "web deploy"
			}
			tt.ask.Source, tt.ask.Asker = "x", dave
			r.Unchanged(t, func() {
				_, err := r.AskRotate(r.Ctx(), tt.ask)
				refuses(t, err, tt.code, tt.words)
			})
		})
	}
}

func TestOneRotationOfAnAccountAtATime(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	first, err := r.ask("web deploy")
	r.Must(err)
	_, err = r.ask("account-1")
	refuses(t, err, access.Conflict, fmt.Sprintf("Request %d", first.ID))
	_, err = r.Cancel(r.Ctx(), first.ID, dave)
	r.Must(err)
	if r.state(first) != access.RotationDropped {
		t.Errorf("%s", r.state(first))
	}
	second, err := r.ask("web deploy")
	r.Must(err)
	_, err = r.Decide(r.Ctx(), workflow.Decision{RequestID: second.ID, Actor: bob, Verdict: access.Deny})
	r.Must(err)
	third, err := r.ask("web deploy")
	r.Must(err)
	r.Clock.Advance(9 * time.Hour)
	r.Must(r.Sweep(r.Ctx()))
	if r.state(second) != access.RotationDropped || r.state(third) != access.RotationDropped {
		t.Errorf("%s, %s", r.state(second), r.state(third))
	}
}

// An account that does not exist is made for the user and the servers named, and is unproven.
func TestAccountIsMade(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]workflowtest.Fault{
		"well": workflowtest.NoFault, "answer lost": workflowtest.Lost, "lost": workflowtest.LostUndone, "died before": workflowtest.CrashBefore, "died after": workflowtest.CrashAfter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			r.Stored, r.Machines = access.KeyedAccount{}, nil
			r.Next = once("write", fault)
			q, err := r.AskRotate(r.Ctx(), workflow.RotateAsk{Source: "new", Asker: dave, Account: "fresh", SystemUser: "root", Servers: "web-03"})
			r.Must(err)
			r.Approve(q.ID)
			r.reaches(q, access.RotationDone)
			r.Turn(time.Minute)
			on := r.harness.Account.Keys[3]
			if rotation := r.MustView(q.ID).Rotation; !rotation.Created || rotation.AccountID != "account-2" || r.Stored.Name != "fresh" {
				t.Errorf("%+v, %+v", rotation, r.Stored)
			}
			if r.Checks() != 0 || len(on) != 1 || !slices.ContainsFunc(on, func(c access.Credential) bool {
				return strings.HasPrefix(c.PublicKey, r.Key) && c.SystemUser == "root" && !*c.Temporary
			}) {
				t.Errorf("%+v", on)
			}
			r.hides(t)
		})
	}
}

// once returns a Deployer's Next that has the first call of a kind go wrong.
func once(call string, fault workflowtest.Fault) func(string) workflowtest.Fault {
	done := false
	return func(c string) workflowtest.Fault {
		if c != call || done {
			return workflowtest.NoFault
		}
		done = true
		return fault
	}
}
