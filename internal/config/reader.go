package config

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/duration"
)

var (
	approverID = regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`)
	channelID  = regexp.MustCompile(`^[CGD][A-Z0-9]{2,}$`)
	linuxUser  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`) // useradd(8)
	timeOfDay  = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)
	linkHost   = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
	hostName   = regexp.MustCompile(`^[A-Za-z0-9._:%-]*$`)
	spaceName  = regexp.MustCompile(`^[^\x00-\x1f/?#]+$`)
)

// reader turns texts into values and collects what is wrong with them; a wrong text becomes the zero value.
type reader struct {
	problems         Problems
	accountVariables []string // of the RunCloud accounts that are listed
}

func (r *reader) boolean(s setting) bool {
	value, err := strconv.ParseBool(strings.TrimSpace(s.text))
	if err != nil {
		r.problems.add(s.name, "must be true or false")
	}
	return value
}

func (r *reader) number(s setting, lowest, highest int) int {
	value, err := strconv.Atoi(strings.TrimSpace(s.text))
	if err != nil || value < lowest || value > highest {
		r.problems.add(s.name, "must be a whole number from %d to %d", lowest, highest)
		return 0
	}
	return value
}

func (r *reader) duration(s setting) time.Duration {
	value, err := duration.Parse(s.text)
	if err != nil {
		r.problems.add(s.name, "must be a duration like 30m, 12h or 7d: %v", err)
	}
	return value
}

func (r *reader) oneOf(s setting, choices ...string) string {
	text := strings.TrimSpace(s.text)
	if !slices.Contains(choices, text) {
		r.problems.add(s.name, "must be one of: %s", strings.Join(choices, ", "))
		return ""
	}
	return text
}

func (r *reader) matching(s setting, form *regexp.Regexp, expected string) string {
	text := strings.TrimSpace(s.text)
	if text != "" && !form.MatchString(text) {
		r.problems.add(s.name, "must be %s", expected)
		return ""
	}
	return text
}

// list returns the items between commas, without blanks, empty items and repetitions.
func (r *reader) list(s setting, form *regexp.Regexp, expected string) []string {
	var items []string
	for i, item := range strings.Split(s.text, ",") {
		item = strings.TrimSpace(item)
		switch {
		case item == "" || slices.Contains(items, item):
		case !form.MatchString(item):
			r.problems.add(s.name, "must list %s between commas; item %d is not one", expected, i+1)
		default:
			items = append(items, item)
		}
	}
	return items
}

// baseURL returns the address of a service, without slashes at its end.
func (r *reader) baseURL(s setting) string {
	text := strings.TrimSpace(s.text)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.problems.add(s.name, "must be an address that begins with https:// or http://, without user, query or fragment")
		return ""
	}
	return strings.TrimRight(text, "/")
}

// ticketURL returns the address of a ticket, with %s for its name.
func (r *reader) ticketURL(s setting) string {
	text := strings.TrimSpace(s.text)
	if text == "" {
		return ""
	}
	u, err := url.Parse(strings.Replace(text, "%s", "OPS-123", 1))
	if err != nil || u.User != nil || !linkHost.MatchString(u.Host) || !strings.HasPrefix(text, "https://"+u.Host+"/") ||
		strings.Count(text, "%s") != 1 || strings.ContainsAny(text, " <>|`\"\\") {
		r.problems.add(s.name, "must be an address like https://tickets.example.com/browse/%%s: with https, %%s once behind the host for the ticket, and no user")
		return ""
	}
	return text
}

// address returns host:port to listen on; "" is off.
func (r *reader) address(s setting) string {
	text := strings.TrimSpace(s.text)
	if text == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(text)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || !hostName.MatchString(host) {
		r.problems.add(s.name, "must be HOST:PORT, like 127.0.0.1:9464 or :9464, or empty for off")
		return ""
	}
	return text
}

// weekly reads a day and a time, like mon-09:30; nil where it is empty.
func (r *reader) weekly(s setting) *TimeOfWeek {
	text := strings.TrimSpace(s.text)
	if text == "" {
		return nil
	}
	name, rest, _ := strings.Cut(text, "-")
	day := slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, strings.ToLower(name))
	parts := timeOfDay.FindStringSubmatch(rest)
	if day < 0 || parts == nil {
		r.problems.add(s.name, "must be a day and a time like mon-09:30, or empty for off")
		return nil
	}
	hour, _ := strconv.Atoi(parts[1])
	minute, _ := strconv.Atoi(parts[2])
	return &TimeOfWeek{Day: time.Weekday(day), TimeOfDay: TimeOfDay{Hour: hour, Minute: minute}}
}

func (r *reader) clock(s setting) *TimeOfDay {
	text := strings.TrimSpace(s.text)
	if text == "" {
		return nil
	}
	parts := timeOfDay.FindStringSubmatch(text)
	if parts == nil {
		r.problems.add(s.name, "must be a time of day like 09:00, or empty for off")
		return nil
	}
	hour, _ := strconv.Atoi(parts[1])
	minute, _ := strconv.Atoi(parts[2])
	return &TimeOfDay{Hour: hour, Minute: minute}
}
