package runcloud

import (
	"encoding/json"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]number{`7`: 7, `"7"`: 7, `null`: 0, `""`: 0, `9007199254740993`: 9007199254740993} {
		var got number
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%s: %d, err %v", raw, got, err)
		}
	}
	for _, raw := range []string{`"x"`, `1.5`, `{}`, `[]`, `true`} {
		var got number
		if err := json.Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s became %d", raw, got)
		}
	}
}

func TestFlag(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]flag{`true`: true, `1`: true, `"1"`: true, `"true"`: true, `false`: false, `0`: false, `null`: false, `""`: false} {
		got := !want
		if err := got.UnmarshalJSON([]byte(raw)); err != nil || got != want {
			t.Errorf("%s: %v, err %v", raw, got, err)
		}
	}
	var f flag
	if err := f.UnmarshalJSON([]byte(`"maybe"`)); err == nil {
		t.Error("maybe is no boolean")
	}
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 7, 23, 12, 0, 0, 0, time.UTC)
	for raw, want := range map[string]time.Time{
		`"2026-07-23 12:00:00"`: noon, `"2026-07-23T12:00:00Z"`: noon, `"2026-07-23T14:00:00+02:00"`: noon, `"2026-07-23T12:00:00"`: noon,
		`"2026-07-23T12:00:00.000000Z"`: noon, `null`: {}, `""`: {}, `"today"`: {}, `17`: {}, `{}`: {},
	} {
		got := timestamp(time.Unix(1, 0))
		if err := json.Unmarshal([]byte(raw), &got); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if raw != `null` && !time.Time(got).Equal(want) {
			t.Errorf("%s: %v, want %v", raw, time.Time(got), want)
		}
	}
}
