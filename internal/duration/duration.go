// Package duration reads and writes lengths of time as people type them to the bot: 30m, 12h, 7d, 2w, 1d12h.
package duration

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The errors of Parse. Their messages are sentences for a person and never repeat the text.
var (
	ErrEmpty    = errors.New("the duration is missing; write it like 30m, 12h, 7d, 2w or 1d12h")
	ErrForm     = errors.New("that is not a duration; write whole numbers, each with its unit, like 30m, 12h, 7d, 2w or 1d12h")
	ErrNegative = errors.New("a duration cannot be negative")
	ErrFraction = errors.New("a duration takes whole numbers only; write 1d12h, not 1.5d")
	ErrUnit     = errors.New("that unit is not known; the units are w (weeks), d (days), h (hours), m (minutes) and s (seconds)")
	ErrNoUnit   = errors.New("the unit is missing; write m, h, d or w after every number, like 30m or 12h")
	ErrOrder    = errors.New("each unit may stand once, the larger before the smaller, like 1w2d or 1d12h")
	ErrZero     = errors.New("a duration must be longer than zero")
	ErrTooLong  = errors.New("that duration is too long")
)

type unit struct {
	letter byte
	length time.Duration
	names  []string // as people write it
}

// A day is always 24 hours: a grant's length must not depend on a change of the clocks.
var units = []unit{
	{'w', 7 * 24 * time.Hour, []string{"w", "wk", "wks", "week", "weeks"}},
	{'d', 24 * time.Hour, []string{"d", "day", "days"}},
	{'h', time.Hour, []string{"h", "hr", "hrs", "hour", "hours"}},
	{'m', time.Minute, []string{"m", "min", "mins", "minute", "minutes"}},
	{'s', time.Second, []string{"s", "sec", "secs", "second", "seconds"}},
}

// Parse returns the length of time that a text names: whole numbers with the units w, d, h, m, s or their English names, in either case, the larger
// before the smaller, each at most once: 1d12h, 2 hours. Blanks may stand around numbers and units. The result
// is above zero; the error is one of those declared here.
func Parse(text string) (time.Duration, error) {
	words := strings.Fields(strings.ToLower(text))
	if torn.MatchString(strings.Join(words, " ")) {
		return 0, ErrForm
	}
	rest := strings.Join(words, "")
	if err := checkForm(rest); err != nil {
		return 0, err
	}
	var total time.Duration
	for left := units; rest != ""; {
		number, letter, tail := cutPart(rest)
		position := indexUnit(left, letter)
		if position < 0 {
			return 0, partError(letter)
		}
		part, err := times(number, left[position].length)
		if err != nil || part > math.MaxInt64-total {
			return 0, ErrTooLong
		}
		total, left, rest = total+part, left[position+1:], tail
	}
	if total == 0 {
		return 0, ErrZero
	}
	return total, nil
}

// torn matches a blank inside a number or a word.
var torn = regexp.MustCompile(`[0-9] [0-9]|[a-z] [a-z]`)

// Continues reports whether a word can go on with a duration that other words began: it is a unit, or begins
// with a digit.
func Continues(word string) bool {
	return word != "" && isDigit(word[0]) || indexUnit(units, strings.ToLower(word)) >= 0
}

func checkForm(text string) error {
	switch {
	case text == "":
		return ErrEmpty
	case text[0] == '-':
		return ErrNegative
	case strings.ContainsAny(text, ".,"):
		return ErrFraction
	case !isDigit(text[0]):
		return ErrForm
	}
	for i := range len(text) {
		if !isDigit(text[i]) && (text[i] < 'a' || text[i] > 'z') {
			return ErrForm
		}
	}
	return nil
}

// cutPart returns the digits at the front of the text, the letters after them, and the rest.
func cutPart(text string) (number, letters, rest string) {
	i := 0
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	j := i
	for j < len(text) && !isDigit(text[j]) {
		j++
	}
	return text[:i], text[i:j], text[j:]
}

func indexUnit(among []unit, name string) int {
	return slices.IndexFunc(among, func(u unit) bool { return slices.Contains(u.names, name) })
}

func partError(letter string) error {
	switch {
	case letter == "":
		return ErrNoUnit
	case indexUnit(units, letter) >= 0:
		return ErrOrder
	}
	return ErrUnit
}

func times(number string, length time.Duration) (time.Duration, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/int64(length) {
		return 0, ErrTooLong
	}
	return time.Duration(n) * length, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Format returns the text that Parse reads as d, dropping what is less than a second. Weeks are used
// only for several whole weeks, as people do: 7 days stay «7d», and 30 days «30d». Zero is «0s»; a negative
// length begins with «-».
func Format(d time.Duration) string {
	d = d.Truncate(time.Second)
	if d == 0 {
		return "0s"
	}
	var text strings.Builder
	left := uint64(d)
	if d < 0 {
		text.WriteByte('-')
		left = -left
	}
	for _, u := range units {
		length := uint64(u.length)
		if left < length || u.letter == 'w' && (left%length != 0 || left == length) {
			continue
		}
		text.WriteString(strconv.FormatUint(left/length, 10))
		text.WriteByte(u.letter)
		left %= length
	}
	return text.String()
}
