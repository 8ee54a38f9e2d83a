package main

import (
	"strings"
	"testing"

	"sshkeybot/internal/workflow"
)

// What has to be removed from a server that is not found stays due until an approver says that
// the server is gone.
func TestServerThatIsGoneForGood(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database})
		key := r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		gone, name := r.servers[3], r.nameOf(r.servers[3])
		r.account.RemoveServer(gone)

		id := r.numberOf(r.Types(bob, "offboard @alice"))
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.until("the other servers are rid of the key", func() bool { return r.placed(key) == 0 })
		r.When(id, "it can be settled", func(v workflow.RequestView) bool {
			return len(v.Missing) == 1 && strings.Contains(r.Message(id), "RunCloud does not find 1 server now")
		})
		r.says(r.Message(id), "*Offboarding* <@"+alice+">: not finished yet", name)
		r.saysNot(r.Message(id), "*Offboarded*")
		r.says(r.Types(bob, "list"), "Still to remove: 1 key", name)
		button := name + " is gone for good"
		r.says(r.Press(dave, id, button), "Only an approver")
		r.says(r.Press(bob, id, button), name, "counts as gone for good")
		r.When(id, "nothing waits for it", func(v workflow.RequestView) bool { return v.Owed == 0 && len(v.Missing) == 0 })
		r.When(id, "it is finished", func(v workflow.RequestView) bool { return v.Settled() })
		r.says(r.Message(id), "*Offboarded* <@"+alice+">", "any server of the RunCloud account", "every server is read but `"+name+"`", "take their keys off `"+name+"`")
		r.says(r.Types(bob, "list"), "No key is left anywhere")
	})
}
