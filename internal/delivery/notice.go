package delivery

import (
	"time"

	"sshkeybot/internal/access"
)

// Notice is a notice of the domain, and how far it was sent.
type Notice struct {
	access.Notice
	ID       int64
	NextAt   time.Time // do not send before
	Attempts int       // failures in a row
	SentAt   time.Time // zero while it is not sent
}

// NoticeHome is the kind of notice that has a person's Home tab drawn anew, or the tabs of
// the members of a user group. It is queued again once it was sent.
const NoticeHome access.NoticeKind = "home"

// homeAfter gathers the changes that follow each other into one drawing.
const homeAfter = 2500 * time.Millisecond

// HomeNotice returns the notice that has a Home tab drawn anew, in a moment, of which
// something changed at that time.
func HomeNotice(id access.UserID, at time.Time) Notice {
	return Notice{Notice: access.Notice{Key: "home:" + string(id), Kind: NoticeHome, To: id}, NextAt: at.Add(homeAfter)}
}
