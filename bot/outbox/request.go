package outbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"sshkeybot/bot/render"
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

// linksWithin is how long Slack is asked for the addresses of several messages: a list is shown without
// them, too.
const linksWithin = time.Second

// RequestPosts returns where the messages of requests are, by request; those that are not shown
// yet are left out.
func (n *Announcer) RequestPosts(ctx context.Context, requestIDs ...int64) (map[int64]render.Post, error) {
	shown := make(map[int64]slackapi.Ref, len(requestIDs))
	err := n.Store.Read(ctx, func(tx delivery.Tx) error {
		clear(shown)
		for _, id := range requestIDs {
			messages, err := tx.Messages(ctx, id)
			if err != nil {
				return err
			}
			if m, ok := newest(messages, roleRequest); ok {
				shown[id] = refOf(m)
			}
		}
		return nil
	})
	posts := make(map[int64]render.Post, len(shown))
	soon, cancel := context.WithTimeout(ctx, linksWithin)
	defer cancel()
	for id, at := range shown {
		posts[id] = n.post(soon, at)
	}
	return posts, err
}

// post returns what others need to point to a message. Nobody but its person can follow the
// address of a direct message, and without an address there is still the channel.
func (n *Announcer) post(ctx context.Context, at slackapi.Ref) render.Post {
	p := render.Post{Channel: at.Channel}
	if at.TS == "" || strings.HasPrefix(at.Channel, "D") {
		return p
	}
	link, err := n.API.Permalink(ctx, at)
	if err != nil {
		n.Log.Debug("the address of a message is not known", "channel", at.Channel, "error", err)
	}
	p.Permalink = link
	return p
}
