package reconcile

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/lock"
)

// local is what this process keeps of a target.
type local struct {
	refresh lock.Mutex              // one complete reading of the servers at a time
	failed  atomic.Pointer[failure] // the last such reading, if it came to nothing
	tried   atomic.Bool             // whether this process has tried to end a halt
	asked   readings                // of its list of servers
	listing attempts                // to read its list of servers in FindRenamed
}

// failure is what a reading came to that was not told to stop.
type failure struct {
	at  time.Time // by this process
	err error
}

// attempts says when something that has failed is tried again: soon, and ever more rarely. It is
// for one goroutine.
type attempts struct{ first, last time.Time }

// take reports whether it is time for another attempt.
func (a *attempts) take(now time.Time) bool {
	if age := now.Sub(a.last); age >= 0 && age < min(max(firstBackoff, a.last.Sub(a.first)/4), longestOffline) {
		return false
	}
	if a.first.IsZero() {
		a.first = now
	}
	a.last = now
	return true
}

func (e *Engine) local(target string) *local {
	kept, _ := e.locals.LoadOrStore(target, new(local))
	return kept.(*local) // nothing else is stored
}

// target returns the target of that name, or an Error that it is not configured.
func (e *Engine) target(name string) (access.Target, error) {
	i := slices.IndexFunc(e.Targets, func(t access.Target) bool { return t.Name() == name })
	if i < 0 {
		return nil, &access.Error{Code: access.Unavailable, Problem: access.ProblemUnconfigured, Message: "«" + name + "» is not among my targets any more; I go on once it is configured again."}
	}
	return e.Targets[i], nil
}

// Title returns what people call a target in a sentence.
func (e *Engine) Title(name string) string {
	t, err := e.target(name)
	if err != nil {
		return "«" + name + "»"
	}
	return t.Title()
}

// lender returns the target of that name if it lends an account.
func (e *Engine) lender(name string) (access.Lender, bool) {
	t, err := e.target(name)
	if err != nil {
		return nil, false
	}
	l, ok := t.(access.Lender)
	return l, ok
}

// LendsAccount reports whether the place of the target of that name is an account.
func (e *Engine) LendsAccount(name string) bool {
	_, ok := e.lender(name)
	return ok
}

// Lends reports whether the target of that name is an account that may be lent.
func (e *Engine) Lends(name string) bool {
	l, ok := e.lender(name)
	if !ok {
		return false
	}
	_, err := l.Lending()
	return err == nil
}

// Account is what is lent instead of servers.
type Account struct {
	access.Lender
	Title string // what people call its target
}

// AccountAmong returns the account that these servers are, and nil if they are servers.
func (e *Engine) AccountAmong(ctx context.Context, tx access.Tx, servers []access.ServerRef) (*Account, error) {
	if len(servers) != 1 { // an account is named alone
		return nil, nil
	}
	at, err := e.identityOf(ctx, tx, servers[0].ID)
	if err != nil {
		return nil, err
	}
	l, ok := e.lender(at.Target)
	if !ok {
		return nil, nil
	}
	return &Account{Lender: l, Title: e.Title(at.Target)}, nil
}

// place is a server as its target knows it.
type place struct {
	target access.Target
	id     string
}

// Identity is what a server is known by, which does not change while its target is configured.
type Identity struct{ Target, ExternalID string }

// placeOf returns where a server is.
func (e *Engine) placeOf(ctx context.Context, server int64) (place, error) {
	var at Identity
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		at, err = e.identityOf(ctx, tx, server)
		return err
	})
	if err != nil {
		return place{}, err
	}
	target, err := e.target(at.Target)
	if err == nil {
		e.known.Store(server, at) // what was read is committed
	}
	return place{target, at.ExternalID}, err
}

// identityOf returns what a server is known by.
func (e *Engine) identityOf(ctx context.Context, tx access.Tx, server int64) (Identity, error) {
	if at, ok := e.known.Load(server); ok {
		return at.(Identity), nil // nothing else is stored
	}
	s, err := tx.Server(ctx, server)
	return Identity{s.Target, s.ExternalID}, err
}

// Identities returns what servers are known by, by their ids.
func (e *Engine) Identities(ctx context.Context, tx access.Tx, servers []access.ServerRef) (map[int64]Identity, error) {
	known := make(map[int64]Identity, len(servers))
	var others []int64
	for _, server := range servers {
		if at, ok := e.known.Load(server.ID); ok {
			known[server.ID] = at.(Identity)
		} else {
			others = append(others, server.ID)
		}
	}
	found, err := access.ServersByID(ctx, tx, others)
	for id, s := range found {
		known[id] = Identity{s.Target, s.ExternalID}
	}
	return known, err
}

// keysOn lists the credentials of a server, once its target may be called for that.
func (e *Engine) keysOn(ctx context.Context, server int64, priority access.Priority) ([]access.Credential, error) {
	at, err := e.placeOf(ctx, server)
	if err != nil {
		return nil, err
	}
	if err := refuseWhilePaused(at.target, priority); err != nil {
		return nil, err
	}
	call, release, err := at.target.Acquire(ctx, priority)
	if err != nil {
		return nil, err
	}
	defer release()
	return at.target.List(call, at.id)
}

// lifetimeOn returns after how long a temporary key on a server is removed by the target.
func (e *Engine) lifetimeOn(ctx context.Context, tx access.Tx, server int64) (time.Duration, error) {
	at, err := e.identityOf(ctx, tx, server)
	if err != nil {
		return 0, err
	}
	t, err := e.target(at.Target)
	return lifetime(t), err
}

// lifetime returns after how long a target removes a temporary key by itself; 0 where it
// does not.
func lifetime(t access.Target) time.Duration {
	if expirer, ok := t.(access.Expirer); ok {
		return expirer.TemporaryLifetime()
	}
	return 0
}
