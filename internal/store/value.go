package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// wrongClock is longer than a job, an envelope, a drawing, a notice or an audit is made to wait, and
// than the clocks of replicas differ. A time that is further in the future was set while a
// clock was wrong, and what waits for it would wait for days: it is due.
const wrongClock = 10 * time.Minute

// ms returns a time as the ledger stores it: milliseconds since 1970, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// bit returns a boolean as the ledger stores it.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// instant scans a time that ms returned, in UTC.
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

// boolean scans a boolean that bit returned.
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

// optionalBit returns a boolean that may be unknown as the ledger stores it.
func optionalBit(b *bool) *int64 {
	if b == nil {
		return nil
	}
	n := bit(*b)
	return &n
}

// optionalBoolean scans a boolean that optionalBit returned.
type optionalBoolean struct{ to **bool }

// Scan implements sql.Scanner.
func (o optionalBoolean) Scan(src any) error {
	if src == nil {
		*o.to = nil
		return nil
	}
	*o.to = new(bool)
	return boolean{*o.to}.Scan(src)
}
