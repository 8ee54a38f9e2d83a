package runcloudsim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Server describes one server of the account.
type Server struct {
	ID             int64 // chosen by the account when zero
	Name           string
	Address        string // Address(ID) when empty
	Tags           []string
	Users          []string // system users besides root and runcloud, which every server has
	Offline        bool     // the agent does not answer
	NeverConnected bool     // the agent was never installed; implies Offline
}

func (s Server) clone() Server {
	s.Tags, s.Users = slices.Clone(s.Tags), slices.Clone(s.Users)
	return s
}

// Session is one open SSH login.
type Session struct {
	Username, TTY, IPAddress, LoginSince, Idle, CurrentRunningProcess string
}

type server struct {
	Server
	createdAt time.Time
	keys      []Credential // ascending by id
	sessions  []Session
}

// AddServer adds s and returns its id. An id already in use is replaced by a fresh one.
func (a *Account) AddServer(s Server) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addServer(s)
}

func (a *Account) addServer(s Server) int64 {
	if s.ID == 0 || a.byID[s.ID] != nil {
		s.ID = a.lastServer + 1
	}
	a.lastServer = max(a.lastServer, s.ID)
	if s.Name == "" {
		s.Name = fmt.Sprintf("server-%d", s.ID)
	}
	s.Offline = s.Offline || s.NeverConnected
	sv := &server{Server: s.clone(), createdAt: a.now()}
	a.servers = append(a.servers, sv)
	slices.SortFunc(a.servers, func(x, y *server) int { return cmp.Compare(x.ID, y.ID) })
	a.byID[s.ID] = sv
	return s.ID
}

var roles = []struct{ name, user string }{
	{"web", ""}, {"db", ""}, {"shop", "shop"}, {"blog", "blog"}, {"cache", ""}, {"worker", "queue"}, {"staging", "deploy"}, {"mail", ""},
}

// AddServers adds n online servers named web-01, db-01, shop-01, …, with tags for role, stage and
// region, and returns their ids. A further call goes on numbering.
func (a *Account) AddServers(n int) []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]int64, 0, n)
	for range n {
		ids = append(ids, a.addServer(namedServer(a.named)))
		a.named++
	}
	return ids
}

func namedServer(i int) Server {
	role := roles[i%len(roles)]
	stage := "production"
	if role.name == "staging" {
		stage = "staging"
	}
	s := Server{
		Name: fmt.Sprintf("%s-%02d", role.name, i/len(roles)+1),
		Tags: []string{role.name, stage, []string{"eu", "us", "asia"}[i/len(roles)%3]},
	}
	if role.user != "" {
		s.Users = []string{role.user}
	}
	return s
}

// RemoveServer removes the server and its keys and reports whether the account had it.
func (a *Account) RemoveServer(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sv := a.byID[id]
	delete(a.byID, id)
	a.servers = slices.DeleteFunc(a.servers, func(x *server) bool { return x == sv })
	return sv != nil
}

// SetOnline switches a server's agent on or off and reports whether the account has the server.
func (a *Account) SetOnline(id int64, online bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sv := a.byID[id]
	if sv == nil {
		return false
	}
	sv.Offline = !online
	sv.NeverConnected = sv.NeverConnected && !online
	return true
}

// Servers returns all servers, ascending by id.
func (a *Account) Servers() []Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Server, 0, len(a.servers))
	for _, sv := range a.servers {
		out = append(out, sv.clone())
	}
	return out
}

// AddSession opens an SSH session on a server and reports whether the account has the server.
func (a *Account) AddSession(serverID int64, s Session) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sv := a.byID[serverID]
	if sv == nil {
		return false
	}
	sv.sessions = append(sv.sessions, s)
	return true
}
