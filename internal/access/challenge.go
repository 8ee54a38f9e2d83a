package access

import (
	"time"
)

// Challenge is a text that somebody has to sign with a key before it is theirs. It is good
// once, until ExpiresAt, and for that person and key alone.
type Challenge struct {
	Nonce       string
	Person      UserID
	Fingerprint string
	Type        string
	Blob        string
	Note        string
	Text        string // what is to be signed, every line with its end
	ExpiresAt   time.Time
}
