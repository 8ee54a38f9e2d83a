package access_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// The same copy put back twice gives no id twice, as long as fewer than one a second are given.
func TestSkipTo(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	first := access.SkipTo(41, at)
	if second := access.SkipTo(41, at.Add(time.Hour)); first < 1_000_041 || second-first != 3600 || second > 99_999_999 {
		t.Errorf("%d, and an hour later %d", first, second)
	}
	if got := access.SkipTo(41, time.Unix(0, 0)); got != 1_000_041 {
		t.Errorf("with a clock that is wrong: %d", got)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	r := access.Restored{At: time.Now(), HeadAt: time.Unix(0, 0), Last: access.LastIDs{Request: 41, Grant: 7, Skipped: 2000}}
	for id, lost := range map[int64]bool{1: false, 41: false, 42: true, 2000: true, 2001: false} {
		if err := r.LostRequest(id); (err != nil) != lost {
			t.Errorf("request %d: %v", id, err)
		}
	}
	if err := r.LostGrant(8); err == nil || !strings.Contains(access.MessageOf(err), "1970-01-01 00:00 UTC") {
		t.Errorf("grant 8: %v", err)
	}
	if err := (access.Restored{}).LostRequest(8); err != nil {
		t.Errorf("of a ledger that was never restored: %v", err)
	}
}
