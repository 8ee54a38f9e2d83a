package bot

import (
	"strings"
	"testing"

	"sshkeybot/bot/draw"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func (r *rig) shutOut(user access.UserID) {
	r.office.mu.Lock()
	defer r.office.mu.Unlock()
	r.office.guest = user
}

// Who may take no part sees neither help nor forms, and a form tells them no name of a server.
func TestNothingIsShownToWhoMayTakeNoPart(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.shutOut("U1")
	for _, text := range []string{"", "help", "grant", "register"} {
		if got := r.types(t, "U1", text); !strings.Contains(got, "You cannot use this") {
			t.Errorf("%q is answered %q", text, got)
		}
	}
	if n := len(r.Modals("U1")); n != 0 {
		t.Errorf("%d forms were opened", n)
	}
	r.shutOut("")
	r.types(t, "U1", "grant")
	values := map[string]map[string]any{
		draw.BlockPerson: {"value": "U1"}, draw.BlockDuration: {"value": "1h"}, draw.BlockServers: {"value": "wbe-1"},
	}
	if got := r.submit(t, "U1", values); !strings.Contains(got.Errors[draw.BlockServers], "web-1") {
		t.Errorf("a member is told %+v", got.Errors)
	}
	r.shutOut("U1")
	if got := r.submit(t, "U1", values); len(got.Errors) != 0 {
		t.Errorf("a guest is told %+v", got.Errors)
	}
}
