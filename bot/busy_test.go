package bot

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sshkeybot/bot/bottest"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
)

// However many type at once, each has the answer in the acknowledgement.
func TestTwoHundredCommandsAtOnce(t *testing.T) {
	t.Parallel()
	const commands = 200
	r := start(t, slacksim.Options{})
	var all sync.WaitGroup
	latencies := make([]time.Duration, commands)
	for i := range commands {
		all.Go(func() {
			got, err := r.Command(t.Context(), fmt.Sprintf("U%d", i%6+1), "C1", fmt.Sprintf("/sshkey grant @bob %dm", i+1))
			if err != nil || !got.Acked || got.Response == nil {
				t.Errorf("%d: %+v %v", i, got, err)
			}
			latencies[i] = got.Latency
		})
	}
	all.Wait()
	slices.Sort(latencies)
	t.Logf("acknowledged with the answer: p50 %s, p99 %s", latencies[commands/2], latencies[commands*99/100])
	if r.Domain.Requests() != commands {
		t.Errorf("%d requests", r.Domain.Requests())
	}
}

func TestCloseFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	begun, open := r.hold(t)
	answers := make(chan slacksim.CommandResult, 1)
	go func() {
		got, _ := r.Command(t.Context(), "U1", "C1", "/sshkey grant @bob 1h")
		answers <- got
	}()
	await(t, begun, "the command")
	closed := make(chan struct{})
	go func() {
		r.bot.Close(t.Context())
		close(closed)
	}()
	open()
	await(t, closed, "the end of closing")
	await(t, r.ended, "the end of the bot")
	if got := await(t, answers, "the answer"); !got.Acked {
		t.Errorf("%+v", got)
	}
	if r.Domain.Requests() != 1 || len(r.Domain.Unhandled()) > 0 {
		t.Errorf("%d requests, left %v", r.Domain.Requests(), r.Domain.Unhandled())
	}
}

// An interaction waits for its turn: no other replica may take it up meanwhile.
func TestLeaseOfABusyEnvelopeIsRenewed(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	now := time.Now()
	r.Domain.Inbox["busy"], r.Domain.Inbox["left"] = &bottest.Kept{Until: now}, &bottest.Kept{Envelope: delivery.Envelope{ID: "left"}, Until: now}
	r.bot.busy["busy"] = true
	left, err := r.bot.leftovers(t.Context(), now)
	if err != nil || len(left) != 1 || left[0].ID != "left" || !r.Domain.Inbox["busy"].Until.After(now) {
		t.Errorf("%v, %v, held until %s", left, err, r.Domain.Inbox["busy"].Until)
	}
}
