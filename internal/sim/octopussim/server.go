package octopussim

import (
	"sync"
	"time"
)

// What a server made without Options has.
const (
	DefaultKey     = "API-OCTOPUSSIM"
	DefaultVersion = "2026.3.1234"
	DefaultSpace   = "Spaces-1" // its name is Default
)

// Options describes a new server; the zero value is a usable one.
type Options struct {
	Key     string           // the API key; DefaultKey when empty
	Version string           // DefaultVersion when empty
	Path    string           // before /api, such as /octopus
	MaxPage int              // most items of a page; 100 when zero
	Now     func() time.Time // time.Now when nil
	// LogsIn reports whether a machine lets somebody in with a private key whose public half is given as «TYPE
	// BASE64». When nil, every machine lets everybody in. It must not call the server.
	LogsIn func(host string, port int, username, publicKey string) bool
}

// Access is what an API key may do.
type Access int

// The kinds of access.
const (
	FullAccess Access = iota
	ReadOnly          // a PUT or POST is a 403
	NoRights          // everything in a space is a 403
)

// Server is one Octopus server. It is an http.Handler and safe for concurrent use. Make it with [New].
type Server struct {
	options Options

	mu       sync.Mutex
	key      string
	version  string
	access   Access
	lastTime time.Time
	lastID   map[string]int // by kind
	spaces   []*space
	accounts map[string]*account
	machines map[string]*machine
	tasks    map[string]*task
	order    []string // of tasks, the oldest first
	rules    TaskRules
	faults   []*fault
	limit    *limit
	calls    []Call
	hook     func(Call)
}

// New returns a server with one space.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LogsIn == nil {
		o.LogsIn = func(string, int, string, string) bool { return true }
	}
	if o.MaxPage == 0 {
		o.MaxPage = 100
	}
	s := &Server{
		options: o, key: orDefault(o.Key, DefaultKey), version: orDefault(o.Version, DefaultVersion), lastID: map[string]int{},
		accounts: map[string]*account{}, machines: map[string]*machine{}, tasks: map[string]*task{},
	}
	s.AddSpace("Default")
	return s
}

func orDefault(text, def string) string {
	if text == "" {
		return def
	}
	return text
}

// SetKey replaces the API key: the one before has expired or was revoked.
func (s *Server) SetKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// SetAccess sets what the API key may do; at first everything.
func (s *Server) SetAccess(a Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = a
}

// SetVersion sets the version that the server shows and has.
func (s *Server) SetVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = version
}

// stamp returns the time, later than any that it returned before.
func (s *Server) stamp() time.Time {
	now := s.options.Now().UTC().Truncate(time.Millisecond)
	if !now.After(s.lastTime) {
		now = s.lastTime.Add(time.Millisecond)
	}
	s.lastTime = now
	return now
}

// shown is a time in Octopus's form; the zero time is null.
func shown(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000-07:00")
}
