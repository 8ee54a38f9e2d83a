package access

import "time"

// Credential is a key on a server as the target shows it.
type Credential struct {
	ID         string
	Label      string
	SystemUser string // empty if the target has no users
	PublicKey  string // complete, or the part that the target shows
	Temporary  *bool  // nil if the target does not say
	CreatedAt  time.Time
}

// Session is an SSH session that is open on a server.
type Session struct {
	SystemUser string
	Address    string // where it comes from, as the target writes it
	Since      string // as the target writes it
}
