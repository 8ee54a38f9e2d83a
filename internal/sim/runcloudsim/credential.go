package runcloudsim

import (
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

// key is a credential and where it is: in the account's list, in the server's authorized_keys, or both.
type key struct {
	Credential
	listed, installed bool
}

// settle brings a server's keys up to the present: temporary keys end, and a server whose agent answers
// has exactly what the list says.
func (a *Account) settle(s *server) {
	now := a.now()
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool {
		expired := k.Temporary && !now.Before(k.CreatedAt.Add(a.rules.TemporaryLifetime))
		if expired && !a.rules.KeepExpired {
			k.listed = false
		}
		if !s.Offline {
			k.installed = k.listed && !expired
		}
		return !k.listed && !k.installed
	})
}

// addKey stores c on s as the newest key and gives it its id.
func (a *Account) addKey(s *server, c Credential) *key {
	a.lastKey++
	c.ID, c.Server = a.lastKey, s.ID
	if c.CreatedAt.IsZero() {
		c.CreatedAt = a.now()
	}
	// The API tells whole seconds; keeping more would make the truth differ from the answers.
	c.CreatedAt = c.CreatedAt.UTC().Truncate(time.Second)
	k := &key{Credential: c, listed: true, installed: !s.Offline}
	s.keys = append(s.keys, k)
	return k
}

// AddKey puts a key on a server as somebody with the dashboard would, unchecked, and returns its id; 0 if
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

// RemoveKey takes a key away as somebody with the dashboard would; false if it is not listed.
func (a *Account) RemoveKey(serverID, id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byID[serverID]
	if s == nil {
		return false
	}
	k := s.listedKey(id)
	if k == nil {
		return false
	}
	a.removeKey(s, k)
	return true
}

func (a *Account) removeKey(s *server, k *key) {
	k.listed = false
	a.settle(s)
}

func (s *server) listedKey(id int64) *key {
	i := slices.IndexFunc(s.keys, func(k *key) bool { return k.ID == id && k.listed })
	if i < 0 {
		return nil
	}
	return s.keys[i]
}

// Keys returns the credentials that RunCloud lists for a server, ascending by id.
func (a *Account) Keys(serverID int64) []Credential {
	return a.collect(func(k *key) bool { return k.listed }, serverID)
}

// Installed returns the credentials that let somebody into a server, ascending by id. It differs from
// Keys for a server that is offline, and for expired rows under Rules.KeepExpired.
func (a *Account) Installed(serverID int64) []Credential {
	return a.collect(func(k *key) bool { return k.installed }, serverID)
}

// AllKeys returns the listed credentials of all servers, by server and id.
func (a *Account) AllKeys() []Credential {
	return a.collect(func(k *key) bool { return k.listed }, 0)
}

func (a *Account) collect(want func(*key) bool, serverID int64) []Credential {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Credential
	for _, s := range a.servers {
		if serverID != 0 && s.ID != serverID {
			continue
		}
		a.settle(s)
		for _, k := range s.keys {
			if want(k) {
				out = append(out, k.Credential)
			}
		}
	}
	return out
}
