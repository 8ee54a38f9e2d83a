package outbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"sshkeybot/bot/bottest"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// Large requests are drawn one at a time; small ones, and those that end access, do
// not wait for the others.
func TestLargeRequestsTakeTurns(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Lock()
	for id, size := range []int{largeFrom, largeFrom, largeFrom - 1, largeFrom} {
		kind := access.KindGrant
		if id == 3 {
			kind = access.KindOffboard
		}
		v := &bottest.Request{}
		v.Request.Kind, v.Results = kind, make([]access.Result, size)
		r.Domain.Views[int64(id)] = v
	}
	r.Domain.Unlock()
	synctest.Test(t, func(t *testing.T) {
		n := &Announcer{Store: r.Domain}
		var done []func()
		for _, id := range []int64{0, 2, 3} {
			end, err := n.waitTurn(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			done = append(done, end)
		}
		hurried, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.waitTurn(hurried, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("the second large one got its turn (%v)", err)
		}
		came := false
		go func() {
			end, err := n.waitTurn(t.Context(), 1)
			came = err == nil
			end()
		}()
		synctest.Wait()
		if came {
			t.Error("two large ones are drawn at once")
		}
		done[0]()
		synctest.Wait()
		if !came {
			t.Error("a turn that was given back is not taken")
		}
	})
}
