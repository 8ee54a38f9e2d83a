package play

import (
	"crypto/rand"
	"sync"
)

// keyring holds the keys of addresses, each good for one exchange, and the tokens that they were
// exchanged against. Both are 128 random bits, so that to look one up needs no constant time.
type keyring struct {
	mu     sync.Mutex
	keys   map[string]bool
	tokens map[string]bool
}

func newKeyring() *keyring { return &keyring{keys: map[string]bool{}, tokens: map[string]bool{}} }

// key returns a new key.
func (k *keyring) key() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := rand.Text()
	k.keys[key] = true
	return key
}

// exchange returns a new token for a key, which is used up by it.
func (k *keyring) exchange(key string) (token string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.keys[key] {
		return "", false
	}
	delete(k.keys, key)
	token = rand.Text()
	k.tokens[token] = true
	return token, true
}

// knows reports whether a token is one of those given out.
func (k *keyring) knows(token string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tokens[token]
}
