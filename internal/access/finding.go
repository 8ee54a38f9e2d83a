package access

import "time"

// Finding is a credential that an audit found on a server and that nobody manages: the bot did
// not place it.
type Finding struct {
	ServerID   int64
	Credential Credential
	FoundAt    time.Time // when it was first found as it is
	KeptBy     UserID    // who decided that it stays; empty until somebody has
	KeptAt     time.Time // zero until then
	RequestID  int64     // the request to remove it that was made last; 0 for none
}

// Kept reports whether somebody decided that it stays.
func (f Finding) Kept() bool { return !f.KeptAt.IsZero() }

// Same reports whether the credential is as it was when the finding was stored.
func (f Finding) Same(c Credential) bool {
	return f.Credential.Label == c.Label && f.Credential.SystemUser == c.SystemUser && f.Credential.PublicKey == c.PublicKey
}
