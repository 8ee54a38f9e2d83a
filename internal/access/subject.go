package access

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Subject is what the audit log can be read about: a person, by their user ID, or a
// request, by a # and its number.
type Subject string

// AboutRequest returns the subject of a request, and none for 0, which is no request.
func AboutRequest(id int64) Subject {
	if id == 0 {
		return ""
	}
	return Subject("#" + strconv.FormatInt(id, 10))
}

// AboutPerson returns the subject of a person.
func AboutPerson(id UserID) Subject { return Subject(id) }

var (
	requestNumber = regexp.MustCompile(`^#?([1-9][0-9]{0,17})$`)
	personID      = regexp.MustCompile(`^@?([UW][A-Z0-9]+)$`)
)

// ParseSubject reads a request's number, with or without #, or a user ID, with or without
// @. It returns false for anything else.
func ParseSubject(text string) (Subject, bool) {
	if m := requestNumber.FindStringSubmatch(text); m != nil {
		return Subject("#" + m[1]), true
	}
	if m := personID.FindStringSubmatch(text); m != nil {
		return Subject(m[1]), true
	}
	return "", false
}

// Request returns the number of the request that s is, and 0 for a person.
func (s Subject) Request() int64 {
	number, isRequest := strings.CutPrefix(string(s), "#")
	id, err := strconv.ParseInt(number, 10, 64)
	if !isRequest || err != nil {
		return 0
	}
	return id
}

// Person returns the person that s is, and none for a request.
func (s Subject) Person() UserID {
	if strings.HasPrefix(string(s), "#") {
		return ""
	}
	return UserID(s)
}

// AboutAll returns subjects in the form of an event's About: each once, in the order given,
// without empty ones.
func AboutAll(all ...Subject) string {
	var words []string
	for _, s := range all {
		if s != "" && !slices.Contains(words, string(s)) {
			words = append(words, string(s))
		}
	}
	return strings.Join(words, " ")
}

// AboutSubjects returns the subjects in the event's About. The first request among them, and
// the first person, are those of what the event happened to.
func (e Event) AboutSubjects() []Subject {
	var all []Subject
	for word := range strings.FieldsSeq(e.About) {
		all = append(all, Subject(word))
	}
	return all
}

// Request returns the number of the request that the event happened to, or 0 where there is none.
func (e Event) Request() int64 {
	for _, s := range e.AboutSubjects() {
		if id := s.Request(); id != 0 {
			return id
		}
	}
	return 0
}

// Person returns the person whom the event happened to, or none.
func (e Event) Person() UserID {
	for _, s := range e.AboutSubjects() {
		if id := s.Person(); id != "" {
			return id
		}
	}
	return ""
}

// Subjects returns all that the log is to find the event by, in ascending order: whom and
// what it concerns, and who acted.
func (e Event) Subjects() []Subject {
	all := e.AboutSubjects()
	if e.Actor != "" {
		all = append(all, AboutPerson(e.Actor))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
