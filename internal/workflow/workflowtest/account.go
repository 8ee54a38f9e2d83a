package workflowtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// errCrash stands for the death of the process in the middle of a call.
var errCrash = errors.New("crash")

// Fault is what one call does wrong.
type Fault int

// What a call may do wrong.
const (
	NoFault    Fault = iota
	Trouble          // 5xx, surely not applied
	Lost             // applied, and the answer was lost
	LostUndone       // not applied, and the answer was lost
	Refuse           // 422
	Forbid           // 403
	Unauthorized
	CrashBefore // the process dies before the call is carried out
	CrashAfter  // the process dies after it
	Late        // applied only after a while, and the answer was lost
	CrashLate   // the process dies, and the call is applied only after a while
)

// Account is a target that holds state: keys with ids of their own.
type Account struct {
	Called   string // its name among the targets
	Several  bool   // the names of its servers begin with its own
	mu       sync.Mutex
	Clock    *clock
	Names    map[int64]string
	Tags     map[int64][]string
	Offline  map[int64]bool
	Keys     map[int64][]access.Credential
	nextID   int64
	Next     func(server int64, write bool) Fault // what the next call does; nil is nothing wrong
	Complete bool                                 // whether keys are shown completely
	Writes   int
	Lists    int
	Asked    int                // questions for one server
	Readings int                // Readings of all servers
	Before   func(server int64) // called right before a write is applied
	Lifetime time.Duration      // of a temporary key
	LateBy   time.Duration      // after how long what is late lands
	landing  []landing
}

// landing is a key that a lost call will place.
type landing struct {
	server int64
	key    access.Credential
	at     time.Duration // on the clock that nobody puts forward or back
}

// land applies what has been under way long enough. The caller holds mu.
func (a *Account) land() {
	a.landing = slices.DeleteFunc(a.landing, func(l landing) bool {
		landed := l.at <= a.Clock.Passed()
		if landed {
			l.key.CreatedAt = a.Clock.Now()
			a.Keys[l.server] = append(a.Keys[l.server], l.key)
		}
		return landed
	})
}

// Number reads a server's ExternalID. On a ledger that knows no other target it is the
// ledger's own id, too.
func Number(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// Name implements access.Target.
func (a *Account) Name() string { return a.Called }

// Title implements access.Target.
func (a *Account) Title() string { return "the account" }

// TemporaryLifetime implements access.Expirer.
func (a *Account) TemporaryLifetime() time.Duration { return a.Lifetime }

// NewAccount returns an account that goes by that name, with so many servers.
func NewAccount(name string, c *clock, servers int) *Account {
	a := &Account{Called: name, Clock: c, Names: map[int64]string{}, Offline: map[int64]bool{}, Keys: map[int64][]access.Credential{}, nextID: 1000, Lifetime: 12 * time.Hour}
	for i := range servers {
		a.Names[int64(i+1)] = fmt.Sprintf("web-%02d", i+1)
	}
	return a
}

// Servers lists the servers, unless the call is to fail.
func (a *Account) Servers(context.Context) ([]access.Server, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Readings++
	var all []access.Server
	for _, id := range slices.Sorted(maps.Keys(a.Names)) {
		all = append(all, access.Server{ExternalID: strconv.FormatInt(id, 10), Name: a.named(id), Tags: a.Tags[id], Online: !a.Offline[id], Address: Address(id)})
	}
	return all, nil
}

func (a *Account) named(server int64) string {
	if a.Several {
		return a.Called + "/" + a.Names[server]
	}
	return a.Names[server]
}

// Server returns one server.
func (a *Account) Server(_ context.Context, server string) (access.Server, error) {
	id := Number(server)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Asked++
	if _, ok := a.Names[id]; !ok {
		return access.Server{}, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return access.Server{ExternalID: server, Name: a.named(id), Tags: a.Tags[id], Online: !a.Offline[id], Address: Address(id)}, nil
}

// Address returns the IP address of a server.
func Address(server int64) string { return fmt.Sprintf("198.18.0.%d", server) }

// has reports whether the server with an address lets a user in with a public key.
func (a *Account) has(address, user, publicKey string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for server := range a.Names {
		if Address(server) != address || a.Offline[server] {
			continue
		}
		return slices.ContainsFunc(a.Keys[server], func(c access.Credential) bool {
			return c.SystemUser == user && strings.HasPrefix(c.PublicKey, publicKey)
		})
	}
	return false
}

// Acquire never waits.
func (a *Account) Acquire(ctx context.Context, _ access.Priority) (context.Context, func(), error) {
	return ctx, func() {}, ctx.Err()
}

// fault returns what goes wrong with a call. The caller holds mu.
func (a *Account) fault(server int64, write bool) Fault {
	a.land()
	if a.Next == nil {
		return NoFault
	}
	return a.Next(server, write)
}

// expire drops temporary keys whose twelve hours are over. The caller holds mu.
func (a *Account) expire(server int64) {
	a.Keys[server] = slices.DeleteFunc(a.Keys[server], func(c access.Credential) bool {
		return *c.Temporary && a.Clock.Now().Sub(c.CreatedAt) >= 12*time.Hour
	})
}

// List lists the keys of a server, as the target shows them.
func (a *Account) List(_ context.Context, on string) ([]access.Credential, error) {
	server := Number(on)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Lists++
	if err := failed(a.fault(server, false)); err != nil {
		return nil, err
	}
	if _, ok := a.Names[server]; !ok {
		return nil, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	a.expire(server)
	var list []access.Credential
	for _, c := range a.Keys[server] {
		if !a.Complete {
			c.PublicKey = c.PublicKey[:min(50, len(c.PublicKey))] + "..."
		}
		c.Temporary = nil
		list = append(list, c)
	}
	return list, nil
}

// Add places a key, or goes wrong as it is told to.
func (a *Account) Add(_ context.Context, on string, c access.Credential) (access.Credential, error) {
	server := Number(on)
	if a.Before != nil {
		a.Before(server)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Writes++
	f := a.fault(server, true)
	if err := refused(f); err != nil {
		return access.Credential{}, err
	}
	a.expire(server)
	for _, have := range a.Keys[server] {
		if have.Label == c.Label {
			return access.Credential{}, &access.Error{Code: access.Invalid, Message: "The label has already been taken."}
		}
	}
	a.nextID++
	c.ID, c.CreatedAt = strconv.FormatInt(a.nextID, 10), a.Clock.Now()
	if c.Temporary == nil {
		c.Temporary = new(bool)
	}
	temporary := *c.Temporary
	c.Temporary = &temporary
	switch f {
	case Late, CrashLate:
		a.landing = append(a.landing, landing{server: server, key: c, at: a.Clock.Passed() + a.LateBy})
	case LostUndone:
	default:
		a.Keys[server] = append(a.Keys[server], c)
	}
	return c, unanswered(f)
}

// Remove deletes a key, or goes wrong as it is told to.
func (a *Account) Remove(_ context.Context, on, id string) error {
	server := Number(on)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Writes++
	f := a.fault(server, true)
	if err := refused(f); err != nil {
		return err
	}
	a.expire(server)
	i := slices.IndexFunc(a.Keys[server], func(c access.Credential) bool { return c.ID == id })
	if i < 0 {
		return &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	if f != LostUndone {
		a.Keys[server] = slices.Delete(a.Keys[server], i, i+1)
	}
	return unanswered(f)
}

// refused returns the faults in which a write has no effect and says so.
func refused(f Fault) error {
	switch f {
	case Refuse:
		return &access.Error{Code: access.Invalid, Message: "The selected username is invalid."}
	case Forbid:
		return &access.Error{Code: access.Forbidden, Message: "This action is unauthorized."}
	}
	return failed(f)
}

func failed(f Fault) error {
	switch f {
	case Trouble:
		return &access.Error{Code: access.Unavailable, Message: "Server Error"}
	case Unauthorized:
		return &access.Error{Code: access.Unauthorized, Message: "Unauthenticated."}
	case CrashBefore:
		panic(errCrash)
	}
	return nil
}

// unanswered returns the faults in which nobody learns what a write did.
func unanswered(f Fault) error {
	switch f {
	case Lost, LostUndone, Late:
		return &access.Error{Code: access.UnknownOutcome, Message: "The connection was cut."}
	case CrashAfter, CrashLate:
		panic(errCrash)
	}
	return nil
}

// Sessions lists no sessions.
func (a *Account) Sessions(context.Context, string) ([]access.Session, error) {
	return []access.Session{{SystemUser: "runcloud", Address: "198.51.100.7", Since: "06:10"}}, nil
}

// Ping fails while the token is refused.
func (a *Account) Ping(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return failed(a.fault(0, false))
}

// AddKey puts a stranger's key on a server, as by hand.
func (a *Account) AddKey(server int64, label, user, publicKey string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nextID++
	a.Keys[server] = append(a.Keys[server], access.Credential{
		ID: strconv.FormatInt(a.nextID, 10), Label: label, SystemUser: user, PublicKey: publicKey, Temporary: new(bool), CreatedAt: a.Clock.Now(),
	})
	return strconv.FormatInt(a.nextID, 10)
}

// Ours lists «server user TYPE BLOB» of every key that the bot placed, sorted,
// doubles included.
func (a *Account) Ours() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.land()
	all := []string{}
	for server := range a.Keys {
		a.expire(server)
		for _, c := range a.Keys[server] {
			if strings.HasPrefix(c.Label, "sshkeybot ") {
				words := strings.Fields(c.PublicKey)
				all = append(all, fmt.Sprintf("%d %s %s", server, c.SystemUser, words[1]))
			}
		}
	}
	slices.Sort(all)
	return all
}

// KeysOf lists the servers that hold keys which the bot placed for a person.
func (a *Account) KeysOf(person access.UserID) (servers []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.land()
	for server := range a.Keys {
		a.expire(server)
		for _, c := range a.Keys[server] {
			if owner, _, ok := access.LabelOwner(c.Label); ok && owner == person {
				servers = append(servers, server)
			}
		}
	}
	return servers
}
