package access_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/store"
)

const (
	alice = access.UserID("U0ALICE")
	bob   = access.UserID("U0BOB")
	carol = access.UserID("U0CAROL")
	dave  = access.UserID("U0DAVE")
)

// fataler is what a test and a property check have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// harness is the domain on a real ledger, between an account and a directory that
// hold state, with a clock that only moves when it is told to.
type harness struct {
	*access.Service
	t       fataler
	ledger  *store.Store
	account *account
	people  *people
	clock   *clock
	source  int
	watch   func() // looks on after each piece of work; may be nil
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

func newHarness(t testing.TB, servers int) *harness {
	t.Helper()
	ledger, err := openLedger(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatalf("open the ledger: %v", err)
	}
	t.Cleanup(ledger.Close)
	return newHarnessOn(t, ledger, servers)
}

// emptyLedger answers the file of a ledger that nothing has happened in yet: to copy
// it is much quicker than to make its tables again for every test.
var emptyLedger = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "empty.db")
	ledger, err := store.Open(context.Background(), "sqlite:"+path, store.Options{Replica: "test"})
	if err != nil {
		return nil, err
	}
	ledger.Close()
	return os.ReadFile(path)
})

func openLedger(path string) (*store.Store, error) {
	empty, err := emptyLedger()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		return nil, err
	}
	return store.Open(context.Background(), "sqlite:"+path, store.Options{Replica: "test"})
}

func newHarnessOn(t fataler, ledger *store.Store, servers int) *harness {
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h := &harness{t: t, ledger: ledger, clock: c, account: newAccount(c, servers), people: &people{standing: map[access.UserID]access.Standing{}, names: map[access.UserID][2]string{}}}
	h.Service = &access.Service{
		Store: ledger, Target: h.account, Directory: h.people, Now: c.Now,
		Settings: access.Settings{
			Approvers: []string{string(bob), string(dave)}, Approvals: 1, RequestTTL: 8 * time.Hour,
			MinDuration: 5 * time.Minute, MaxDuration: 30 * 24 * time.Hour, SystemUser: "runcloud", SystemUsers: []string{"runcloud", "root"},
			OffboardDeactivated: access.OffboardRun,
		},
		EngineSettings: access.EngineSettings{LongGrants: access.Renew, TemporaryLifetime: 12 * time.Hour, Replica: "test"},
	}
	return h
}

func (h *harness) ctx() context.Context { return context.Background() }

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("unexpected: %v", err)
	}
}

func (h *harness) nextSource() string {
	h.source++
	return fmt.Sprintf("%d-%d", h.clock.Now().UnixNano(), h.source)
}

// newKey makes a key that is the same for the same seed.
func newKey(seed string) sshkey.Key {
	bytes := make([]byte, ed25519.SeedSize)
	copy(bytes, seed)
	public, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(bytes).Public())
	if err != nil {
		panic(err)
	}
	return sshkey.Key{Type: public.Type(), Blob: base64.StdEncoding.EncodeToString(public.Marshal())}
}

func (h *harness) register(person access.UserID, seed string) sshkey.Key {
	h.t.Helper()
	key := newKey(seed)
	_, err := h.Register(h.ctx(), person, key, seed)
	h.must(err)
	return key
}

func (h *harness) ask(person access.UserID, d time.Duration, servers string) access.Request {
	h.t.Helper()
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: h.nextSource(), Asker: person, Person: person, Duration: d, Servers: servers})
	h.must(err)
	return r
}

// Decide decides what is shown at that moment, unless the decision names something else.
func (h *harness) Decide(ctx context.Context, d access.Decision) (access.Request, error) {
	d.Shown = h.shown(d.RequestID, d.Shown)
	return h.Service.Decide(ctx, d)
}

// Edit is to an edit what Decide is to a decision.
func (h *harness) Edit(ctx context.Context, e access.Edit) (access.Request, error) {
	e.Shown = h.shown(e.RequestID, e.Shown)
	return h.Service.Edit(ctx, e)
}

func (h *harness) shown(id int64, named string) string {
	if v, err := h.View(h.ctx(), id); err == nil && named == "" {
		return v.Facts.Digest()
	}
	return named
}

func (h *harness) approve(id int64) access.Request {
	h.t.Helper()
	r, err := h.Decide(h.ctx(), access.Decision{RequestID: id, Actor: bob, Verdict: access.Approve})
	h.must(err)
	return r
}

func (h *harness) grant(person access.UserID, d time.Duration, servers string) access.Request {
	h.t.Helper()
	return h.approve(h.ask(person, d, servers).ID)
}

// work does what the queue would: everything that is due now, until nothing is.
func (h *harness) work() {
	h.t.Helper()
	for range 1000 {
		due := h.due()
		if len(due) == 0 {
			return
		}
		for _, w := range due {
			h.one(w)
			if h.watch != nil {
				h.watch()
			}
		}
	}
	h.t.Fatalf("the work never ends")
}

// one does one piece of work. When the process dies in it, the next one starts as
// it would: with everything released that the dead one held.
func (h *harness) one(w access.Work) {
	defer func() {
		if p := recover(); p == errCrash { //nolint:errorlint // a panic's value, not an error to be handled
			h.must(h.ledger.ReleaseAll(h.ctx()))
		} else if p != nil {
			panic(p)
		}
	}()
	settle := func(access.Tx) error { return nil }
	var err error
	if w.Kind == access.WorkInspect {
		err = h.Inspect(h.ctx(), w.ID, settle)
	} else {
		_, err = h.Sync(h.ctx(), w.Kind, w.ID, settle)
	}
	if err != nil && access.CodeOf(err) == access.Internal {
		h.t.Fatalf("%s %d: %v", w.Kind, w.ID, err)
	}
}

func (h *harness) due() (work []access.Work) {
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) error {
		work = nil
		if halted, err := tx.Flag(h.ctx(), "halted"); err != nil || halted != "" {
			return err
		}
		now := h.clock.Now()
		placements, err := tx.Placements(h.ctx(), access.PlacementQuery{
			Due: now, States: []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementLeaving},
		})
		for _, p := range placements {
			kind := access.WorkAdd
			switch {
			case p.Urgent:
				kind = access.WorkRenew
			case p.State == access.PlacementLeaving:
				kind = access.WorkRemove
			}
			work = append(work, access.Work{Kind: kind, ID: p.ServerID})
		}
		rechecks, recheckErr := tx.Placements(h.ctx(), access.PlacementQuery{RecheckBefore: now})
		for _, p := range rechecks {
			work = append(work, access.Work{Kind: access.WorkAdd, ID: p.ServerID})
		}
		verify, verifyErr := tx.Placements(h.ctx(), access.PlacementQuery{VerifyBefore: now})
		for _, p := range verify {
			work = append(work, access.Work{Kind: access.WorkAdd, ID: p.ServerID})
		}
		inspections, inspectErr := tx.OpenInspections(h.ctx())
		for _, r := range inspections {
			if r.State != access.Failed && !(r.Problem != access.NoProblem && now.Sub(r.UpdatedAt) < 30*time.Second) {
				work = append(work, access.Work{Kind: access.WorkInspect, ID: r.ServerID})
			}
		}
		return errors.Join(err, recheckErr, verifyErr, inspectErr)
	}))
	slices.SortFunc(work, func(a, b access.Work) int { return int(a.ID - b.ID) })
	return slices.Compact(work)
}

// pass lets time go by in steps, as the sweeps and the queue would live through it.
func (h *harness) pass(d time.Duration) {
	h.t.Helper()
	const step = 10 * time.Minute
	for d > 0 {
		now := min(step, d)
		h.clock.Advance(now)
		d -= now
		h.must(h.Sweep(h.ctx()))
		for _, look := range []func(context.Context) error{h.FindReturned, h.LookAgain} {
			if err := look(h.ctx()); err != nil && access.CodeOf(err) == access.Internal {
				h.t.Fatalf("look at servers: %v", err)
			}
		}
		h.work()
	}
}

func (h *harness) view(id int64) access.RequestView {
	h.t.Helper()
	v, err := h.View(h.ctx(), id)
	h.must(err)
	return v
}

// states counts the results of a phase by state.
func states(v access.RequestView, phase access.Phase) map[access.ResultState]int {
	count := map[access.ResultState]int{}
	for _, r := range v.Results {
		if r.Phase == phase {
			count[r.State]++
		}
	}
	return count
}

// verifyAudit reads the whole chain.
func (h *harness) verifyAudit() []access.Event {
	h.t.Helper()
	var all []access.Event
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) error {
		events, err := tx.Events(h.ctx(), 0, 1_000_000)
		all = events
		return err
	}))
	var prev access.Event
	for _, e := range all {
		h.must(e.VerifyNext(prev))
		prev = e
	}
	return all
}

// people is a directory that holds state.
type people struct {
	mu       sync.Mutex
	standing map[access.UserID]access.Standing
	names    map[access.UserID][2]string // the real one, and the one that is displayed
	asked    int                         // who somebody is, where no answer of a minute ago will do
}

func (p *people) set(id access.UserID, s access.Standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.standing[id] = s
}

func (p *people) call(id access.UserID, realName, displayName string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[id] = [2]string{realName, displayName}
}

func (p *people) Profile(_ context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if maxAge < time.Minute {
		p.asked++
	}
	standing := p.standing[id]
	if standing == "" {
		standing = access.Member
	}
	names := p.names[id]
	return access.Profile{ID: id, Standing: standing, Name: string(id[2:]), RealName: names[0], DisplayName: names[1]}, nil
}

func (p *people) Members(context.Context, string, time.Duration) ([]access.UserID, error) {
	return nil, nil
}

func (p *people) Forget(access.UserID) {}

// Standings shows everybody but those whom Slack does not know.
func (p *people) Standings(ctx context.Context, of []access.UserID) (map[access.UserID]access.Standing, error) {
	shown := map[access.UserID]access.Standing{}
	for _, id := range of {
		if who, err := p.Profile(ctx, id, 0); err != nil || who.Standing != access.Nobody {
			shown[id] = who.Standing
		}
	}
	return shown, nil
}
func (p *people) Workspace(context.Context) (string, error) { return "T0TEAM", nil }
