package outbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func TestWhatIsDueIsWoken(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.Queue(7, access.Notice{Kind: access.NoticeReminder, RequestID: 1})
	r.Queue(8, access.Notice{Kind: access.NoticeReminder, RequestID: 1})
	r.Domain.Notices[8].NextAt = time.Now().Add(time.Hour)
	woken := func(want ...access.Work) {
		t.Helper()
		r.Domain.Woken = nil
		if err := r.announcer.WakeDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Domain.Woken); diff != "" {
			t.Errorf("woken (-want +got):\n%s", diff)
		}
	}
	woken(access.Work{Kind: access.WorkAnnounce, ID: 1}, access.Work{Kind: access.WorkNotice, ID: 7})
	r.announce(t, 1)
	if err := r.announcer.SendNotice(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	woken()
}
