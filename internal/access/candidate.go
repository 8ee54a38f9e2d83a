package access

import "time"

// Candidate is a credential on a server that may belong to somebody and that the
// bot did not place; only a person may choose to remove it.
type Candidate struct {
	RequestID  int64
	ServerID   int64
	ServerName string
	Credential Credential
	Why        string // what made it a candidate: one of the Why constants of package reconcile
	PickedBy   UserID // who decided about it; empty until somebody has
	PickedAt   time.Time
	Spared     bool // the decision was to leave it on the server
}
