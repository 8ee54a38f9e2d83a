package slacksim

import (
	"strconv"
	"strings"
	"time"
)

// date reads "!date^SECONDS^FORMAT" in the viewer's zone, as the reader's client
// does (Slack, "Formatting text for app surfaces"), with those formats that the app
// uses.
func (r *renderer) date(target, fallback string) span {
	parts := strings.Split(target, "^")
	if len(parts) < 3 {
		return textSpan(fallback)
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return textSpan(fallback)
	}
	t := time.Unix(seconds, 0).In(r.zone())
	shown := strings.NewReplacer(
		"{date_short_pretty}", r.near(t, "Jan 2, 2006"),
		"{time}", t.Format("15:04"),
	).Replace(parts[2])
	return span{Kind: kindDate, Text: shown, At: t}
}

func (r *renderer) zone() *time.Location {
	if r.viewer.TZ == nil {
		return time.UTC
	}
	return r.viewer.TZ
}

// near returns "today", "tomorrow" or "yesterday" where it applies, and else the date.
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
