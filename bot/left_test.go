package bot

import (
	"context"
	"fmt"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// Every worker is busy with what people typed, the leaver among them: that they left is
// handled all the same.
func TestLeaversGoBeforeEverythingElse(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	release := make(chan struct{})
	for i := range maxWorkers {
		r.bot.queues.add(access.UserID(fmt.Sprint("U", i)), func(context.Context) { <-release })
	}
	defer close(release)
	r.Until(t, "every worker is busy", func() bool { return len(r.bot.queues.workers) == maxWorkers })
	if _, err := r.Deactivate(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	r.Until(t, "the offboarding is begun", func() bool {
		r.Domain.Lock()
		defer r.Domain.Unlock()
		return len(r.Domain.Leavers) == 1
	})
}
