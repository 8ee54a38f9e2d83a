package access

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Keys is what the Detail of an event says about keys on servers.
type Keys struct {
	Key        string // its fingerprint, or «credential ID»; empty where the detail names none
	SystemUser string
	Servers    []int64 // ascending; nil where there are more than were asked for
	Count      int     // of the servers
	Rest       string  // what follows
}

// The forms of details: those of RecordMoves, of a grant that covers less, and of a single
// credential.
var (
	movedForm    = regexp.MustCompile(`^(credential \S+|\S+) for (.*) on places ([0-9,-]+)(?:: (.*))?$`)
	narrowedForm = regexp.MustCompile(`^(\S+) no longer on servers \[([0-9 ]+)\]$`)
	singleForm   = regexp.MustCompile(`^(credential \S+) on server ([0-9]+)(?:[:,] (.*))?$`)
)

// Keys reads the detail of an event about keys on servers, with the IDs of up to most
// servers. It reports false for any other detail.
func (e Event) Keys(most int) (k Keys, ok bool) {
	list := ""
	if m := movedForm.FindStringSubmatch(e.Detail); m != nil {
		k, list = Keys{Key: m[1], SystemUser: m[2], Rest: m[4]}, m[3]
	} else if m := narrowedForm.FindStringSubmatch(e.Detail); m != nil {
		k, list = Keys{Key: m[1]}, strings.Join(strings.Fields(m[2]), ",")
	} else if m := singleForm.FindStringSubmatch(e.Detail); m != nil {
		k, list = Keys{Key: m[1], Rest: m[3]}, m[2]
	}
	k.Servers, k.Count = readRanges(list, most)
	return k, k.Count > 0
}

// readRanges reads what Ranges returns: up to most numbers, and how many there are. It
// returns 0 for anything else.
func readRanges(list string, most int) (numbers []int64, count int) {
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.ParseInt(first, 10, 32)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseInt(last, 10, 32)
		}
		if err != nil || to < from {
			return nil, 0
		}
		count += int(to-from) + 1
		for n := from; n <= to && len(numbers) <= most; n++ {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	if count > most {
		numbers = nil
	}
	return numbers, count
}
