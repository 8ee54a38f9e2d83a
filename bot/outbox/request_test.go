package outbox

import (
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// What changes while a request is read, or while it is drawn, is drawn once more: what was
// read before must not count as the newest.
func TestChangeMeanwhileIsDrawnAnew(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(r *rig, change func()){
		"read": func(r *rig, change func()) { r.Domain.OnView = change },
		"drawn": func(r *rig, change func()) {
			r.Domain.OnMessage = func(string) error {
				change()
				return nil
			}
		},
	} {
		r := asked(t, slacksim.Options{})
		changed := false
		meanwhile(r, func() {
			if changed {
				return
			}
			changed = true
			v := r.Domain.Views[1]
			v.Request.State = access.Approved
			v.Drawing.Version++
		})
		r.unshown(t, 1)
		if m := r.announce(t, 1); !changed || len(m.Buttons()) > 0 {
			t.Errorf("%s: an older state stands: %v", name, m.Buttons())
		}
		if d := r.Drawing(1); d.Shown != d.Version {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestRedrawForgetsWhatOneMessageShows(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.announce(t, 1)
	r.running(t, 3, access.Done)
	r.announce(t, 1)
	before := r.Drawing(1).Version
	old, _ := newest(r.Domain.Views[1].Messages, roleRequest)
	if err := r.announcer.Redraw(t.Context(), 1, refOf(old)); err != nil {
		t.Fatal(err)
	}
	all := r.Domain.Views[1].Messages
	if len(all) < 2 {
		t.Fatalf("messages: %+v", all)
	}
	for _, m := range all {
		if (m.Digest == "") != (m.Role == roleRequest) {
			t.Errorf("%+v", m)
		}
	}
	if now := r.Drawing(1).Version; now != before+1 {
		t.Errorf("version %d after %d", now, before)
	}
}
