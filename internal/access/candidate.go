package access

import "time"

// Candidate is a credential on a server that may belong to somebody and that the
// bot did not place; only a person may choose to remove it.
type Candidate struct {
	RequestID  int64
	ServerID   int64
	ServerName string
	Credential Credential
	Why        Why
	PickedBy   UserID    // who decided about it; empty if the bot did
	PickedAt   time.Time // zero until it was decided about
	Spared     bool      // the decision was to leave it on the server
}

// Decided reports whether it was decided to remove the candidate, or to leave it.
func (c Candidate) Decided() bool { return !c.PickedAt.IsZero() }

// Lookalike reports whether all that can be seen of the key is what every key of its type
// shares, so that it may be anybody's.
func (c Candidate) Lookalike() bool { return c.Why == WhyType }

// Undecided is how many candidates of a request nobody has decided about.
type Undecided struct {
	RequestID  int64
	Keys       int // without the lookalikes
	Tokens     int // API tokens
	Lookalikes int
	Servers    int // that have a lookalike
}

// Why is what made a credential a candidate.
type Why string

// What makes a credential a candidate.
const (
	WhyLabel  Why = "label"  // the label names the person
	WhyKey    Why = "prefix" // what is visible fits one of their keys, and tells keys of that type apart
	WhyType   Why = "type"   // what is visible fits, but is the same for every key of that type
	WhyOrphan Why = "orphan" // its label is of this ledger, which does not know it
	WhyWhole  Why = "whole"  // it is the whole key, but nobody has proved whose that is

	WhyListed Why = "listed" // of a purge: it is one of those to be removed
	WhySince  Why = "since"  // of a purge: it came after the list was decided, and stays
	WhyOwned  Why = "owned"  // of a purge: an account logs in with it, so it stays

	WhyBefore Why = "before" // of a rotation: it was there before the new key, and may be the old one

	WhyUnregistered Why = "unregistered" // on an account of which they held a key, and nobody has registered it
	WhyToken        Why = "token"        // made while they held a key of the account
)
