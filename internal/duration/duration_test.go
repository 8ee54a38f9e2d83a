package duration

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const day = 24 * time.Hour

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30m":       30 * time.Minute,
		"12h":       12 * time.Hour,
		"7d":        7 * day,
		"2w":        14 * day,
		"1d12h":     36 * time.Hour,
		"1w2d3h4m":  9*day + 3*time.Hour + 4*time.Minute,
		"5s":        5 * time.Second,
		"90m":       90 * time.Minute,
		"12H":       12 * time.Hour,
		" 1D12h\n":  36 * time.Hour,
		"007d":      7 * day,
		"1d0h":      day,
		"15250w":    15250 * 7 * day,
		"99999999m": 99999999 * time.Minute,

		"2 hours":               2 * time.Hour,
		"90 min":                90 * time.Minute,
		"1 Day 12 hours":        36 * time.Hour,
		"1d 12h":                36 * time.Hour,
		"2weeks":                14 * day,
		"1 week\t1 day 1 hr":    8*day + time.Hour,
		"45 secs":               45 * time.Second,
		"1\u00a0hour 30\u00a0m": 90 * time.Minute,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                      ErrEmpty,
		"  ":                    ErrEmpty,
		"-3h":                   ErrNegative,
		"1.5d":                  ErrFraction,
		"1,5d":                  ErrFraction,
		"7":                     ErrNoUnit,
		"1d12":                  ErrNoUnit,
		"1y":                    ErrUnit,
		"3mo":                   ErrUnit,
		"10ms":                  ErrUnit,
		"2d2d":                  ErrOrder,
		"7d2w":                  ErrOrder,
		"0":                     ErrNoUnit,
		"0h":                    ErrZero,
		"0d0h":                  ErrZero,
		"h":                     ErrForm,
		"+3h":                   ErrForm,
		"1 2h":                  ErrForm,
		"1\u00a02h":             ErrForm,
		"2 ho urs":              ErrForm,
		"2 h ours":              ErrForm,
		"2 hours please":        ErrForm,
		"2 months":              ErrUnit,
		"1 hour 1 hour":         ErrOrder,
		"30 min 1 h":            ErrOrder,
		"2 h 30":                ErrNoUnit,
		"half an hour":          ErrForm,
		"1d-2h":                 ErrForm,
		"٣h":                    ErrForm,
		"1µ":                    ErrForm,
		"99999999999999999999h": ErrTooLong,
		"15251w":                ErrTooLong,
		"15250w6d":              ErrTooLong,
	} {
		if got, err := Parse(text); !errors.Is(err, want) || got != 0 {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                            "0s",
		999 * time.Millisecond:       "0s",
		1500 * time.Millisecond:      "1s",
		30 * time.Minute:             "30m",
		90 * time.Minute:             "1h30m",
		36 * time.Hour:               "1d12h",
		7 * day:                      "7d",
		14 * day:                     "2w",
		30 * day:                     "30d",
		8*day + time.Second:          "8d1s",
		-3*time.Hour - 5*time.Second: "-3h5s",
		time.Duration(math.MinInt64): "-106751d23h47m16s",
		time.Duration(math.MaxInt64): "106751d23h47m16s",
	} {
		if got := Format(d); got != want {
			t.Errorf("Format(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(1, math.MaxInt64/int64(time.Second)).Draw(t, "seconds")
		want := time.Duration(seconds) * time.Second
		text := Format(want)
		for _, form := range []string{text, strings.ToUpper(text)} {
			if got, err := Parse(form); err != nil || got != want {
				t.Fatalf("Parse(%q) = %v, %v; want %v", form, got, err, want)
			}
		}
	})
}

// Whatever Parse takes, Format writes in a form that means the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"30m", "1d12h", "2w", "7d2w", "-3h", "1.5d", "99999999999999999999h", "٣h", "", "2 hours", "1 day 12 h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(Format(d)); err != nil || again != d || d <= 0 {
			t.Fatalf("%q means %v, written again %q = %v, %v", text, d, Format(d), again, err)
		}
	})
}
