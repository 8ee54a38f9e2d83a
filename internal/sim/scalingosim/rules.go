package scalingosim

import "time"

// Rules are the behaviours on which Scalingo's pages are silent. The zero value is the likeliest form of each.
type Rules struct {
	MongoIDs    bool // ids as in the manual, instead of the UUIDs of recorded answers
	Unlimited   bool // no 429 after 60 calls in a minute
	SmallestRSA int  // in bits; an RSA key below it is a 422
	Comment     Comment
	LastUsed    LastUsed
	JWTLifetime time.Duration // an hour when zero (API manual, tokens)
	OpaqueJWTs  bool          // JSON web tokens that cannot be read

	TakenField string // of the 422 for a key that is on an account already; «content» when empty
	TakenText  string // «has already been taken» when empty
}

// Comment is what becomes of the comment of a key that is added.
type Comment int

// The fates of a comment.
const (
	CommentKept Comment = iota // the line is stored as it came
	CommentDropped
	CommentNamed // the name of the key takes its place
)

// LastUsed is how the last use of an API token is recorded.
type LastUsed int

// The ways to record a last use.
const (
	LastUsedMillis LastUsed = iota
	LastUsedSeconds
	LastUsedNever // an exchange is no use
)

// rateLimit is how many calls are accepted within a minute (API manual, front page). Which minute is meant is
// not said; here it is any.
const (
	rateLimit  = 60
	rateWindow = time.Minute
)

// limited counts a call and reports whether it is one too many, which then does not count.
func (a *Account) limited() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for len(a.recent) > 0 && now.Sub(a.recent[0]) >= rateWindow {
		a.recent = a.recent[1:]
	}
	if len(a.recent) >= rateLimit && !a.rules.Unlimited {
		return true
	}
	a.recent = append(a.recent, now)
	return false
}

// stored returns what becomes of the line of a key that is added.
func (r Rules) stored(name, line string) string {
	switch r.Comment {
	case CommentDropped:
		return identity(line)
	case CommentNamed:
		return identity(line) + " " + name
	case CommentKept:
	}
	return line
}

// stamped returns a last use as it is recorded.
func (r Rules) stamped(at, before time.Time) time.Time {
	switch r.LastUsed {
	case LastUsedSeconds:
		return at.UTC().Truncate(time.Second)
	case LastUsedNever:
		return before
	case LastUsedMillis:
	}
	return at.UTC().Truncate(time.Millisecond)
}
