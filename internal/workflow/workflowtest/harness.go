package workflowtest

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
	"sshkeybot/internal/workflow"
)

// The people: bob and dave are approvers.
const (
	Alice = access.UserID("U0ALICE")
	Bob   = access.UserID("U0BOB")
	Carol = access.UserID("U0CAROL")
	Dave  = access.UserID("U0DAVE")
)

// fataler is what a test and a property check have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Harness is the domain on a real ledger, between an account and a directory that
// hold state, with a clock that only moves when it is told to.
type Harness struct {
	*workflow.Service
	T       fataler
	Ledger  *store.Store
	Account *Account
	People  *People
	Clock   *clock
	source  int
	Watch   func() // looks on after each piece of work; may be nil
}

// clock shows what it is put to; what has passed since the start it counts beside that.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	passed time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance lets time go by, or puts the clock back.
func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.passed = c.now.Add(d), c.passed+max(0, d)
}

func (c *clock) Passed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// NewHarness returns a harness with that many servers on an empty ledger.
func NewHarness(t testing.TB, servers int) *Harness {
	t.Helper()
	ledger, err := OpenLedger(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatalf("open the ledger: %v", err)
	}
	t.Cleanup(ledger.Close)
	return NewHarnessOn(t, ledger, servers)
}

// OpenLedger opens a new ledger in that file.
func OpenLedger(path string) (*store.Store, error) {
	if err := storetest.WriteEmpty(path); err != nil {
		return nil, err
	}
	return store.Open(context.Background(), "sqlite:"+path, store.Options{Replica: "test"})
}

// NewHarnessOn returns a harness with that many servers on a ledger.
func NewHarnessOn(t fataler, ledger *store.Store, servers int) *Harness {
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h := &Harness{T: t, Ledger: ledger, Clock: c, Account: NewAccount("account", c, servers), People: &People{standing: map[access.UserID]access.Standing{}, names: map[access.UserID][2]string{}}}
	engine := &reconcile.Engine{
		Store: ledger, Targets: []access.Target{h.Account}, Directory: h.People, Now: c.Now,
		Settings: reconcile.Settings{LongGrants: reconcile.Renew, Replica: "test"},
	}
	h.Service = &workflow.Service{
		Engine: engine, Store: ledger, Directory: h.People, Now: c.Now,
		Settings: workflow.Settings{
			Approvers: []string{string(Bob), string(Dave)}, Approvals: 1, RequestTTL: 8 * time.Hour,
			MinDuration: 5 * time.Minute, MaxDuration: 30 * 24 * time.Hour,
			SystemUser: "runcloud", SystemUsers: []string{"runcloud", "root"},
			OffboardDeactivated: workflow.OffboardRun,
		},
	}
	return h
}

// SetStore has everything go through another store.
func (h *Harness) SetStore(s access.Store) { h.Store, h.Engine.Store = s, s }

// SetTarget has keys placed on another target in place of the account.
func (h *Harness) SetTarget(t access.Target) { h.Engine.Targets = []access.Target{t} }

// SetDirectory has everybody ask another directory.
func (h *Harness) SetDirectory(d access.Directory) { h.Directory, h.Engine.Directory = d, d }

// SetNow has everything go by another clock.
func (h *Harness) SetNow(now func() time.Time) { h.Now, h.Engine.Now = now, now }

// Ctx returns a context that never ends.
func (h *Harness) Ctx() context.Context { return context.Background() }

// Must fails the test on an error.
func (h *Harness) Must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatalf("unexpected: %v", err)
	}
}

// NextSource returns the source of a command that was never sent before.
func (h *Harness) NextSource() string {
	h.source++
	return fmt.Sprintf("%d-%d", h.Clock.Now().UnixNano(), h.source)
}

// NewKey makes a key that is the same for the same seed.
func NewKey(seed string) sshkey.Key {
	bytes := make([]byte, ed25519.SeedSize)
	copy(bytes, seed)
	public, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(bytes).Public())
	if err != nil {
		panic(err)
	}
	return sshkey.Key{Type: public.Type(), Blob: base64.StdEncoding.EncodeToString(public.Marshal())}
}

// MustRegister registers a key of the person and returns it.
func (h *Harness) MustRegister(person access.UserID, seed string) sshkey.Key {
	h.T.Helper()
	key := NewKey(seed)
	_, err := h.Register(h.Ctx(), person, key, seed)
	h.Must(err)
	return key
}

// Ask asks for access of a person for themselves.
func (h *Harness) Ask(person access.UserID, d time.Duration, servers string) access.Request {
	h.T.Helper()
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: h.NextSource(), Asker: person, Person: person, Duration: d, Servers: servers})
	h.Must(err)
	return r
}

// Decide decides what is shown at that moment, unless the decision names something else.
func (h *Harness) Decide(ctx context.Context, d workflow.Decision) (access.Request, error) {
	d.Shown = h.shown(d.RequestID, d.Shown)
	return h.Service.Decide(ctx, d)
}

// Edit is to an edit what Decide is to a decision.
func (h *Harness) Edit(ctx context.Context, e workflow.Edit) (access.Request, error) {
	e.Shown = h.shown(e.RequestID, e.Shown)
	return h.Service.Edit(ctx, e)
}

func (h *Harness) shown(id int64, named string) string {
	if v, err := h.View(h.Ctx(), id); err == nil && named == "" {
		return v.Facts.Digest()
	}
	return named
}

// Approve has bob approve a request.
func (h *Harness) Approve(id int64) access.Request {
	h.T.Helper()
	r, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: id, Actor: Bob, Verdict: access.Approve})
	h.Must(err)
	return r
}

// Grant asks for access and has it approved.
func (h *Harness) Grant(person access.UserID, d time.Duration, servers string) access.Request {
	h.T.Helper()
	return h.Approve(h.Ask(person, d, servers).ID)
}

// Work does what the queue would: everything that is due now, until nothing is.
func (h *Harness) Work() {
	h.T.Helper()
	for range 1000 {
		due := h.due()
		if len(due) == 0 {
			return
		}
		for _, w := range due {
			h.One(w)
			if h.Watch != nil {
				h.Watch()
			}
		}
	}
	h.T.Fatalf("the work never ends")
}

// One does one piece of work. When the process dies in it, the next one starts as
// it would: with everything released that the dead one held.
func (h *Harness) One(w access.Work) {
	defer func() {
		if p := recover(); p == errCrash { //nolint:errorlint // a panic's value, not an error to be handled
			h.Must(h.Ledger.ReleaseAll(h.Ctx()))
		} else if p != nil {
			panic(p)
		}
	}()
	settle := func(access.Tx) error { return nil }
	var err error
	switch w.Kind {
	case access.WorkAlign:
		err = h.Engine.Align(h.Ctx(), settle)
	case access.WorkInspect:
		err = h.Engine.Inspect(h.Ctx(), w.ID, settle)
	case access.WorkList:
		err = h.Engine.ReadList(h.Ctx(), w.ID, settle)
	default:
		_, err = h.Engine.Sync(h.Ctx(), w.Kind, w.ID, settle)
	}
	if err != nil && access.CodeOf(err) == access.Internal {
		h.T.Fatalf("%s %d: %v", w.Kind, w.ID, err)
	}
}

func (h *Harness) due() (work []access.Work) {
	h.Must(h.Store.Read(h.Ctx(), func(tx access.Tx) error {
		work = nil
		now := h.Clock.Now()
		targets := map[string]access.TargetState{}
		known, targetsErr := tx.Targets(h.Ctx())
		for _, t := range known {
			targets[t.Name] = t
		}
		servers := map[int64]string{}
		all, serversErr := tx.AllServers(h.Ctx())
		for _, s := range all {
			servers[s.ID] = s.Target
		}
		add := func(kind access.WorkKind, server int64) {
			if !targets[servers[server]].Halted() {
				work = append(work, access.Work{Kind: kind, ID: server})
			}
		}
		placements, err := tx.Placements(h.Ctx(), access.PlacementQuery{
			Due: now, States: access.Trying(),
		})
		for _, p := range placements {
			kind := access.WorkAdd
			switch {
			case p.Urgent:
				kind = access.WorkRenew
			case p.State == access.PlacementLeaving:
				kind = access.WorkRemove
			}
			add(kind, p.ServerID)
		}
		marked, markedErr := tx.MarkedOutOfLine(h.Ctx(), 1)
		if len(marked) > 0 {
			work = append(work, access.Work{Kind: access.WorkAlign})
		}
		rechecks, recheckErr := tx.Placements(h.Ctx(), access.PlacementQuery{DoubtEndsBefore: now})
		for _, p := range rechecks {
			add(access.WorkAdd, p.ServerID)
		}
		verify, verifyErr := tx.Placements(h.Ctx(), access.PlacementQuery{VerifyBefore: now})
		for _, p := range verify {
			add(access.WorkAdd, p.ServerID)
		}
		inspections, inspectErr := tx.OpenInspections(h.Ctx())
		for _, r := range inspections {
			switch again := r.State != access.Failed && !(r.Problem != access.NoProblem && now.Sub(r.UpdatedAt) < 30*time.Second); {
			case again && r.Phase == access.PhaseInspect:
				add(access.WorkInspect, r.ServerID)
			case again && !targets[r.Target].Halted():
				work = append(work, access.Work{Kind: access.WorkList, ID: targets[r.Target].ID})
			}
		}
		return errors.Join(targetsErr, serversErr, err, markedErr, recheckErr, verifyErr, inspectErr)
	}))
	slices.SortFunc(work, func(a, b access.Work) int { return int(a.ID - b.ID) })
	return slices.Compact(work)
}

// Pass lets time go by in steps, as the sweeps and the queue would live through it.
func (h *Harness) Pass(d time.Duration) {
	h.T.Helper()
	const step = 10 * time.Minute
	for d > 0 {
		now := min(step, d)
		h.Clock.Advance(now)
		d -= now
		h.Must(h.Sweep(h.Ctx()))
		for _, look := range []func(context.Context) error{h.Engine.FindReturned, h.Engine.RereadServers} {
			if err := look(h.Ctx()); err != nil && access.CodeOf(err) == access.Internal {
				h.T.Fatalf("look at servers: %v", err)
			}
		}
		h.Work()
	}
}

// MustView returns the view of a request.
func (h *Harness) MustView(id int64) workflow.RequestView {
	h.T.Helper()
	v, err := h.View(h.Ctx(), id)
	h.Must(err)
	return v
}

// States counts the results of a phase by state.
func States(v workflow.RequestView, phase access.Phase) map[access.ResultState]int {
	count := map[access.ResultState]int{}
	for _, r := range v.Results {
		if r.Phase == phase {
			count[r.State]++
		}
	}
	return count
}

// VerifyAudit reads the whole chain, with an event for everything that has happened.
func (h *Harness) VerifyAudit() []access.Event {
	h.T.Helper()
	h.Must(h.Ledger.Update(h.Ctx(), func(tx access.Tx) error {
		return errors.Join(tx.SealMoves(h.Ctx(), false), tx.SealMoves(h.Ctx(), true))
	}))
	all, err := h.Ledger.Events(h.Ctx(), 0, 1_000_000)
	h.Must(err)
	var prev access.Event
	for _, e := range all {
		h.Must(e.VerifyNext(prev))
		prev = e
	}
	return all
}
