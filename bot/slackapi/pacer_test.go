package slackapi

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
)

func TestPacerKeepsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := newPacer(1), time.Now()
		for range 6 {
			if err := p.wait(t.Context(), call{method: "chat.postMessage", place: "C1"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("six messages in one channel took %s", took)
		}
		now := time.Now()
		if err := p.wait(t.Context(), call{method: "chat.postMessage", place: "C2"}); err != nil || time.Since(now) > 0 {
			t.Errorf("another channel was held up: %v", err)
		}
		p.pause(call{method: "chat.postMessage", place: "C1"}, 30*time.Second)
		err := p.wait(t.Context(), call{method: "chat.postMessage", place: "C1"})
		if access.CodeOf(err) != access.RateLimited || access.RetryAfter(err) < 29*time.Second || time.Since(now) > 0 {
			t.Errorf("%v after %s", err, time.Since(now))
		}
		for range 100 { // refused calls do not use up the turns of later ones
			_ = p.wait(t.Context(), call{method: "chat.postMessage", place: "C1"})
		}
		time.Sleep(31 * time.Second)
		later := time.Now()
		if err := p.wait(t.Context(), call{method: "chat.postMessage", place: "C1"}); err != nil || time.Since(later) > 0 {
			t.Errorf("%v after %s", err, time.Since(later))
		}
		now = time.Now()
		for range 10 + 50 {
			if err := p.wait(t.Context(), call{method: "chat.update"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(now); took < 50*time.Second {
			t.Errorf("sixty updates took %s", took)
		}
	})
}

func TestPacerLetsFirstWhatEndsAccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(1)
		message := call{method: "chat.postMessage", place: "C1"}
		pass := func(ctx context.Context) {
			if err := p.wait(ctx, message); err != nil {
				t.Error(err)
			}
		}
		var others sync.WaitGroup
		for range 7 {
			others.Go(func() { pass(t.Context()) })
		}
		synctest.Wait()
		began := time.Now()
		for range 2 {
			pass(Urgent(t.Context()))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("two first messages waited %s behind others", took)
		}
		others.Wait()
		now := time.Now()
		pass(t.Context())
		if took := time.Since(now); took < 2*time.Second {
			t.Errorf("the next one waited %s, as if there had been none in front", took)
		}
	})
}

func TestPacerForgetsQuietChannels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(1)
		for i := range 3 * maxChannels {
			p.pause(call{method: "x", place: string(rune(i))}, time.Millisecond)
			if err := p.wait(t.Context(), call{method: "chat.postMessage", place: string(rune(i))}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		if len(p.posts) > maxChannels+1 || len(p.paused) > maxChannels+1 {
			t.Errorf("%d channels, %d pauses", len(p.posts), len(p.paused))
		}
	})
}
