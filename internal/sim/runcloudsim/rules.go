package runcloudsim

import "time"

// LabelScope says within what a credential's label must be unique. RunCloud does not document it.
type LabelScope int

// The scopes.
const (
	LabelPerServer LabelScope = iota
	LabelPerUser              // per server and system user
	LabelFree                 // no rule
)

// OfflineAnswer says what writes and the session list do while a server is offline.
type OfflineAnswer int

// The answers.
const (
	OfflineError  OfflineAnswer = iota // 500 with a message, nothing changed
	OfflineHang                        // no answer until the server is back or the client gives up
	OfflineAccept                      // 200; the server itself follows when it is back
)

// PageShape is the form of a list's meta object.
type PageShape int

// The shapes.
const (
	PageDocumented PageShape = iota // meta.pagination.total_pages
	PageLastPage                    // meta.lastPage
	PageNone                        // no meta at all
)

// Rules are the behaviours on which RunCloud's pages are silent or contradicted by what clients saw.
// The zero value is the documented or likeliest form of each.
type Rules struct {
	LabelScope         LabelScope
	LabelMax           int           // characters; 100 when zero, no limit when negative
	LabelCut           bool          // a longer label is cut silently instead of refused
	RefuseDuplicateKey bool          // the same key for the same user again is a 422
	TemporaryLifetime  time.Duration // 12h when zero (RunCloud's article on adding keys)
	KeepExpired        bool          // the row of an expired temporary key stays in the list
	Offline            OfflineAnswer
	Pages              PageShape
	EmptyLinksArray    bool // links is [] instead of {} on the last page, as PHP may encode it
	TagsAsStrings      bool // a server's tags are plain strings instead of objects
	ListTemporary      bool // lists show the temporary field too
	FullKeys           bool // answers show keys uncut
}

func (r Rules) withDefaults() Rules {
	r.LabelMax = orDefault(r.LabelMax, 100)
	r.TemporaryLifetime = orDefault(r.TemporaryLifetime, 12*time.Hour)
	return r
}

// SetRules replaces the rules from the next call on.
func (a *Account) SetRules(r Rules) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rules = r.withDefaults()
}
