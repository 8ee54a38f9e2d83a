package sshsim

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// options are those of a line that matter to whether its key may log in.
type options struct {
	certAuthority   bool
	principals      *string
	command         *string
	from            *string
	expires         time.Time // zero for never
	noTouchRequired bool
	verifyRequired  bool
}

// What is wrong with options. One such option makes the whole line count for nothing.
var (
	errUnknownOption = errors.New("an option that is not known, or no comma after one")
	errNoQuote       = errors.New("the value of an option is not in quotes")
	errTwice         = errors.New("an option stands there twice")
	errTime          = errors.New("no time")
	errEnvironment   = errors.New("no environment variable")
	errPermit        = errors.New("no host and port")
	errTunnel        = errors.New("no tunnel device")
)

// admit reports whether options let a plain key in from an address at a time (auth_authorise_keyopts of OpenSSH).
func (o options) admit(now time.Time, from netip.Addr) bool {
	switch {
	case o.certAuthority: // the key "is trusted to validate signed certificates", not to log in
		return false
	case o.principals != nil: // which OpenSSH refuses on a plain key, though sshd(8) says that it is ignored
		return false
	case !o.expires.IsZero() && o.expires.Unix() < now.Unix(): // "after which the key will not be accepted"
		return false
	}
	return o.from == nil || matchFrom(from, *o.from)
}

// readOptions reads "comma-separated option specifications", of which "keywords are case-insensitive" (sshd(8)).
// As for OpenSSH, there may be nothing between two commas, or at an end.
func readOptions(text string, zone *time.Location) (options, error) {
	p := optionReader{rest: text, zone: zone}
	for p.rest != "" {
		if !p.flag() {
			if err := p.setting(); err != nil {
				return options{}, err
			}
		}
		if p.rest == "" {
			break
		}
		if p.rest[0] != ',' {
			return options{}, errUnknownOption
		}
		p.rest = p.rest[1:]
	}
	return p.options, nil
}

type optionReader struct {
	rest string // what is not read yet
	zone *time.Location
	options
}

// flag reads an option without a value and reports whether there is one. What such an option permits or not in the
// session is of no concern, as there is nothing that could be done in it.
func (p *optionReader) flag() bool {
	if p.skip("restrict") {
		return true
	}
	if p.skip("cert-authority") {
		p.certAuthority = true
		return true
	}
	before := p.rest
	on := !p.skip("no-")
	switch {
	case p.skip("port-forwarding"), p.skip("agent-forwarding"), p.skip("x11-forwarding"), p.skip("pty"), p.skip("user-rc"):
	case p.skip("touch-required"):
		p.noTouchRequired = !on
	case p.skip("verify-required"):
		p.verifyRequired = on
	default:
		p.rest = before
		return false
	}
	return true
}

// setting reads an option with a value, if there is one that is known.
func (p *optionReader) setting() error {
	switch {
	case p.skip("command="):
		return p.once(&p.command)
	case p.skip("principals="):
		return p.once(&p.principals)
	case p.skip("from="):
		return p.once(&p.from)
	case p.skip("expiry-time="):
		return p.checked(p.expiry)
	case p.skip("environment="):
		return p.checked(checkEnvironment)
	case p.skip("permitopen="):
		return p.checked(checkPermit)
	case p.skip("permitlisten="):
		return p.checked(checkPermitListen)
	case p.skip("tunnel="):
		return p.checked(checkTunnel)
	}
	return nil
}

// skip reports whether a word comes next, in whatever case, and goes behind it.
func (p *optionReader) skip(word string) bool {
	if len(p.rest) < len(word) || !strings.EqualFold(p.rest[:len(word)], word) {
		return false
	}
	p.rest = p.rest[len(word):]
	return true
}

// once reads a value that must not be given twice.
func (p *optionReader) once(to **string) error {
	if *to != nil {
		return errTwice
	}
	value, err := p.quoted()
	*to = &value
	return err
}

func (p *optionReader) checked(check func(value string) error) error {
	value, err := p.quoted()
	if err != nil {
		return err
	}
	return check(value)
}

// quoted reads a value in double quotes: "A quote may be included in the command by quoting it with a backslash"
// (sshd(8)). Before anything else a backslash is one.
func (p *optionReader) quoted() (string, error) {
	if !p.skip(`"`) {
		return "", errNoQuote
	}
	var value strings.Builder
	for p.rest != "" {
		if p.skip(`"`) {
			return value.String(), nil
		}
		if strings.HasPrefix(p.rest, `\"`) {
			p.rest = p.rest[1:]
		}
		value.WriteByte(p.rest[0])
		p.rest = p.rest[1:]
	}
	return "", errQuote
}

// expiry takes note of an expiry-time; of several the first to come holds.
func (p *optionReader) expiry(value string) error {
	at, err := readTime(value, p.zone)
	if err == nil && (p.expires.IsZero() || at.Before(p.expires)) {
		p.expires = at
	}
	return err
}

// readTime reads "a YYYYMMDD[Z] date or a YYYYMMDDHHMM[SS][Z] time. Dates and times will be interpreted in the system
// time zone unless suffixed by a Z character" (sshd(8)). OpenSSH takes UTC for Z, too, and counts on from the end of
// a month that is shorter. It also reads a time in summer as if it were winter, by an hour too late, which the manual
// does not say and this does not do.
func readTime(text string, zone *time.Location) (time.Time, error) {
	text, utc := cutZone(text)
	if utc {
		zone = time.UTC
	}
	if strings.Trim(text, digits) != "" || len(text) != 8 && len(text) != 12 && len(text) != 14 {
		return time.Time{}, errTime
	}
	text += strings.Repeat("0", len("YYYYMMDDHHMMSS")-len(text))
	field := func(from, to int) int {
		n, _ := strconv.Atoi(text[from:to])
		return n
	}
	year, month, day := field(0, 4), field(4, 6), field(6, 8)
	hour, minute, second := field(8, 10), field(10, 12), field(12, 14)
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 61 {
		return time.Time{}, errTime
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	if at.Unix() <= 0 {
		return time.Time{}, errTime
	}
	return at, nil
}

func cutZone(text string) (rest string, utc bool) {
	for _, suffix := range []string{"Z", "UTC"} {
		if n := len(text) - len(suffix); n > 0 && strings.EqualFold(text[n:], suffix) {
			return text[:n], true
		}
	}
	return text, false
}
