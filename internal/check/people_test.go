package check_test

import (
	"testing"

	"sshkeybot/internal/check"
	"sshkeybot/internal/sim/slacksim"
)

func TestFindingsOnQuietApprovers(t *testing.T) {
	t.Parallel()
	says(t, map[string]finding{
		"quiet": {func(_ *testing.T, b *bench) { b.Config.ApproversQuiet = []string{"U0DAVE"} }, "approver U0DAVE", check.OK, "Only the reminder mentions them.", none},
		"quiet and left": {func(_ *testing.T, b *bench) {
			b.Config.ApproversQuiet = []string{"U0DAVE"}
			b.slack.AddUser(slacksim.User{ID: "U0DAVE", Deleted: true})
		}, "approver U0DAVE", check.Problem, "deactivated", "SSHKEYBOT_APPROVERS_QUIET"},
		"quiet ones count": {func(_ *testing.T, b *bench) {
			b.Config.Approvers, b.Config.ApproversQuiet = []string{"U0BOB"}, []string{"S0OPS"}
		}, "approvals", check.OK, "1 of the 3", none},
	})
}
