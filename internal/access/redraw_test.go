package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestRedrawForgetsWhatOneMessageShows(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error {
		for _, role := range []string{"request", "summary"} {
			if err := tx.SaveMessage(h.ctx(), access.Message{RequestID: r.ID, Role: role, Channel: "C1", TS: role, Digest: "d"}); err != nil {
				return err
			}
		}
		return nil
	}))
	before := h.view(r.ID).Drawing.Version
	h.must(h.Redraw(h.ctx(), r.ID, "C1", "request"))
	v := h.view(r.ID)
	for _, m := range v.Messages {
		if (m.Digest == "") != (m.Role == "request") {
			t.Errorf("%+v", m)
		}
	}
	if v.Drawing.Version != before+1 {
		t.Errorf("version %d after %d", v.Drawing.Version, before)
	}
}
