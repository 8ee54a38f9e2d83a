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
	maxReply         = 18 << 10         // bytes of a reply in an acknowledgement
	responseURLLives = 29 * time.Minute // how long a response_url is worth trying
)

// timeouts limit what is done before Slack has its acknowledgement.
type timeouts struct {
	reply time.Duration // how long an acknowledgement waits for the reply that it can carry
	check time.Duration // how long the checks before a modal is opened may take
	open  time.Duration // how long after the interaction a modal may still be opened
}

// slackTimeouts leave time of the three seconds in which Slack wants an acknowledgement,
// and in which the trigger of a modal is valid.
var slackTimeouts = timeouts{reply: 1500 * time.Millisecond, check: 1200 * time.Millisecond, open: 2500 * time.Millisecond}

// ackReply takes the reply to a command as long as the acknowledgement can carry it. A nil
// one takes none.
type ackReply struct {
	mu     sync.Mutex
	closed bool
	reply  chan slackapi.Reply
}

func newAckReply() *ackReply { return &ackReply{reply: make(chan slackapi.Reply, 1)} }

// offer reports whether the acknowledgement carries the reply.
func (ack *ackReply) offer(r slackapi.Reply) bool {
	if ack == nil {
		return false
	}
	ack.mu.Lock()
	defer ack.mu.Unlock()
	if ack.closed || isTooLong(r) {
		return false
	}
	ack.closed = true
	ack.reply <- r
	return true
}

func isTooLong(r slackapi.Reply) bool {
	raw, err := json.Marshal(r)
	return err != nil || len(raw) > maxReply
}

// wait returns the reply that was offered within d, and nil otherwise.
func (ack *ackReply) wait(ctx context.Context, d time.Duration) any {
	sooner, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case r := <-ack.reply:
		return r
	case <-sooner.Done():
	}
	ack.mu.Lock()
	defer ack.mu.Unlock()
	ack.closed = true
	select {
	case r := <-ack.reply:
		return r
	default:
		return nil
	}
}

// reply sends a person what came of what they did, where only they see it: in the
// acknowledgement, in the modal that they have open, over the response_url, in the channel, or at last in a direct
// message. It reports false when Slack takes nothing at the moment.
func (b *Bot) reply(ctx context.Context, in interaction, ack *ackReply, r slackapi.Reply) (told bool) {
	if ack.offer(r) || b.showInModal(ctx, in, r) {
		return true
	}
	m := render.Message{Text: r.Text, Blocks: r.Blocks}
	if in.ResponseURL != "" && b.now().Sub(in.At) < responseURLLives {
		if b.cfg.API.Respond(ctx, in.ResponseURL, r) == nil {
			return true
		}
	}
	if in.Channel != "" && b.cfg.API.PostEphemeral(ctx, in.Channel, in.Person, m) == nil {
		return true
	}
	_, err := b.cfg.API.Post(ctx, string(in.Person), "", m)
	if err == nil {
		return true
	}
	b.cfg.Log.Warn("an answer could not be delivered", "envelope", in.ID, "person", in.Person, "error", err)
	return !temporary(err)
}

// refusal returns the reply to what was not done.
func refusal(err error) slackapi.Reply { return slackapi.Ephemeral(render.Refusal(asAccessError(err))) }

// asAccessError turns an error about a key, which has its own sentence, into an
// *access.Error; any other stays as it is.
func asAccessError(err error) error {
	if sentence := keySentence(err); sentence != "" {
		return &access.Error{Code: access.Invalid, Message: sentence, Err: err}
	}
	return err
}
