package runcloudsim

import (
	"fmt"
	"slices"
	"time"
)

// Server describes one server of the account.
type Server struct {
	ID               int64 // chosen by the account when zero
	Name             string
	Provider         string // «Hetzner Cloud» when empty
	IPAddress        string
	Tags             []string
	Users            []string // system users besides root and runcloud, which every server has
	Offline          bool     // the agent does not answer
	NeverConnected   bool     // the agent was never installed; implies Offline
	PreventRootLogin bool
	TransferStatus   string    // AVAILABLE when empty
	CreatedAt        time.Time // now when zero
}

// Session is one open SSH login.
type Session struct {
	Username, TTY, IPAddress, LoginSince, Idle, CurrentRunningProcess string
}

type systemUser struct {
	id   int64
	name string
}

type server struct {
	Server
	users    []systemUser // ascending by id
	keys     []*key       // ascending by id
	sessions []Session
	back     chan struct{} // closed when an offline server comes back
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
	s.fill(a.now())
	sv := &server{Server: s, back: make(chan struct{})}
	for _, name := range slices.Concat([]string{"root", "runcloud"}, s.Users) {
		a.lastUser++
		sv.users = append(sv.users, systemUser{a.lastUser, name})
	}
	a.servers = append(a.servers, sv)
	slices.SortFunc(a.servers, func(x, y *server) int { return int(x.ID - y.ID) })
	a.byID[s.ID] = sv
	return s.ID
}

func (s *Server) fill(now time.Time) {
	s.Offline = s.Offline || s.NeverConnected
	s.Tags, s.Users = slices.Clone(s.Tags), slices.Clone(s.Users)
	if s.Name == "" {
		s.Name = fmt.Sprintf("server-%d", s.ID)
	}
	if s.Provider == "" {
		s.Provider = "Hetzner Cloud"
	}
	if s.IPAddress == "" {
		// 198.18.0.0/15 is set aside for benchmarks, so it is nobody's server.
		s.IPAddress = fmt.Sprintf("198.18.%d.%d", s.ID/250%250, 1+s.ID%250)
	}
	if s.TransferStatus == "" {
		s.TransferStatus = "AVAILABLE"
	}
	if s.CreatedAt.IsZero() {
		s.CreatedAt = now
	}
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

// RemoveServer takes the server and its keys out of the account; false if it is unknown.
func (a *Account) RemoveServer(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sv := a.byID[id]
	if sv == nil {
		return false
	}
	delete(a.byID, id)
	a.servers = slices.DeleteFunc(a.servers, func(x *server) bool { return x == sv })
	if sv.Offline {
		close(sv.back) // calls that hang on it go on, to a 404
	}
	return true
}

// SetOnline switches a server's agent on or off; false if the server is unknown. Changes accepted while
// it was off reach the server when it is back.
func (a *Account) SetOnline(id int64, online bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sv := a.byID[id]
	if sv == nil {
		return false
	}
	a.settle(sv) // what expires later than this moment has been on the server until now
	switch {
	case online && sv.Offline:
		sv.NeverConnected = false
		close(sv.back)
	case !online && !sv.Offline:
		sv.back = make(chan struct{})
	}
	sv.Offline = !online
	a.settle(sv)
	return true
}

// Servers returns all servers, ascending by id.
func (a *Account) Servers() []Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Server, 0, len(a.servers))
	for _, sv := range a.servers {
		s := sv.Server
		s.Tags, s.Users = slices.Clone(s.Tags), slices.Clone(s.Users)
		out = append(out, s)
	}
	return out
}

// AddSession opens an SSH session on a server; false if the server is unknown.
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

// Sessions returns the open sessions of a server.
func (a *Account) Sessions(serverID int64) []Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	if sv := a.byID[serverID]; sv != nil {
		return slices.Clone(sv.sessions)
	}
	return nil
}
