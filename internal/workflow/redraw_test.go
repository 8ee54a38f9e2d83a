package workflow_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestRedrawForgetsWhatOneMessageShows(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		for _, role := range []string{"request", "summary"} {
			if err := tx.SaveMessage(h.Ctx(), access.Message{RequestID: r.ID, Role: role, Channel: "C1", TS: role, Digest: "d"}); err != nil {
				return err
			}
		}
		return nil
	}))
	before := h.MustView(r.ID).Drawing.Version
	h.Must(h.Redraw(h.Ctx(), r.ID, "C1", "request"))
	v := h.MustView(r.ID)
	for _, m := range v.Messages {
		if (m.Digest == "") != (m.Role == "request") {
			t.Errorf("%+v", m)
		}
	}
	if v.Drawing.Version != before+1 {
		t.Errorf("version %d after %d", v.Drawing.Version, before)
	}
}
