package workflowtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Deployer is a KeyedAccounts that holds state: one account, and the machines that use it, which
// are servers of an Account. It is made by NewDeployer.
type Deployer struct {
	on    *Account
	clock *clock

	mu       sync.Mutex
	Old      bool                // it is too old for the keys that are made here
	Stored   access.KeyedAccount // without an ID while there is no account
	Key      string              // the public half of the private one that it has, as «TYPE BLOB»
	Machines []access.AccountMachine
	Busy     []string
	Hangs    bool // checks never end
	Skips    bool // a check does not look at machines, and succeeds
	checks   []check
	written  int
	Seen     []string // the private halves that came in
	Next     func(call string) Fault
	landing  func() // a write that is late
}

// check is a check of machines.
type check struct {
	title string
	at    time.Time
}

// NewDeployer returns a system with one account, used on the servers with these numbers.
func NewDeployer(h *Harness, servers ...int64) *Deployer {
	d := &Deployer{on: h.Account, clock: h.Clock, Key: "ssh-ed25519 OLD"}
	d.Stored = access.KeyedAccount{Space: "space", ID: "account-1", Name: "web deploy", SystemUser: "runcloud", ModifiedAt: h.Clock.Now().Add(-time.Hour), ModifiedBy: "admin"}
	for _, server := range servers {
		d.Machines = append(d.Machines, access.AccountMachine{
			ID: fmt.Sprintf("machine-%d", server), Name: fmt.Sprintf("target-%d", server), Host: Address(server), Addresses: []string{Address(server)}, Healthy: true, Health: "Healthy",
		})
	}
	return d
}

// Edit has somebody else change the account.
func (d *Deployer) Edit(change func(*access.KeyedAccount)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.Stored)
	d.touch("somebody")
}

func (d *Deployer) touch(by string) {
	d.Stored.ModifiedAt, d.Stored.ModifiedBy = d.stamp(), by
}

// stamp returns the time, later than any that was returned before.
func (d *Deployer) stamp() time.Time {
	d.written++
	return d.clock.Now().Add(time.Duration(d.written) * time.Millisecond)
}

// fault returns what goes wrong with a call. The caller holds mu.
func (d *Deployer) fault(call string) Fault {
	if d.Next == nil {
		return NoFault
	}
	return d.Next(call)
}

// Title implements access.KeyedAccounts.
func (d *Deployer) Title() string { return "the deployer" }

// Version implements access.KeyedAccounts.
func (d *Deployer) Version(context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Old {
		return "", access.NewInvalid("The deployer is too old.")
	}
	return "2", failed(d.fault("version"))
}

// Find implements access.KeyedAccounts.
func (d *Deployer) Find(_ context.Context, nameOrID string) (access.KeyedAccount, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := failed(d.fault("read")); err != nil {
		return access.KeyedAccount{}, err
	}
	if d.Stored.ID == "" || nameOrID != d.Stored.Name && nameOrID != d.Stored.ID {
		return access.KeyedAccount{}, access.NewNotFound("No such account.")
	}
	return d.Stored, nil
}

// Account implements access.KeyedAccounts.
func (d *Deployer) Account(ctx context.Context, id string) (access.KeyedAccount, error) {
	return d.Find(ctx, id)
}

// Uses implements access.KeyedAccounts.
func (d *Deployer) Uses(context.Context, string) (access.AccountUses, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	uses := access.AccountUses{Machines: append([]access.AccountMachine{}, d.Machines...), Others: 2}
	return uses, failed(d.fault("uses"))
}

// Replace implements access.KeyedAccounts.
func (d *Deployer) Replace(_ context.Context, was access.KeyedAccount, half access.PrivateHalf) (access.KeyedAccount, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fault("write")
	if err := refused(f); err != nil {
		return access.KeyedAccount{}, err
	}
	if !d.Stored.ModifiedAt.Equal(was.ModifiedAt) {
		return access.KeyedAccount{}, access.NewConflict("Somebody has changed the account.")
	}
	switch f {
	case Late, CrashLate:
		file := string(half.Private.Bytes())
		d.landing = func() { d.store(half.Mark, file) }
	case LostUndone:
	default:
		d.store(half.Mark, string(half.Private.Bytes()))
	}
	return d.Stored, unanswered(f)
}

// Create implements access.KeyedAccounts.
func (d *Deployer) Create(_ context.Context, name, systemUser string, half access.PrivateHalf) (access.KeyedAccount, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fault("write")
	if err := refused(f); err != nil {
		return access.KeyedAccount{}, err
	}
	if f != LostUndone {
		d.Stored = access.KeyedAccount{Space: "space", ID: "account-2", Name: name, SystemUser: systemUser}
		d.store(half.Mark, string(half.Private.Bytes()))
	}
	return d.Stored, unanswered(f)
}

func (d *Deployer) store(mark access.KeyMark, file string) {
	signer, err := ssh.ParsePrivateKey([]byte(file))
	if err != nil {
		panic("not a private half") // never shown
	}
	d.Seen = append(d.Seen, file)
	d.Key = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	d.Stored.Mark = mark
	d.touch("sshkeybot")
}

// StartCheck implements access.KeyedAccounts.
func (d *Deployer) StartCheck(_ context.Context, title string, _ []string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fault("check")
	if err := refused(f); err != nil {
		return "", err
	}
	if f != LostUndone {
		d.checks = append(d.checks, check{title, d.stamp()})
	}
	return title, unanswered(f)
}

// FindCheck implements access.KeyedAccounts.
func (d *Deployer) FindCheck(_ context.Context, title string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.checks {
		if c.title == title {
			return title, failed(d.fault("look"))
		}
	}
	return "", access.NewNotFound("No such check.")
}

// Check implements access.KeyedAccounts.
func (d *Deployer) Check(_ context.Context, id string, machines []string, since time.Time) (access.AccountCheck, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := failed(d.fault("look")); err != nil || d.Hangs {
		return access.AccountCheck{}, err
	}
	out := access.AccountCheck{Over: true}
	for _, m := range d.Machines {
		if !slices.Contains(machines, m.ID) {
			continue
		}
		m.Healthy, m.Health = d.on.has(m.Addresses[0], d.Stored.SystemUser, d.Key), "Healthy"
		if !m.Healthy {
			m.Health = "Unhealthy"
			out.Problem = "The check failed."
		}
		out.Machines = append(out.Machines, m)
		if !m.Healthy || d.Skips || !d.at(id).After(since) {
			out.Unproven = append(out.Unproven, m.Name)
		}
	}
	out.Passed = out.Problem == "" && len(out.Unproven) == 0
	return out, nil
}

func (d *Deployer) at(title string) time.Time {
	for _, c := range d.checks {
		if c.title == title {
			return c.at
		}
	}
	return time.Time{}
}

// Checks returns how many checks were started.
func (d *Deployer) Checks() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.checks)
}

// ActiveTasks implements access.KeyedAccounts.
func (d *Deployer) ActiveTasks(context.Context) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Busy, failed(d.fault("tasks"))
}

// Land has the write land that was late.
func (d *Deployer) Land() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.landing()
}

// Turn lets time go by in short steps in which rotations go on, and the queue works.
func (h *Harness) Turn(d time.Duration) {
	h.T.Helper()
	const step = 2 * time.Second
	for ; d > 0; d -= step {
		h.Clock.Advance(step)
		h.rotate()
		h.Work()
	}
}

// rotate does what the sweep would. When the process dies in it, the next one starts as it would,
// with nothing in its memory.
func (h *Harness) rotate() {
	defer func() {
		if p := recover(); p == errCrash { //nolint:errorlint // a panic's value, not an error to be handled
			h.Restart()
		} else if p != nil {
			panic(p)
		}
	}()
	h.Must(h.Rotate(h.Ctx()))
}

// Restart has another process go on with the same ledger.
func (h *Harness) Restart() {
	h.Must(h.Ledger.ReleaseAll(h.Ctx()))
	old := h.Service
	h.Service = &workflow.Service{
		Engine: old.Engine, Store: old.Store, Directory: old.Directory, Settings: old.Settings, Now: old.Now, Late: old.Late, Accounts: old.Accounts,
	}
}
