package slackapi

import (
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
)

// answerTo lets a call through where the breakers allow it, with an answer of Slack's.
func (b *breakers) answerTo(c call, code string) (asked bool, err error) {
	if err := b.allow(c); err != nil {
		return false, err
	}
	if code == "" {
		return true, b.record(c, nil)
	}
	return true, b.record(c, codeError(c, code))
}

func TestClosedChannelIsLookedAtByOneCallAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, began := newBreakers(1), time.Now()
		update := call{method: "chat.update", channel: "C1"}
		asked := 0
		for time.Since(began) < time.Hour { // seventeen requests of one channel, each every few seconds
			for range 17 {
				did, err := b.answerTo(update, "is_archived")
				if did {
					asked++
				}
				if ErrorCode(err) != "is_archived" || ErrorChannel(err) != "C1" || access.RetryAfter(err) <= 0 {
					t.Fatalf("%v, again in %s", err, access.RetryAfter(err))
				}
			}
			sleep(t.Context(), 5*time.Second)
		}
		if asked < 6 || asked > 12 {
			t.Errorf("Slack was asked %d times in an hour", asked)
		}
		if did, err := b.answerTo(call{method: "chat.postMessage", channel: "C2"}, ""); !did || err != nil {
			t.Errorf("another channel is closed as well: %v", err)
		}
		sleep(t.Context(), 10*time.Minute)
		for range 2 {
			if did, err := b.answerTo(update, ""); !did || err != nil {
				t.Errorf("still closed: %v", err)
			}
		}
	})
}

func TestRefusedTokenClosesEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreakers(1)
		look, post := call{method: "users.info"}, call{method: "chat.postMessage", channel: "C1"}
		if _, err := b.answerTo(look, "missing_scope"); access.CodeOf(err) != access.Unauthorized || b.refused() != "" {
			t.Errorf("a missing scope is about one method: %v, %q", err, b.refused())
		}
		if _, err := b.answerTo(look, "token_revoked"); access.CodeOf(err) != access.Unauthorized || b.refused() != "token_revoked" {
			t.Errorf("%v, %q", err, b.refused())
		}
		if did, err := b.answerTo(post, ""); did || access.CodeOf(err) != access.Unauthorized || access.RetryAfter(err) <= 0 {
			t.Errorf("Slack was asked at once: %v", err)
		}
		if did, err := b.answerTo(call{method: responseURL}, ""); !did || err != nil {
			t.Errorf("a response_url needs no token: %v", err)
		}
		for range 10 { // looks that find it refused still
			sleep(t.Context(), time.Minute)
			if did, _ := b.answerTo(look, "token_revoked"); !did {
				t.Error("more than a minute without a look")
			}
		}
		sleep(t.Context(), time.Minute)
		if did, err := b.answerTo(post, ""); !did || err != nil || b.refused() != "" {
			t.Errorf("still refused: %v, %q", err, b.refused())
		}
	})
}
