package slacksim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// date renders "!date^SECONDS^FORMAT^LINK" in the viewer's zone, as the reader's
// client does (Slack, "Formatting text for app surfaces").
func (r *renderer) date(target, fallback string) string {
	parts := strings.Split(target, "^")
	if len(parts) < 3 {
		return fallback
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return fallback
	}
	t := time.Unix(seconds, 0).In(r.zone())
	return strings.NewReplacer(
		"{date_num}", t.Format("2006-01-02"),
		"{date_slash}", t.Format("01/02/2006"),
		"{date}", t.Format("January 2, 2006"),
		"{date_short}", t.Format("Jan 2, 2006"),
		"{date_long}", t.Format("Monday, January 2, 2006"),
		"{date_pretty}", r.near(t, "January 2, 2006"),
		"{date_short_pretty}", r.near(t, "Jan 2, 2006"),
		"{date_long_pretty}", r.near(t, "Monday, January 2, 2006"),
		"{day_divider_pretty}", r.near(t, "Monday, January 2"),
		"{time}", t.Format("15:04"),
		"{time_secs}", t.Format("15:04:05"),
		"{ago}", ago(r.now.Sub(t)),
	).Replace(parts[2])
}

func (r *renderer) zone() *time.Location {
	if r.viewer.TZ == nil {
		return time.UTC
	}
	return r.viewer.TZ
}

// near says today, tomorrow or yesterday where it applies.
func (r *renderer) near(t time.Time, layout string) string {
	day := func(x time.Time) string { return x.In(r.zone()).Format(time.DateOnly) }
	switch day(t) {
	case day(r.now):
		return "today"
	case day(r.now.AddDate(0, 0, 1)):
		return "tomorrow"
	case day(r.now.AddDate(0, 0, -1)):
		return "yesterday"
	}
	return t.Format(layout)
}

func ago(d time.Duration) string {
	form := "%d %s ago"
	if d < 0 {
		form, d = "in %d %s", -d
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf(form, int(d.Seconds()), "seconds")
	case d < time.Hour:
		return fmt.Sprintf(form, int(d.Minutes()), "minutes")
	case d < 48*time.Hour:
		return fmt.Sprintf(form, int(d.Hours()), "hours")
	default:
		return fmt.Sprintf(form, int(d.Hours()/24), "days")
	}
}
