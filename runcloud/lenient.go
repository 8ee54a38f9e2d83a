package runcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// number is an integer that may come as a string, or as null for 0.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	text := string(bytes.Trim(raw, `"`))
	if text == "null" || text == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("not an integer: %w", err)
	}
	*n = number(v)
	return nil
}

// flag is a boolean that may come as 0 or 1, or as null for false.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	text := string(bytes.Trim(raw, `"`))
	if text == "null" || text == "" {
		*f = false
		return nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("not a boolean: %w", err)
	}
	*f = flag(v)
	return nil
}

// timestamp is a time with or without zone; without, it is taken for UTC. What cannot be read is the
// zero time, for no decision hangs on it.
type timestamp time.Time

func (t *timestamp) UnmarshalJSON(raw []byte) error {
	*t = timestamp{}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	for _, layout := range []string{time.DateTime, time.RFC3339, "2006-01-02T15:04:05"} {
		if v, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			*t = timestamp(v.UTC())
			return nil
		}
	}
	return nil
}

// names is a list whose items are strings or objects with a name. It may be null, or an object in
// place of an empty list.
type names []string

func (n *names) UnmarshalJSON(raw []byte) error {
	*n = nil
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	for _, item := range items {
		if name := nameOf(item); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}

func nameOf(raw json.RawMessage) string {
	var object struct {
		Name string `json:"name"`
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	_ = json.Unmarshal(raw, &object)
	return object.Name
}
