package access

import (
	"fmt"
	"regexp"
	"strconv"
)

// Head names an event of the audit log and, by its hash, everything before it. Kept outside
// of the ledger, the head of one day shows later whether the log was rewritten or cut. The
// zero Head is that of a log without events.
type Head struct {
	Seq  int64
	Hash string
}

// Head returns the head of a log that ends with the event.
func (e Event) Head() Head { return Head{e.Seq, e.Hash} }

// String returns the head as one word, NUMBER:HASH.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// MarshalText implements encoding.TextMarshaler: a head is one word in JSON, too.
func (h Head) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Head) UnmarshalText(text []byte) error {
	read, ok := ParseHead(string(text))
	if !ok {
		return fmt.Errorf("%q is no head of an audit log", text)
	}
	*h = read
	return nil
}

var headForm = regexp.MustCompile(`^([1-9][0-9]{0,17}):([0-9a-f]{64})$`)

// ParseHead reads what String returns. It reports false for anything else.
func ParseHead(text string) (Head, bool) {
	if text == (Head{}).String() {
		return Head{}, true
	}
	m := headForm.FindStringSubmatch(text)
	if m == nil {
		return Head{}, false
	}
	seq, err := strconv.ParseInt(m[1], 10, 64)
	return Head{seq, m[2]}, err == nil
}
