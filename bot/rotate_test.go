package bot

import (
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// Both buttons of a rotation that is half way are answered, and so is the second who presses one.
func TestHalfwayButtonsAreAnswered(t *testing.T) {
	t.Parallel()
	for action, answer := range map[string]string{"check_again": "checked once more", "rotate_again": "another key pair"} {
		r := start(t, slacksim.Options{})
		r.types(t, "U1", "rotate web deploy")
		v := r.Domain.Views[1]
		v.Request.State, v.Rotation.State = access.Approved, access.RotationHalfway
		m := r.announce(t, 1)
		for i, want := range []string{answer, "not half way"} {
			before := len(r.Ephemeral("U3"))
			r.click(t, "U3", m.TS, action)
			r.Until(t, action, func() bool { return len(r.Ephemeral("U3")) == before+1 })
			if got := r.Ephemeral("U3")[before].Text; !strings.Contains(got, want) {
				t.Errorf("%s, %d: %s", action, i, got)
			}
		}
	}
}
