package runcloudsim

import (
	"cmp"
	"slices"
	"time"
)

// Credential is an SSH key as it really is: the key is whole, whatever the API shows of it.
type Credential struct {
	ID        int64
	Server    int64
	Label     string
	User      string
	PublicKey string
	Temporary bool
	CreatedAt time.Time
}

// expire removes the temporary keys of a server whose lifetime is over.
func (a *Account) expire(s *server) {
	now := a.now()
	s.keys = slices.DeleteFunc(s.keys, func(k Credential) bool {
		return k.Temporary && !now.Before(k.CreatedAt.Add(a.rules.TemporaryLifetime))
	})
}

// addKey stores c on s as the newest key and returns it with its id.
func (a *Account) addKey(s *server, c Credential) Credential {
	a.lastKey++
	c.ID, c.Server = a.lastKey, s.ID
	if c.CreatedAt.IsZero() {
		c.CreatedAt = a.now()
	}
	// The API shows whole seconds; keeping more would make the truth differ from the answers.
	c.CreatedAt = c.CreatedAt.UTC().Truncate(time.Second)
	s.keys = append(s.keys, c)
	return c
}

// AddKey puts a key on a server as somebody with the dashboard would, unchecked, and returns its id, or 0 if
// the server is unknown. ID and Server of c are ignored; a zero CreatedAt is now.
func (a *Account) AddKey(serverID int64, c Credential) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byID[serverID]
	if s == nil {
		return 0
	}
	return a.addKey(s, c).ID
}

// Restore puts keys on a server that it had before the account was made, with the ids that they
// had. It does nothing if the server is unknown. Server of a key is ignored.
func (a *Account) Restore(serverID int64, keys ...Credential) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byID[serverID]
	if s == nil {
		return
	}
	for _, c := range keys {
		c.Server, c.CreatedAt = s.ID, c.CreatedAt.UTC().Truncate(time.Second)
		s.keys = append(s.keys, c)
		a.lastKey = max(a.lastKey, c.ID)
	}
	slices.SortFunc(s.keys, func(x, y Credential) int { return cmp.Compare(x.ID, y.ID) })
}

// RemoveKey takes a key off a server as somebody with the dashboard would. It does nothing if the server does not
// have it.
func (a *Account) RemoveKey(serverID, id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.byID[serverID]; s != nil {
		s.keys = slices.DeleteFunc(s.keys, func(k Credential) bool { return k.ID == id })
	}
}

// Keys returns the credentials of a server, ascending by id.
func (a *Account) Keys(serverID int64) []Credential {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byID[serverID]
	if s == nil {
		return nil
	}
	a.expire(s)
	return slices.Clone(s.keys)
}

// AllKeys returns the credentials of all servers, by server and id.
func (a *Account) AllKeys() []Credential {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Credential
	for _, s := range a.servers {
		a.expire(s)
		out = append(out, s.keys...)
	}
	return out
}
