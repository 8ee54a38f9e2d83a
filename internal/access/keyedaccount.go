package access

import (
	"context"
	"time"

	"sshkeybot/internal/sshkey"
)

// KeyedAccounts is a system that logs in to servers by itself, as a deployment server does.
// Each of its accounts holds the private half of a key pair, which nobody can read back, and
// names the system user that the system logs in as.
//
// It must be safe for use by many goroutines. The errors are *Error with the codes that
// Target describes; what a method adds to them is said there. Texts that others have written
// are returned as CleanText leaves them. A private half is in no error and no log.
type KeyedAccounts interface {
	// Title returns what people call the system in a sentence.
	Title() string
	// Version returns the version of the system. The error has code Invalid if it is too old
	// for the keys that are made here.
	Version(ctx context.Context) (string, error)
	// Find returns the account with that id or that whole name. The error has code NotFound if
	// there is none, Conflict if there are several, and Invalid if it holds something else than
	// a key pair.
	Find(ctx context.Context, nameOrID string) (KeyedAccount, error)
	// Account returns the account with an id, with the errors of Find.
	Account(ctx context.Context, id string) (KeyedAccount, error)
	// Uses returns who uses an account.
	Uses(ctx context.Context, id string) (AccountUses, error)
	// Replace stores another private half in an account that still is as it was read, and marks
	// it in the account. It returns the account as it is then. The error has code Conflict if
	// somebody has changed the account since. Between that look and the write a small gap
	// remains. The write is never repeated.
	Replace(ctx context.Context, was KeyedAccount, half PrivateHalf) (KeyedAccount, error)
	// Create makes an account with a private half, marked in the same way, and returns it. The
	// error has code Invalid if the name is taken. The write is never repeated.
	Create(ctx context.Context, name, systemUser string, half PrivateHalf) (KeyedAccount, error)
	// StartCheck has exactly these machines checked and returns the id of the check. Title
	// should be unique, so that FindCheck finds a check whose answer was lost.
	StartCheck(ctx context.Context, title string, machines []string) (string, error)
	// FindCheck returns the id of the newest check with that title. The error has code NotFound
	// if there is none.
	FindCheck(ctx context.Context, title string) (string, error)
	// Check returns what a check says of machines, each of which counts as proven only if it
	// was looked at after since, a time of the system's clock.
	Check(ctx context.Context, id string, machines []string, since time.Time) (AccountCheck, error)
	// ActiveTasks returns what the system is doing on its machines now, other than checks: a
	// title each.
	ActiveTasks(ctx context.Context) ([]string, error)
}

// KeyedAccount is one account of a KeyedAccounts.
type KeyedAccount struct {
	Space      string // the part of the system that it is in: an id, unique with the ID
	ID         string
	Name       string
	SystemUser string // that the system logs in as

	ModifiedAt time.Time // by the system's clock; zero if it does not say
	ModifiedBy string    // as the system writes it: perhaps a person's name, which no log may contain
	Mark       KeyMark   // the last that Replace or Create left; zero if there is none
}

// KeyMark is what Replace and Create leave in an account, for everybody to read.
type KeyMark struct {
	Fingerprint string // of the key
	Request     int64
}

// PrivateHalf is the private half of a pair with what it is marked with.
type PrivateHalf struct {
	Mark    KeyMark
	Private sshkey.Private
}

// AccountUses is who uses an account.
type AccountUses struct {
	Machines []AccountMachine `json:"machines"` // by name
	Others   int              `json:"others"`   // other uses, such as the steps of a process; they follow the account by themselves
}

// AccountMachine is a machine that is logged in to with an account.
type AccountMachine struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Host      string   `json:"host"`      // name or address
	Addresses []string `json:"addresses"` // IP addresses of the host, none if its name is unknown
	Worker    bool     `json:"worker,omitempty"`
	Disabled  bool     `json:"disabled,omitempty"` // it is not used now, and not checked
	Healthy   bool     `json:"healthy,omitempty"`  // the system could log in to it when it looked last
	Health    string   `json:"health"`             // in the system's words
	ServerID  int64    `json:"server,omitempty"`   // which of our servers it is; 0 if that is not known
}

// AccountCheck is how far a check of machines is.
type AccountCheck struct {
	Over     bool
	Passed   bool // it is over and without complaint, and every machine is proven
	Problem  string
	Machines []AccountMachine // those that were asked for and are there, as they are now
	Unproven []string         // the names of those that are not proven
}
