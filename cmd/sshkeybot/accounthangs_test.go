package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/workflow"
)

// manyServers returns more servers than there are workers; in real time fewer, which take less of it.
func manyServers(database string) int {
	if database == "" {
		return 120
	}
	return 20
}

// An account that does not answer, with more servers than there are workers, holds up nothing in
// another one: neither what takes access away, nor what somebody asks for.
func TestOneOfTwoAccountsHangs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		many := manyServers(database)
		r := start(t, plan{servers: many, client: twins(), database: database})
		r.Register(alice)
		r.Register(dave)
		r.Granted(alice, "grant @alice 4h on *")
		r.has("after the grant", many, 3)
		r.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultHang})
		id := r.numberOf(r.Types(bob, "offboard @alice"))
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.until("client's keys are gone", func() bool { return keysOn(r.client) == 0 })
		r.When(id, "client is searched", func(v workflow.RequestView) bool {
			searched := slices.DeleteFunc(slices.Clone(v.Results), func(result access.Result) bool {
				return result.Phase != access.PhaseInspect || result.State != access.Done
			})
			return len(searched) == 3
		})

		other := r.Ask(dave, "grant @dave 1h on client/*")
		r.says(r.Press(bob, other, "Approve"), "You approved")
		r.Settled(other)
		r.has("while agency hangs", many, 3)
		if database == "" { // it takes minutes
			<-time.After(2 * time.Minute)
			r.says(r.Message(r.Ask(dave, "grant @dave 2h on *")), "123 servers")
			r.When(id, "it says why it is not over", func(workflow.RequestView) bool {
				return strings.Contains(r.Message(id), "RunCloud (agency): RunCloud did not answer in time")
			})
			r.saysNot(r.Message(id), "RunCloud (client) has trouble")
			r.saysNot(r.Thread(id), "of 2 servers") // which were the lists
		}

		r.account.ClearFaults()
		r.When(id, "it is finished", func(v workflow.RequestView) bool { return v.Settled() })
		r.has("in the end", 0, 3)
	})
}

// Nor does it hold up Scalingo.
func TestAnAccountHangsBesideScalingo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{servers: manyServers(database), scalingo: true, database: database})
		r.Register(alice)
		r.Register(dave)
		r.Granted(alice, "grant @alice 4h on *")
		r.Granted(dave, "grant @dave 4h on scalingo")
		r.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultHang})
		r.Types(bob, "offboard @alice")
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.until("all workers hang", func() bool { return r.account.Hanging() > 4 })
		r.Types(dave, "done")
		r.until("Scalingo has no key of theirs", func() bool { return len(r.scalingo.Keys()) == 0 })
		r.account.ClearFaults()
	})
}
