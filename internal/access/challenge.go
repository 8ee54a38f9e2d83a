package access

import (
	"time"
)

// Challenge is a text that a person has to sign with a key to prove that they hold its
// private half. It can be used once, until ExpiresAt, and for that person and key alone.
type Challenge struct {
	Nonce       string // random; identifies the challenge
	Person      UserID
	Fingerprint string // as in Key, like the three fields after it
	Type        string
	Blob        string
	Note        string
	Text        string // what is to be signed; every line ends with a newline
	ExpiresAt   time.Time
}
