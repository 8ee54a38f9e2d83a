package bot

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

const (
	maxAnswer   = 18 << 10         // bytes of an answer in an acknowledgement
	answersLive = 29 * time.Minute // how long a response_url is worth trying
)

// windows is how long something may take before Slack has its acknowledgement.
type windows struct {
	answer time.Duration // how long an acknowledgement waits for an answer that it can carry
	look   time.Duration // how long a look may take before a modal is opened
	open   time.Duration // how long after somebody's act a modal may still be opened
}

// slackWindows: Slack waits three seconds for an acknowledgement, and as long does the
// trigger of a modal live.
var slackWindows = windows{answer: 1500 * time.Millisecond, look: 1200 * time.Millisecond, open: 2500 * time.Millisecond}

// slot takes the answer to a command as long as the acknowledgement can carry it.
type slot struct {
	mu     sync.Mutex
	closed bool
	answer chan slackapi.Reply
}

func newSlot() *slot { return &slot{answer: make(chan slackapi.Reply, 1)} }

// put tells whether the acknowledgement carries the answer.
func (s *slot) put(r slackapi.Reply) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || tooLong(r) {
		return false
	}
	s.closed = true
	s.answer <- r
	return true
}

func tooLong(r slackapi.Reply) bool {
	raw, err := json.Marshal(r)
	return err != nil || len(raw) > maxAnswer
}

// wait answers what was put before the time was over, and nil otherwise.
func (s *slot) wait(ctx context.Context, d time.Duration) any {
	sooner, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case r := <-s.answer:
		return r
	case <-sooner.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	select {
	case r := <-s.answer:
		return r
	default:
		return nil
	}
}

// answer tells a person what came of what they did, where only they see it: in the
// acknowledgement, over the response_url, in the channel, or at last in a direct
// message. It is false when Slack takes nothing at the moment.
func (b *Bot) answer(ctx context.Context, a act, s *slot, r slackapi.Reply) (told bool) {
	if s.put(r) {
		return true
	}
	m := render.Message{Text: r.Text, Blocks: r.Blocks}
	if a.ResponseURL != "" && b.now().Sub(a.At) < answersLive {
		if b.cfg.API.Respond(ctx, a.ResponseURL, r) == nil {
			return true
		}
	}
	if a.Channel != "" && b.cfg.API.PostEphemeral(ctx, a.Channel, a.Person, m) == nil {
		return true
	}
	_, err := b.cfg.API.Post(ctx, string(a.Person), "", m)
	if err == nil {
		return true
	}
	b.cfg.Log.Warn("an answer could not be delivered", "envelope", a.ID, "person", a.Person, "error", err)
	return !temporary(err)
}

// refusal makes the answer to what was not done.
func refusal(err error) slackapi.Reply { return slackapi.Ephemeral(render.Refusal(shown(err))) }

// shown makes an error of ours out of one about a key, which has its own sentence.
func shown(err error) error {
	if sentence := keySentence(err); sentence != "" {
		return &access.Error{Code: access.Invalid, Message: sentence, Err: err}
	}
	return err
}
