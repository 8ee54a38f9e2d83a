package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// errCrash stands for the death of the process in the middle of a call.
var errCrash = errors.New("crash")

// fault is what one call does wrong.
type fault int

const (
	noFault    fault = iota
	trouble          // 5xx, surely not applied
	lost             // applied, and the answer was lost
	lostUndone       // not applied, and the answer was lost
	refuse           // 422
	forbid           // 403
	unauthorized
	crashBefore // the process dies before the call is carried out
	crashAfter  // the process dies after it
	late        // applied only after a while, and the answer was lost
	crashLate   // the process dies, and the call is applied only after a while
)

// account is a target that holds state: keys with ids, as RunCloud keeps them.
type account struct {
	mu       sync.Mutex
	clock    *clock
	names    map[int64]string
	offline  map[int64]bool
	keys     map[int64][]access.Credential
	nextID   int64
	next     func(server int64, write bool) fault // what the next call does; nil is nothing wrong
	complete bool                                 // whether keys are shown completely
	writes   int
	lists    int
	asked    int                // questions for one server
	readings int                // readings of all servers
	before   func(server int64) // called right before a write is applied
	lateBy   time.Duration      // after how long what is late lands
	landing  []landing
}

// landing is a key that a lost call will place.
type landing struct {
	server int64
	key    access.Credential
	at     time.Duration // on the clock that nobody puts forward or back
}

// land applies what has been under way long enough. The caller holds mu.
func (a *account) land() {
	a.landing = slices.DeleteFunc(a.landing, func(l landing) bool {
		landed := l.at <= a.clock.Passed()
		if landed {
			l.key.CreatedAt = a.clock.Now()
			a.keys[l.server] = append(a.keys[l.server], l.key)
		}
		return landed
	})
}

func newAccount(c *clock, servers int) *account {
	a := &account{clock: c, names: map[int64]string{}, offline: map[int64]bool{}, keys: map[int64][]access.Credential{}, nextID: 1000}
	for i := range servers {
		a.names[int64(i+1)] = fmt.Sprintf("web-%02d", i+1)
	}
	return a
}

func (a *account) Servers(context.Context) ([]access.Server, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readings++
	var all []access.Server
	for id, name := range a.names {
		all = append(all, access.Server{ID: id, Name: name, Online: !a.offline[id]})
	}
	return all, nil
}

func (a *account) Server(_ context.Context, id int64) (access.Server, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	name, ok := a.names[id]
	if !ok {
		return access.Server{}, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	return access.Server{ID: id, Name: name, Online: !a.offline[id]}, nil
}

func (a *account) Turn(ctx context.Context, _ access.Priority) (context.Context, func(), error) {
	return ctx, func() {}, ctx.Err()
}

// fault answers what goes wrong with a call. The caller holds mu.
func (a *account) fault(server int64, write bool) fault {
	a.land()
	if a.next == nil {
		return noFault
	}
	return a.next(server, write)
}

// expire drops temporary keys whose twelve hours are over. The caller holds mu.
func (a *account) expire(server int64) {
	a.keys[server] = slices.DeleteFunc(a.keys[server], func(c access.Credential) bool {
		return *c.Temporary && a.clock.Now().Sub(c.CreatedAt) >= 12*time.Hour
	})
}

func (a *account) List(_ context.Context, server int64) ([]access.Credential, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lists++
	if err := failed(a.fault(server, false)); err != nil {
		return nil, err
	}
	if _, ok := a.names[server]; !ok {
		return nil, &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	a.expire(server)
	var list []access.Credential
	for _, c := range a.keys[server] {
		if !a.complete {
			c.PublicKey = c.PublicKey[:min(50, len(c.PublicKey))] + "..."
		}
		c.Temporary = nil
		list = append(list, c)
	}
	return list, nil
}

func (a *account) Add(_ context.Context, server int64, c access.Credential) (access.Credential, error) {
	if a.before != nil {
		a.before(server)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes++
	f := a.fault(server, true)
	if err := refused(f); err != nil {
		return access.Credential{}, err
	}
	a.expire(server)
	for _, have := range a.keys[server] {
		if have.Label == c.Label {
			return access.Credential{}, &access.Error{Code: access.Invalid, Message: "The label has already been taken."}
		}
	}
	a.nextID++
	c.ID, c.CreatedAt = a.nextID, a.clock.Now()
	if c.Temporary == nil {
		c.Temporary = new(bool)
	}
	temporary := *c.Temporary
	c.Temporary = &temporary
	switch f {
	case late, crashLate:
		a.landing = append(a.landing, landing{server: server, key: c, at: a.clock.Passed() + a.lateBy})
	case lostUndone:
	default:
		a.keys[server] = append(a.keys[server], c)
	}
	return c, unanswered(f)
}

func (a *account) Remove(_ context.Context, server, id int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes++
	f := a.fault(server, true)
	if err := refused(f); err != nil {
		return err
	}
	a.expire(server)
	i := slices.IndexFunc(a.keys[server], func(c access.Credential) bool { return c.ID == id })
	if i < 0 {
		return &access.Error{Code: access.NotFound, Message: "Resources not found."}
	}
	if f != lostUndone {
		a.keys[server] = slices.Delete(a.keys[server], i, i+1)
	}
	return unanswered(f)
}

// refused answers the faults in which a write has no effect and says so.
func refused(f fault) error {
	switch f {
	case refuse:
		return &access.Error{Code: access.Invalid, Message: "The selected username is invalid."}
	case forbid:
		return &access.Error{Code: access.Forbidden, Message: "This action is unauthorized."}
	}
	return failed(f)
}

func failed(f fault) error {
	switch f {
	case trouble:
		return &access.Error{Code: access.Unavailable, Message: "Server Error"}
	case unauthorized:
		return &access.Error{Code: access.Unauthorized, Message: "Unauthenticated."}
	case crashBefore:
		panic(errCrash)
	}
	return nil
}

// unanswered answers the faults in which nobody learns what a write did.
func unanswered(f fault) error {
	switch f {
	case lost, lostUndone, late:
		return &access.Error{Code: access.UnknownOutcome, Message: "The connection was cut."}
	case crashAfter, crashLate:
		panic(errCrash)
	}
	return nil
}

func (a *account) Sessions(context.Context, int64) ([]access.Session, error) {
	return []access.Session{{SystemUser: "runcloud", Address: "198.51.100.7", Since: "06:10"}}, nil
}

func (a *account) Ping(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return failed(a.fault(0, false))
}

// strange puts a stranger's key on a server, as by hand.
func (a *account) strange(server int64, label, user, publicKey string) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nextID++
	a.keys[server] = append(a.keys[server], access.Credential{
		ID: a.nextID, Label: label, SystemUser: user, PublicKey: publicKey, Temporary: new(bool), CreatedAt: a.clock.Now(),
	})
	return a.nextID
}

// ours lists «server user TYPE BLOB» of every key that the bot placed, sorted,
// doubles included.
func (a *account) ours() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.land()
	all := []string{}
	for server := range a.keys {
		a.expire(server)
		for _, c := range a.keys[server] {
			if strings.HasPrefix(c.Label, "sshkeybot ") {
				words := strings.Fields(c.PublicKey)
				all = append(all, fmt.Sprintf("%d %s %s", server, c.SystemUser, words[1]))
			}
		}
	}
	slices.Sort(all)
	return all
}

// keysOf lists the servers that hold keys which the bot placed for a person.
func (a *account) keysOf(person access.UserID) (servers []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.land()
	for server := range a.keys {
		a.expire(server)
		for _, c := range a.keys[server] {
			if owner, _, ok := access.LabelOwner(c.Label); ok && owner == person {
				servers = append(servers, server)
			}
		}
	}
	return servers
}
