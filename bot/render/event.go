package render

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// eventWriter writes the parts of a sentence about an event.
type eventWriter struct {
	person func(access.UserID) string
	text   func(text string, limit int) string // foreign words
	said   func(text string, limit int) string // a reason that a person gave
	code   func(text string, limit int) string // names and fingerprints
	time   func(time.Time) string
	limit  int // of foreign words
}

func slackEvents(ticketURL string) eventWriter {
	said := func(text string, limit int) string { return reasonText(text, ticketURL, limit) }
	return eventWriter{person: mention, text: escape, said: said, code: code, time: date, limit: detailLimit}
}

func plainEvents() eventWriter {
	return eventWriter{person: plainPerson, text: plainText, said: plainText, code: plainText, time: utc, limit: cellLimit}
}

func plainPerson(id access.UserID) string {
	if !userID.MatchString(string(id)) {
		return "an unknown person"
	}
	return string(id)
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// EventLine says what happened, and when, in a line of markup. ticketURL is that of the page that the entry is on.
func EventLine(e workflow.LogEntry, ticketURL string) string {
	return date(e.At) + " " + slackEvents(ticketURL).sentence(e)
}

// EventText says what happened, and when, in a line of plain text: the time in UTC, the
// number of the event, and a sentence with user IDs for people, whose names are not known.
func EventText(e workflow.LogEntry) string {
	return fmt.Sprintf("%s  %d  %s", utc(e.At), e.Seq, plainEvents().sentence(e))
}

// sentence fills in what the action's sentence leaves open.
func (w eventWriter) sentence(e workflow.LogEntry) string {
	text, alone := eventSentence(e)
	if e.Actor == "" && alone != "" {
		text = alone
	}
	requests, person := aboutFirst(e.Event)
	parts := []string{
		"{actor}", w.personOr(e.Actor, "the bot"), "{person}", w.personOr(person, "somebody"),
		"{request}", requestWords("request", requests), "{Request}", requestWords("Request", requests), "{of}", ofRequests(requests),
		"{detail}", w.text(e.Detail, w.limit), "{why}", w.after(": ", e.Detail, w.text), "{said}", w.after(": ", e.Detail, w.said), "{rest}", w.after(": ", e.Keys.Rest, w.text),
		"{key}", w.key(e), "{servers}", w.servers(e), "{user}", w.user(e.Keys.SystemUser), "{id}", w.code(e.NounID, nameLimit),
		"{asked}", w.asked(e.Event, person), "{edit}", w.edit(e.Detail), "{grant}", w.grant(e.Detail), "{end}", w.end(e.Detail),
		"{reason}", w.reason(e.Event), "{spared}", w.spared(e),
		"{from}", w.personOr(access.UserID(e.From), "nobody"), "{to}", w.personOr(access.UserID(e.To), "nobody"),
	}
	return upper(strings.NewReplacer(parts...).Replace(text))
}

// aboutFirst returns the numbers of the requests that an event is about, the first of which
// is that of what it happened to, and the person whom it happened to.
func aboutFirst(e access.Event) (requests []string, person access.UserID) {
	for _, s := range e.AboutSubjects() {
		if id := s.Request(); id != 0 {
			requests = append(requests, strconv.FormatInt(id, 10))
		}
		person = cmp.Or(person, s.Person())
	}
	return requests, person
}

func requestWords(word string, numbers []string) string {
	if len(numbers) == 0 {
		return "the " + strings.ToLower(word)
	}
	return word + " " + numbers[0]
}

func ofRequests(numbers []string) string {
	switch len(numbers) {
	case 0:
		return ""
	case 1:
		return " (request " + numbers[0] + ")"
	}
	return " (requests " + strings.Join(numbers, ", ") + ")"
}

func (w eventWriter) personOr(id access.UserID, none string) string {
	if id == "" {
		return none
	}
	return w.person(id)
}

// after returns foreign words, as write shows them, behind what leads to them, without a full
// stop of their own; nothing when there are none.
func (w eventWriter) after(lead, text string, write func(text string, limit int) string) string {
	if text = write(strings.TrimRight(text, ". "), w.limit); text == "" {
		return ""
	}
	return lead + text
}

func (w eventWriter) key(e workflow.LogEntry) string {
	key := e.Keys.Key
	if e.Noun == access.NounKey {
		key = e.NounID
	}
	if id, picked := strings.CutPrefix(key, "credential "); picked {
		return "the key with the number " + w.code(id, nameLimit)
	}
	if key == "" {
		return "a key"
	}
	return "the key " + w.code(key, nameLimit)
}

func (w eventWriter) servers(e workflow.LogEntry) string {
	if len(e.Servers) == 0 {
		return servers(max(1, e.Keys.Count))
	}
	names := make([]string, len(e.Servers))
	for i, name := range e.Servers {
		names[i] = w.code(name, nameLimit)
	}
	return strings.Join(names, ", ")
}

func (w eventWriter) user(systemUser string) string {
	if systemUser == "" {
		return ""
	}
	return " for " + w.code(systemUser, nameLimit)
}

// asked says what somebody asked for, from a detail like «grant for U1».
func (w eventWriter) asked(e access.Event, person access.UserID) string {
	kind, _, _ := strings.Cut(e.Detail, " ")
	whom := w.personOr(person, "somebody")
	if person == e.Actor && person != "" {
		whom = "themself"
	}
	switch access.RequestKind(kind) {
	case access.KindGrant:
		return "for access for " + whom
	case access.KindExtend:
		return "for more time for " + whom
	case access.KindRevoke:
		if strings.HasSuffix(e.Detail, " for ") {
			return "to have a key removed"
		}
		return "to end access of " + whom
	case access.KindOffboard:
		return "to offboard " + whom
	case access.KindReinstate:
		return "to reinstate " + whom
	case access.KindRotate:
		return "for another key of an account"
	case access.KindPurge:
		return "to have keys removed, whoever placed them"
	case access.KindOrphan:
		return "what to do with unknown keys"
	case access.KindAudit, access.KindRestore: // which has an event of its own
	}
	return "for something"
}

var (
	editForm  = regexp.MustCompile(`^(\S+) on «(.*)» to (\S+) on «(.*)»$`)
	grantForm = regexp.MustCompile(`^(?:\S*|an account) as (.*) on ([0-9]{1,9}) servers(?: with ([0-9]{1,9}) keys)?$`)
	endForm   = regexp.MustCompile(`^\S+ to (\S+)$`)
)

// edit says what a request asked before an approver narrowed it, and what it asks since.
func (w eventWriter) edit(detail string) string {
	m := editForm.FindStringSubmatch(detail)
	if m == nil {
		return w.text(detail, w.limit)
	}
	return fmt.Sprintf("%s before, %s since", w.scope(m[1], m[2]), w.scope(m[3], m[4]))
}

func (w eventWriter) scope(length, pattern string) string {
	where := "every server"
	if pattern != "" {
		where = w.code(pattern, w.limit)
	}
	d, err := time.ParseDuration(length)
	if err != nil {
		return w.text(length, w.limit) + " on " + where
	}
	return durationText(d) + " on " + where
}

// grant says what a grant is for: an account has no system user, and the key of one is not counted.
func (w eventWriter) grant(detail string) string {
	m := grantForm.FindStringSubmatch(detail)
	if m == nil {
		return w.text(detail, w.limit)
	}
	where := "on " + counted(m[2], "account")
	if m[1] != "" {
		where = "as " + w.code(m[1], nameLimit) + " on " + counted(m[2], "server")
	}
	if m[3] != "" {
		where += " with " + counted(m[3], "key")
	}
	return where
}

// counted writes a number that is text already with its noun.
func counted(n, one string) string {
	if n == "1" {
		return n + " " + one
	}
	return n + " " + one + "s"
}

// end returns the later of the two times in a detail.
func (w eventWriter) end(detail string) string {
	m := endForm.FindStringSubmatch(detail)
	if m == nil {
		return w.text(detail, w.limit)
	}
	t, err := time.Parse(time.RFC3339, m[1])
	if err != nil {
		return w.text(m[1], w.limit)
	}
	return w.time(t)
}

// reason says why access ended, and by whom.
func (w eventWriter) reason(e access.Event) string {
	by := ""
	if e.Actor != "" {
		by = " by " + w.person(e.Actor)
	}
	why := e.Detail
	if e.Action == access.DidGrantNarrow {
		why = e.To
	}
	switch access.EndReason(why) {
	case access.EndExpired:
		return "its time was over"
	case access.EndRevoked:
		return "it was revoked" + by
	case access.EndGivenBack:
		return "it was given back" + by
	case access.EndOffboarded:
		return "the person was offboarded" + by
	case access.EndRotated:
		return "the account has another key, or this one never came into it"
	case access.EndPurged:
		return "all keys of its system user were ordered to be removed" + by
	case access.EndKeyLost:
		return "its key was proved to be somebody else's"
	}
	return w.text(why, w.limit)
}

// spared names the keys that an approver left where they are.
func (w eventWriter) spared(e workflow.LogEntry) string {
	if e.Keys.Count == 0 {
		return w.text(e.Detail, w.limit) + " of the keys that were found"
	}
	return w.key(e) + " on " + w.servers(e)
}
