package reconcile

import (
	"sync/atomic"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
)

// Engine brings servers in line with the ledger. It is safe for use by many goroutines
// and, on PostgreSQL, by many processes.
type Engine struct {
	Store     access.Store
	Target    access.Target
	Directory access.Directory
	Settings  Settings
	Now       func() time.Time
	Clock     *clock.Clock // tells whether Now is right; nil where it always is

	refresh  mutex // one complete reading of the servers at a time
	readings readings
	tried    atomic.Bool // whether this process has tried to end a halt
}

// LongGrants says how a grant longer than the target's temporary lifetime is placed.
type LongGrants string

// Renew places it as temporary again and again, so that a dead bot means closed
// doors; Permanent leaves the end to the bot alone.
const (
	Renew     LongGrants = "renew"
	Permanent LongGrants = "permanent"
)

// Settings are the rules of placing keys.
type Settings struct {
	LongGrants        LongGrants
	TemporaryLifetime time.Duration // after which the target removes a temporary key by itself
	Replica           string        // name of this process among several
	MonthlyQuota      int           // calls to the target; 0 is not known
	OnlyRemoves       bool          // leaves the placing of keys, renewals too, to another process
}
