package play

import (
	"fmt"
	"slices"
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
	account   []lying // the keys of the Scalingo account
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
	Keys      []lying
	File      string // the authorized_keys of SystemUser
}

// lying is a key as it lies somewhere.
type lying struct {
	User    string // the system user; empty on an account
	Owner   string
	Ours    bool // placed by the bot
	Leaving bool // it is to be removed
	Ends    bool
	Until   time.Time
}

// SystemUser is who everybody logs in as.
const SystemUser = "runcloud"

// look reads the truth.
func (w *World) look(s said) truth {
	t := truth{said: s}
	ill := w.ill()
	keys := map[int64][]runcloudsim.Credential{}
	for _, k := range w.RunCloud.AllKeys() {
		keys[k.Server] = append(keys[k.Server], k)
	}
	for _, server := range w.RunCloud.Servers() {
		one := tile{
			ID: server.ID, Name: server.Name, Trouble: inOrder, Unsettled: s.unsettled[onRunCloud+"/"+server.Name],
			File: authorizedKeys(keys[server.ID], SystemUser),
		}
		if name := ill[server.ID]; name != "" {
			one.Trouble = name
		}
		for _, k := range keys[server.ID] {
			l := s.lying(k.Label)
			l.User = k.User
			one.Keys = append(one.Keys, l)
			if l.Ours {
				t.found++
			}
		}
		t.tiles = append(t.tiles, one)
	}
	for _, k := range w.Scalingo.Keys() {
		l := s.lying(k.Name)
		t.account = append(t.account, l)
		if l.Ours {
			t.elsewhere++
		}
	}
	for _, token := range w.Scalingo.Tokens() {
		t.tokens = append(t.tokens, token.Name)
	}
	return t
}

// lying returns what is known of a key with that label.
func (s said) lying(label string) lying {
	if !strings.HasPrefix(label, "sshkeybot ") {
		return lying{Owner: label}
	}
	of, known := s.owners[label]
	if !known {
		return lying{Owner: label, Ours: true}
	}
	l := lying{Owner: nameOf(string(of.person)), Ours: true, Leaving: of.leaving, Until: of.until, Ends: !of.until.IsZero()}
	if of.account != "" && of.person == "" {
		l.Owner = "the account " + of.account
	}
	return l
}

// nameOf returns the name of one of the people, or the ID of somebody else.
func nameOf(id string) string {
	people := cast()
	if i := slices.IndexFunc(people, func(p somebody) bool { return p.ID == id }); i >= 0 {
		return people[i].RealName
	}
	return id
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
