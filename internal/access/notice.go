package access

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds of notice.
const (
	NoticeKeyWanted NoticeKind = "key_wanted" // a request waits for the person's first key
	NoticeEnding    NoticeKind = "ending"     // a grant ends soon
	NoticeLapsed    NoticeKind = "lapsed"     // a renewal came too late
	NoticeHalted    NoticeKind = "halted"     // every call is refused with 401
	NoticeResumed   NoticeKind = "resumed"
	NoticeQuota     NoticeKind = "quota"   // most of the target's monthly quota is used up
	NoticeDecided   NoticeKind = "decided" // tells the asker or receiver how a request was decided
	NoticeReminder  NoticeKind = "reminder"
	NoticeDecidable NoticeKind = "decidable" // the key came that a request waited for
	NoticeChanged   NoticeKind = "changed"   // what is asked has changed, so approvals given before are void
	NoticeUnsaid    NoticeKind = "unsaid"    // a request that was said to be done has something to do again
	NoticeSummary   NoticeKind = "summary"
	NoticeReturned  NoticeKind = "returned"  // the account of somebody who was offboarded is active again
	NoticeGroup     NoticeKind = "group"     // a user group of the approvers is refused for good; Detail: its id, and why
	NoticeHome      NoticeKind = "home"      // redraw the App Home of a person
	NoticeClock     NoticeKind = "clock"     // our clock is in doubt, or no longer
	NoticeCorrected NoticeKind = "corrected" // a grant ends earlier than was shown, since a clock was wrong
	NoticeKeyMoved  NoticeKind = "key_moved" // somebody proved that a key is theirs that another had registered
)

// Notice is one message to one place, sent once.
type Notice struct {
	ID        int64
	Key       string // the same key is queued once
	Kind      NoticeKind
	To        UserID // a person, or empty for the channel of the kind
	RequestID int64
	GrantID   int64
	Detail    string
	NextAt    time.Time
	Attempts  int
	SentAt    time.Time
}

// AnnounceNow has a request drawn at once, because somebody waits to see it; what
// only changes a count waits for the sweep.
func AnnounceNow(ctx context.Context, tx Tx, id int64) error {
	if err := tx.Announce(ctx, id); err != nil {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkAnnounce, ID: id})
}

// NoticeKey returns the key of a notice about one thing.
func NoticeKey(what string, id int64) string { return what + ":" + strconv.FormatInt(id, 10) }

// homeAfter gathers the changes that follow each other into one drawing.
const homeAfter = 2500 * time.Millisecond

// HomeNotice has a person's App Home drawn anew in a moment, or those of the members of
// a user group.
func HomeNotice(person UserID, now time.Time) Notice {
	return Notice{Key: "home:" + string(person), Kind: NoticeHome, To: person, NextAt: now.Add(homeAfter)}
}

// KeyMove says that a key is another person's now.
type KeyMove struct {
	Fingerprint string
	From, To    UserID
}

// Detail returns the move as a notice keeps it.
func (m KeyMove) Detail() string {
	return strings.Join([]string{m.Fingerprint, string(m.From), string(m.To)}, " ")
}

// KeyMove reads what a notice of that kind is about.
func (n Notice) KeyMove() KeyMove {
	words := append(strings.Fields(n.Detail), "", "", "")
	return KeyMove{Fingerprint: words[0], From: UserID(words[1]), To: UserID(words[2])}
}
