package bot

import (
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
)

// answerTo lets a call through where the doors allow it, with an answer of Slack's.
func (d *doors) answerTo(c call, code string) (asked bool, err error) {
	if err := d.pass(c); err != nil {
		return false, err
	}
	if code == "" {
		return true, d.learn(c, nil)
	}
	return true, d.learn(c, answered(c, code))
}

func TestClosedChannelIsLookedAtByOneCallAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, began := newDoors(), time.Now()
		update := call{method: "chat.update", channel: "C1"}
		asked := 0
		for time.Since(began) < time.Hour { // seventeen requests of one channel, each every few seconds
			for range 17 {
				did, err := d.answerTo(update, "is_archived")
				if did {
					asked++
				}
				if slackCode(err) != "is_archived" || slackChannel(err) != "C1" || access.RetryAfter(err) <= 0 {
					t.Fatalf("%v, again in %s", err, access.RetryAfter(err))
				}
			}
			sleep(t.Context(), 5*time.Second)
		}
		if asked < 6 || asked > 12 {
			t.Errorf("Slack was asked %d times in an hour", asked)
		}
		if did, err := d.answerTo(call{method: "chat.postMessage", channel: "C2"}, ""); !did || err != nil {
			t.Errorf("another channel is closed as well: %v", err)
		}
		sleep(t.Context(), 10*time.Minute)
		for range 2 {
			if did, err := d.answerTo(update, ""); !did || err != nil {
				t.Errorf("still closed: %v", err)
			}
		}
	})
}

func TestRefusedTokenClosesEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoors()
		look, post := call{method: "users.info"}, call{method: "chat.postMessage", channel: "C1"}
		if _, err := d.answerTo(look, "missing_scope"); access.CodeOf(err) != access.Unauthorized || d.refused() != "" {
			t.Errorf("a missing scope is about one method: %v, %q", err, d.refused())
		}
		if _, err := d.answerTo(look, "token_revoked"); access.CodeOf(err) != access.Unauthorized || d.refused() != "token_revoked" {
			t.Errorf("%v, %q", err, d.refused())
		}
		if did, err := d.answerTo(post, ""); did || access.CodeOf(err) != access.Unauthorized || access.RetryAfter(err) <= 0 {
			t.Errorf("Slack was asked at once: %v", err)
		}
		if did, err := d.answerTo(call{method: responseURL}, ""); !did || err != nil {
			t.Errorf("a response_url needs no token: %v", err)
		}
		for range 10 { // looks that find it refused still
			sleep(t.Context(), time.Minute)
			if did, _ := d.answerTo(look, "token_revoked"); !did {
				t.Error("more than a minute without a look")
			}
		}
		sleep(t.Context(), time.Minute)
		if did, err := d.answerTo(post, ""); !did || err != nil || d.refused() != "" {
			t.Errorf("still refused: %v, %q", err, d.refused())
		}
	})
}
