package octopus

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Ed25519Since is the first server version that takes Ed25519 keys (Octopus's page on SSH key pairs).
const Ed25519Since = "2021.1.7466"

// Version is a server version such as 2026.3.1234. Versions are equal if their numbers are.
type Version struct{ parts [4]int }

var versionForm = regexp.MustCompile(`^(\d{1,9}(?:\.\d{1,9}){0,3})(?:\D|$)`)

// ParseVersion reads one to four numbers between dots. What follows them is passed over, as the builds of Octopus
// Cloud and previews have a suffix; numbers that are missing count as 0.
func ParseVersion(text string) (Version, error) {
	found := versionForm.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil {
		return Version{}, fmt.Errorf("octopus: %q is no version of a server", short(text))
	}
	var v Version
	for i, number := range strings.Split(found[1], ".") {
		v.parts[i], _ = strconv.Atoi(number) // at most nine digits
	}
	return v, nil
}

// Compare returns -1, 0 or 1 as v is older than, equal to or newer than other, number by number.
func (v Version) Compare(other Version) int {
	for i := range v.parts {
		if c := cmp.Compare(v.parts[i], other.parts[i]); c != 0 {
			return c
		}
	}
	return 0
}

// AtLeast reports whether v is other or newer.
func (v Version) AtLeast(other Version) bool { return v.Compare(other) >= 0 }

// TakesEd25519 reports whether a server of that version takes Ed25519 keys; see [Ed25519Since].
func (v Version) TakesEd25519() bool { return v.AtLeast(Version{[4]int{2021, 1, 7466}}) }

// String returns the first three numbers, or all four if the last is not 0.
func (v Version) String() string {
	text := fmt.Sprintf("%d.%d.%d", v.parts[0], v.parts[1], v.parts[2])
	if v.parts[3] != 0 {
		text += "." + strconv.Itoa(v.parts[3])
	}
	return text
}
