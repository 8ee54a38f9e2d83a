package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// decisionValue is the value of a button that decides: the request, and what was shown of
// it, so that nobody decides on anything else.
func decisionValue(v workflow.RequestView) string {
	return idValue(v.Request.ID) + "." + v.Facts.Digest()
}

// ReadDecision reads the request that a button or form decides, and the digest of what it
// showed; the latter is empty where a version of before drew it.
func ReadDecision(value string) (id int64, shown string) {
	number, shown, _ := strings.Cut(value, ".")
	return ReadID(number), shown
}

// changed says how what is asked differs from what somebody was shown.
func changed(c access.FactsChange) string {
	added, removed := difference(c.Was.Keys, c.Now.Keys)
	lines := []string{
		listed("Keys added: ", added, func(f string) string { return code(f, nameLimit) }),
		listed("Keys removed: ", removed, func(f string) string { return code(f, nameLimit) }),
	}
	more, fewer := difference(c.Was.Servers, c.Now.Servers)
	name := func(id int64) string { return code(c.Names[id], nameLimit) }
	lines = append(lines, listed("Servers added: ", more, name), listed("Servers no longer in it: ", fewer, name))
	if c.Was.Duration != c.Now.Duration {
		lines = append(lines, fmt.Sprintf("Duration: %s, not %s", durationText(c.Now.Duration), durationText(c.Was.Duration)))
	}
	if !c.Was.Until.Equal(c.Now.Until) {
		lines = append(lines, fmt.Sprintf("It would end %s, not %s", endOf(c.Now.Until), endOf(c.Was.Until)))
	}
	return strings.Join(nonEmpty(lines), ". ") + "."
}

func endOf(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return date(t)
}

// listed names servers where they are few, and keys, of which there are never many.
func listed[T any](title string, items []T, write func(T) string) string {
	if len(items) == 0 {
		return ""
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = write(item)
	}
	return title + few(texts, servers)
}

// difference lists what only now has, and what only was had.
func difference[T comparable](was, now []T) (added, removed []T) {
	for _, item := range now {
		if !slices.Contains(was, item) {
			added = append(added, item)
		}
	}
	for _, item := range was {
		if !slices.Contains(now, item) {
			removed = append(removed, item)
		}
	}
	return added, removed
}
