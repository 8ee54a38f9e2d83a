package octopus

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sshkeybot/internal/access"
)

// markForm is the line in the description of an account that says which key it holds.
var markForm = regexp.MustCompile(`^sshkeybot: key (SHA256:[A-Za-z0-9+/]{43}), request ([0-9]{1,18})$`)

func markLine(m access.KeyMark) string {
	return fmt.Sprintf("sshkeybot: key %s, request %d", m.Fingerprint, m.Request)
}

// markOf returns the mark in a description, the last if it has several.
func markOf(description string) (m access.KeyMark) {
	for line := range strings.SplitSeq(description, "\n") {
		if found := markForm.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			m.Fingerprint = found[1]
			m.Request, _ = strconv.ParseInt(found[2], 10, 64) // at most 18 digits
		}
	}
	return m
}

// marked returns a description in which a mark stands instead of all others. Every other line stays
// as it is.
func marked(description string, m access.KeyMark) string {
	var lines []string
	for line := range strings.SplitSeq(description, "\n") {
		if !markForm.MatchString(strings.TrimSpace(line)) {
			lines = append(lines, line)
		}
	}
	rest := strings.TrimRight(strings.Join(lines, "\n"), "\r\n")
	if rest == "" {
		return markLine(m)
	}
	return rest + "\n" + markLine(m)
}
