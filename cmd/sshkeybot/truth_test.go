package main

import (
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sshkey"
)

// copies returns the credentials on a server with that key for a system user.
func (r *rig) copies(server int64, user string, key sshkey.Key) (found []runcloudsim.Credential) {
	for _, c := range r.account.Keys(server) {
		if c.User == user && sshkey.Proves(c.PublicKey, key) {
			found = append(found, c)
		}
	}
	return found
}

// placed returns the number of servers with a key, and fails the test if one has it more than
// once.
func (r *rig) placed(key sshkey.Key) int {
	r.t.Helper()
	count := 0
	for _, server := range r.servers {
		found := r.copies(server, "runcloud", key)
		if len(found) > 1 {
			r.t.Errorf("server %d has the key %d times", server, len(found))
		}
		if len(found) > 0 {
			count++
		}
	}
	return count
}

// isOn fails the test unless exactly that many servers have the key, once each.
func (r *rig) isOn(key sshkey.Key, want int) {
	r.t.Helper()
	if got := r.placed(key); got != want {
		r.t.Errorf("the key is on %d servers, want %d", got, want)
	}
}

func (r *rig) nameOf(server int64) string {
	for _, s := range r.account.Servers() {
		if s.ID == server {
			return s.Name
		}
	}
	return ""
}
