package reconcile

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
)

// Engine brings servers in line with the ledger. It is safe for use by many goroutines
// and, on PostgreSQL, by many processes.
type Engine struct {
	Store     access.Store
	Targets   []access.Target
	Directory Directory
	Settings  Settings
	Now       func() time.Time
	Clock     *clock.Clock        // tells whether Now is right; nil where it always is
	Started   time.Time           // since when this process has its settings; zero where none has newer ones
	Settled   func(access.Result) // told of each result that does not just wait any more; may be nil

	locals sync.Map // *local by name of the target
	known  sync.Map // Identity by id of the server

	noted   atomic.Bool  // whether the ledger knows which targets are configured
	checked atomic.Int64 // the last server that checkSome looked at
	renewed sync.Map     // when DueRenewals was asked last, by name of the target
}

// Directory looks people up; see access.Directory.
type Directory interface {
	Profile(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error)
}

// LongGrants says how a grant longer than the target's temporary lifetime is placed.
type LongGrants string

// Renew places it as temporary again and again, so that access ends even if the bot is down
// for good; Permanent leaves the end to the bot alone.
const (
	Renew     LongGrants = "renew"
	Permanent LongGrants = "permanent"
)

// Settings are the rules of placing keys.
type Settings struct {
	LongGrants  LongGrants
	Replica     string // name of this process among several
	OnlyRemoves bool   // leaves the placing of keys, renewals too, to another process
}
