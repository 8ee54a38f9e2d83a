package access

import "time"

// Credential is a key on a server as the target shows it, or an API token of a Lender.
type Credential struct {
	ID         string
	Label      string
	SystemUser string // empty if the target has no users
	PublicKey  string // complete, or the part that the target shows; empty for a token
	Temporary  *bool  // nil if the target does not say
	CreatedAt  time.Time

	Token  bool      // it is an API token
	UsedAt time.Time // when the token was last used; zero if it never was, or the target does not say
	Fixed  bool      // the target refuses to remove the token, since it is the bot's own, or may be
}

// Session is an SSH session that is open on a server.
type Session struct {
	SystemUser string
	Address    string // where it comes from, as the target writes it
	Since      string // as the target writes it
}
