package access

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of notice.
const (
	NoticeKeyWanted  NoticeKind = "key_wanted" // a request waits for the person's first key
	NoticeEnding     NoticeKind = "ending"     // a grant ends soon
	NoticeLapsed     NoticeKind = "lapsed"     // a renewal came too late: the target's own timer removed the key
	NoticeHalted     NoticeKind = "halted"     // the target refuses our credentials, so work on it is halted
	NoticeResumed    NoticeKind = "resumed"    // it accepts them again
	NoticeAdopted    NoticeKind = "adopted"    // the target is one of before by another name; Detail: the name that it had
	NoticeQuota      NoticeKind = "quota"      // most of the target's monthly quota is used up
	NoticeDecided    NoticeKind = "decided"    // how a request was decided, for its asker or receiver
	NoticeReady      NoticeKind = "ready"      // the work of an approved grant rests for the first time: its access can be used, or cannot
	NoticeEnded      NoticeKind = "ended"      // the time of a grant is over
	NoticeRevoked    NoticeKind = "revoked"    // somebody ended access of a person, or a part of it; Detail: who
	NoticeReminder   NoticeKind = "reminder"   // a request still waits for a decision
	NoticeDecidable  NoticeKind = "decidable"  // a request can be decided now: the key it waited for was registered
	NoticeChanged    NoticeKind = "changed"    // what a request asks for has changed, so approvals given before are void
	NoticeReopened   NoticeKind = "reopened"   // a request that was reported as done has work left again
	NoticeSummary    NoticeKind = "summary"    // the daily summary
	NoticeRotation   NoticeKind = "rotation"   // a rotation is done, has failed or is half way; Detail: its RotationState
	NoticeReturned   NoticeKind = "returned"   // the account of somebody who was offboarded is active again
	NoticeReinstated NoticeKind = "reinstated" // somebody who was offboarded may be given access again; Detail: by which request
	NoticeGroup      NoticeKind = "group"      // the directory does not let the bot read a group of approvers; Detail: its ID, and why
	NoticeClock      NoticeKind = "clock"      // the bot's clock is in doubt, or no longer
	NoticeCorrected  NoticeKind = "corrected"  // a grant ends earlier than was shown, since a clock was wrong
	NoticeKeyMoved   NoticeKind = "key_moved"  // somebody proved that a key is theirs that another had registered
)

// Notice is one message to one person or channel, sent once.
type Notice struct {
	Key       string // a second notice with the same key is not queued
	Kind      NoticeKind
	To        UserID // a person; empty for the channel that notices of the kind go to
	RequestID int64
	GrantID   int64
	Target    string    // what people call the target that the notice is about; empty for none
	Detail    string    // what the kind says
	NotBefore time.Time // when it is sent at the earliest; zero is at once. Not read back
}

// AnnounceNow marks a request to be shown anew and wakes the job that draws it. It is
// for changes that somebody waits to see; Tx.Announce alone leaves others to the sweep.
func AnnounceNow(ctx context.Context, tx Tx, id int64) error {
	if err := tx.Announce(ctx, id); err != nil {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkAnnounce, ID: id})
}

// NoticeKey returns the key of a notice about one thing.
func NoticeKey(what string, id int64) string { return what + ":" + strconv.FormatInt(id, 10) }

// KeyMove is the change of a key's holder from one person to another.
type KeyMove struct {
	Fingerprint string
	From, To    UserID
}

// Detail returns the move in the form of a notice's Detail: three words.
func (m KeyMove) Detail() string {
	return strings.Join([]string{m.Fingerprint, string(m.From), string(m.To)}, " ")
}

// KeyMove returns the move that is in the Detail of a notice of kind NoticeKeyMoved.
func (n Notice) KeyMove() KeyMove {
	words := append(strings.Fields(n.Detail), "", "", "")
	return KeyMove{Fingerprint: words[0], From: UserID(words[1]), To: UserID(words[2])}
}
