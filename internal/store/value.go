package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// startWrongClock is longer than anything but a placement is made to wait, and than clocks
// of replicas differ: what waits longer had its time from a clock that was wrong.
const wrongClock = 10 * time.Minute

// ms is how the ledger keeps a time: milliseconds since 1970, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// bit is how the ledger keeps a boolean.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// instant scans what ms wrote, in UTC.
type instant struct{ to *time.Time }

// Scan implements sql.Scanner.
func (i instant) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", src)
	}
	*i.to = time.Time{}
	if n != 0 {
		*i.to = time.UnixMilli(n).UTC()
	}
	return nil
}

// boolean scans what bit wrote.
type boolean struct{ to *bool }

// Scan implements sql.Scanner.
func (b boolean) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a boolean is stored as %T", src)
	}
	*b.to = n != 0
	return nil
}

// span scans a duration that was stored in milliseconds.
type span struct{ to *time.Duration }

// Scan implements sql.Scanner.
func (s span) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a duration is stored as %T", src)
	}
	*s.to = time.Duration(n) * time.Millisecond
	return nil
}

// words scans a JSON array of strings.
type words struct{ to *[]string }

// Scan implements sql.Scanner.
func (w words) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a list is stored as %T", src)
	}
	return json.Unmarshal([]byte(text), w.to)
}

// maybeBit is how the ledger keeps a boolean that may be unknown.
func maybeBit(b *bool) *int64 {
	if b == nil {
		return nil
	}
	n := bit(*b)
	return &n
}

// maybe scans what maybeBit wrote.
type maybe struct{ to **bool }

// Scan implements sql.Scanner.
func (m maybe) Scan(src any) error {
	if src == nil {
		*m.to = nil
		return nil
	}
	*m.to = new(bool)
	return boolean{*m.to}.Scan(src)
}
