package bot

import (
	"context"
	"fmt"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func (*office) Heard(_ context.Context, _ access.UserID, standing access.Standing) (bool, error) {
	return standing != access.Member, nil
}

func (o *office) Left(_ context.Context, id access.UserID) error {
	unlock, err := o.change()
	defer unlock()
	if err == nil {
		o.left = append(o.left, id)
	}
	return err
}

// Every worker is busy with what people typed, the leaver among them: that they left is
// handled all the same.
func TestLeaversGoBeforeEverythingElse(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	release := make(chan struct{})
	for i := range maxWorkers {
		r.bot.crew.do(access.UserID(fmt.Sprint("U", i)), func(context.Context) { <-release })
	}
	defer close(release)
	r.until(t, "every worker is busy", func() bool { return len(r.bot.crew.slots) == maxWorkers })
	if _, err := r.Deactivate(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	r.until(t, "the offboarding is begun", func() bool {
		r.office.mu.Lock()
		defer r.office.mu.Unlock()
		return len(r.office.left) == 1
	})
}
