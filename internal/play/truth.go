package play

import (
	"fmt"
	"strings"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

// The targets by the names that the ledger has for them.
const (
	onRunCloud = "runcloud"
	onScalingo = "scalingo"
)

// truth is what really lies on the played systems, beside what the bot says of them.
type truth struct {
	said      said
	tiles     []tile
	account   []foundKey // the keys of the Scalingo account
	tokens    []string
	found     int // keys on servers that the bot placed
	elsewhere int // keys of the Scalingo account that the bot placed
}

// tile is one server.
type tile struct {
	ID        int64
	Name      string
	Trouble   string // name of the trouble that it has
	Unsettled bool   // the bot still has something to do there
	Keys      []foundKey
	File      string // the authorized_keys of SystemUser
}

// foundKey is a key that lies somewhere.
type foundKey struct {
	User    string    // the system user; empty on an account
	Person  string    // the user ID of whose it is; empty for an account's, and for one that is not known
	Owner   string    // how the page names whose it is
	Ours    bool      // placed by the bot
	Leaving bool      // it is to be removed
	Until   time.Time // zero for no end
}

// SystemUser is who everybody logs in as.
const SystemUser = "runcloud"

// look reads the truth.
func (w *World) look(s said) truth {
	t := truth{said: s}
	troubled := w.troubled()
	keys := map[int64][]runcloudsim.Credential{}
	for _, k := range w.RunCloud.AllKeys() {
		keys[k.Server] = append(keys[k.Server], k)
	}
	for _, server := range w.RunCloud.Servers() {
		one := tile{
			ID: server.ID, Name: server.Name, Trouble: inOrder, Unsettled: s.unsettled[place{onRunCloud, server.Name}],
			File: authorizedKeys(keys[server.ID], SystemUser),
		}
		if name := troubled[server.ID]; name != "" {
			one.Trouble = name
		}
		for _, k := range keys[server.ID] {
			found := s.identify(place{onRunCloud, server.Name}, k.Label)
			found.User = k.User
			one.Keys = append(one.Keys, found)
			if found.Ours {
				t.found++
			}
		}
		t.tiles = append(t.tiles, one)
	}
	for _, k := range w.Scalingo.Keys() {
		found := s.identify(place{onScalingo, onScalingo}, k.Name)
		t.account = append(t.account, found)
		if found.Ours {
			t.elsewhere++
		}
	}
	for _, token := range w.Scalingo.Tokens() {
		t.tokens = append(t.tokens, token.Name)
	}
	return t
}

// identify returns what is known of a key with that label.
func (s said) identify(at place, label string) foundKey {
	if !strings.HasPrefix(label, "sshkeybot ") {
		return foundKey{Owner: label}
	}
	of, known := s.owners[keyAt{at, label}]
	if !known {
		return foundKey{Owner: label, Ours: true}
	}
	k := foundKey{Person: string(of.person), Owner: nameOf(string(of.person)), Ours: true, Leaving: of.leaving, Until: of.until}
	if of.person == "" {
		k.Owner = "the account " + of.account
	}
	return k
}

// authorizedKeys returns the authorized_keys of a system user with those keys.
func authorizedKeys(keys []runcloudsim.Credential, user string) string {
	var file strings.Builder
	for _, k := range keys {
		if words := strings.Fields(k.PublicKey); k.User == user && len(words) > 1 {
			fmt.Fprintf(&file, "%s %s %s\n", words[0], words[1], k.Label)
		}
	}
	return file.String()
}
