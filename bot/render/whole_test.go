package render

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	cut = regexp.MustCompile(`… and [\d,]+ more`)

	// What a top-level text has no room for, whole lines of it, the blocks of the same message have.
	inBlocks = regexp.MustCompile(`… and [\d,]+ more lines?\.`)

	// showsRest matches the action ids of buttons that show the whole of what a message is about, in pages or as a file.
	showsRest = regexp.MustCompile(`"action_id":"(servers|list_page|pending_page|found_page|log_page|audit_page|home_page|candidates|keys_file)"`)
)

// However much there is of everything: what a message cuts, one of its buttons shows.
func TestNoListIsCutWithoutAWayOn(t *testing.T) {
	t.Parallel()
	checked := 0
	for name, drawn := range allCases()["big"] {
		if _, isFile := drawn.([]byte); isFile {
			continue
		}
		all, several := drawn.([]Message)
		if m, one := drawn.(Message); one {
			all = []Message{m}
		}
		if !several && all == nil { // a view
			checked += leadsOn(t, name, texts(t, drawn), drawn)
		}
		for _, m := range all {
			checked += leadsOn(t, name, texts(t, m), wire(m))
		}
	}
	if checked < 40 {
		t.Errorf("only %d messages cut something: the big world is not big", checked)
	}
}

// leadsOn returns 1 for what cuts something.
func leadsOn(t *testing.T, name string, all []string, drawn any) int {
	t.Helper()
	isCut := func(text string) bool { return cut.MatchString(inBlocks.ReplaceAllString(text, "")) }
	if !slices.ContainsFunc(all, isCut) {
		return 0
	}
	raw, err := json.Marshal(drawn)
	if err != nil || !showsRest.Match(raw) {
		t.Errorf("%s: nothing shows the rest of:\n%s", name, strings.Join(all, "\n"))
	}
	return 1
}

// What is too long for a section goes on in the next, and no name is cut in two.
func TestLongLineGoesOnInTheNextSection(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("`a, name`, ", 700) + "<@U0BOB>. " + strings.Repeat("x", sectionLimit+1)
	parts := sections([]string{"before", line, "after"})
	for _, part := range parts {
		if n := len([]rune(part)); n > sectionLimit || strings.Count(part, "`")%2 != 0 {
			t.Errorf("%d characters: %s", n, part)
		}
	}
	bare := func(text string) string { return strings.ReplaceAll(text, "\n", "") }
	if got := bare(strings.Join(parts, "")); got != "before"+line+"after" {
		t.Errorf("%d characters are left of %d", len(got), len(line))
	}
}
