package outbox

import (
	"context"
	"slices"

	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/workflow"
)

// request is a request, and what Slack shows of it.
type request struct {
	workflow.RequestView
	messages []delivery.Message
	drawing  delivery.Drawing
}

// request reads a request. What Slack shows is read before what is so: a change that comes
// between the two has a later version than the drawing that was read, so the request is drawn
// once more, and an older state never counts as the newest.
func (n *Announcer) request(ctx context.Context, id int64) (*request, error) {
	var r request
	err := n.Store.Read(ctx, func(tx delivery.Tx) (err error) {
		if r.messages, err = tx.Messages(ctx, id); err != nil {
			return err
		}
		if r.drawing, err = tx.Drawing(ctx, id); access.CodeOf(err) == access.NotFound { // a draft is drawn for nobody
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	r.RequestView, err = n.Uses.View(ctx, id)
	return &r, err
}

// Keeps reports whether a message is one of those of a request that are kept up to date.
func (n *Announcer) Keeps(ctx context.Context, requestID int64, at slackapi.Ref) (ours bool, err error) {
	err = n.Store.Read(ctx, func(tx delivery.Tx) error {
		messages, err := tx.Messages(ctx, requestID)
		ours = slices.ContainsFunc(messages, func(m delivery.Message) bool { return refOf(m) == at })
		return err
	})
	return ours, err
}

// Redraw has a message of a request sent anew, whatever is recorded of what it shows:
// somebody saw it otherwise.
func (n *Announcer) Redraw(ctx context.Context, requestID int64, at slackapi.Ref) error {
	return n.Store.Update(ctx, func(tx delivery.Tx) error {
		messages, err := tx.Messages(ctx, requestID)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if refOf(m) != at {
				continue
			}
			m.Digest = ""
			if err := tx.SaveMessage(ctx, m); err != nil {
				return err
			}
		}
		return tx.Announce(ctx, requestID)
	})
}

func refOf(m delivery.Message) slackapi.Ref { return slackapi.Ref{Channel: m.Channel, TS: m.TS} }

// requestChannel returns where a request is shown to those who decide it; empty when it is
// not shown yet.
func requestChannel(messages []delivery.Message) string {
	m, _ := newest(messages, roleRequest)
	return m.Channel
}

// RequestChannels returns where requests are shown to those who decide them, by request;
// those that are not shown yet are left out.
func (n *Announcer) RequestChannels(ctx context.Context, requestIDs ...int64) (channels map[int64]string, err error) {
	err = n.Store.Read(ctx, func(tx delivery.Tx) error {
		channels = make(map[int64]string, len(requestIDs))
		for _, id := range requestIDs {
			messages, err := tx.Messages(ctx, id)
			if err != nil {
				return err
			}
			if channel := requestChannel(messages); channel != "" {
				channels[id] = channel
			}
		}
		return nil
	})
	return channels, err
}
