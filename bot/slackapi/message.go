package slackapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// Message is what Slack is sent. Text says everything that Blocks show, for notifications
// and screen readers; it is markup in which foreign text is escaped, so it is sent without
// parsing or unfurling.
type Message struct {
	Text   string
	Blocks []slack.Block
}

func (m Message) options() []slack.MsgOption {
	options := append(unfurlNothing(), slack.MsgOptionText(m.Text, false))
	if len(m.Blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(m.Blocks...))
	}
	return options
}

// unfurlNothing keeps Slack from showing what a link leads to. An edit may bring a link as well.
func unfurlNothing() []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
}

// Ref names a message: the channel and time stamp that Slack gave it.
type Ref struct{ Channel, TS string }

// Post sends a message to a channel, or to a person given their user ID, and
// into a thread unless thread is empty.
func (c *Client) Post(ctx context.Context, channel, thread string, m Message) (ref Ref, err error) {
	what := call{method: "chat.postMessage", place: channel, channel: channel}
	err = c.show(ctx, what, m, func(ctx context.Context, options ...slack.MsgOption) (err error) {
		if thread != "" {
			options = append(options, slack.MsgOptionTS(thread))
		}
		ref.Channel, ref.TS, err = c.slack.PostMessageContext(ctx, channel, options...)
		return err
	})
	return ref, err
}

// Update replaces what a message shows.
func (c *Client) Update(ctx context.Context, at Ref, m Message) error {
	what := call{method: "chat.update", channel: at.Channel, safe: true}
	return c.show(ctx, what, m, func(ctx context.Context, options ...slack.MsgOption) error {
		_, _, _, err := c.slack.UpdateMessageContext(ctx, at.Channel, at.TS, options...)
		return err
	})
}

// Permalink returns the address of a message, as long as Slack says it soon: nobody waits for it.
func (c *Client) Permalink(ctx context.Context, at Ref) (string, error) {
	if link, known := c.links.get(at); known {
		return link, nil
	}
	soon, cancel := context.WithTimeout(ctx, permalinkTimeout)
	defer cancel()
	var link string
	err := c.do(soon, call{method: "chat.getPermalink", safe: true}, func(ctx context.Context) (err error) {
		link, err = c.slack.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: at.Channel, Ts: at.TS})
		return err
	})
	if err == nil {
		c.links.put(at, link)
	}
	return link, err
}

// show sends a message, and its text alone where Slack does not take its form: what
// was decided must be seen, with or without the rest.
func (c *Client) show(ctx context.Context, what call, m Message, send func(context.Context, ...slack.MsgOption) error) error {
	err := c.do(ctx, what, func(ctx context.Context) error { return send(ctx, m.options()...) })
	if !refusesForm(ErrorCode(err)) {
		return err
	}
	c.cfg.Log.Error("Slack refuses the form of a message, so its text is sent alone", "method", what.method, "channel", what.channel, "error", err)
	return c.do(ctx, what, func(ctx context.Context) error {
		return send(ctx, append(unfurlNothing(), slack.MsgOptionText(c.cfg.Plain(m), false), slack.MsgOptionBlocks())...)
	})
}

// refusesForm reports whether a code is about what a message consists of.
func refusesForm(code string) bool {
	return strings.HasPrefix(code, "invalid_blocks") || strings.HasPrefix(code, "msg_")
}

// PostEphemeral shows a message to one person in a channel that both are in.
func (c *Client) PostEphemeral(ctx context.Context, channel string, to access.UserID, m Message) error {
	return c.do(ctx, call{method: "chat.postEphemeral"}, func(ctx context.Context) error {
		_, err := c.slack.PostEphemeralContext(ctx, channel, string(to), m.options()...)
		return err
	})
}

// File is a file to share. Its content is read while it is sent, so that it need not fit into
// memory, and again for another try.
type File struct {
	Name, Title string
	Size        int                  // in bytes; Slack takes no empty file
	Open        func() io.ReadCloser // returns the content
}

// Upload shares a file in a thread; the bot must be in the channel.
func (c *Client) Upload(ctx context.Context, at Ref, name, title string, data []byte) error {
	return c.UploadFile(ctx, at, File{
		Name: name, Title: title, Size: len(data), Open: func() io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) },
	})
}

// UploadFile is Upload for a file whose content is not in memory.
func (c *Client) UploadFile(ctx context.Context, at Ref, f File) error {
	return c.do(ctx, call{method: "files.upload", place: at.Channel}, func(ctx context.Context) error {
		content := f.Open()
		defer func() { _ = content.Close() }()
		_, err := c.slack.UploadFileContext(ctx, slack.UploadFileParameters{
			Filename: f.Name, Title: f.Title, FileSize: f.Size, Reader: content, Channel: at.Channel, ThreadTimestamp: at.TS,
		})
		return err
	})
}

// Reply is a message as an acknowledgement and a response_url carry it.
type Reply struct {
	Type    string        `json:"response_type"`
	Replace bool          `json:"replace_original"`
	Text    string        `json:"text"`
	Blocks  []slack.Block `json:"blocks,omitempty"`
}

// Ephemeral returns a reply that only the person sees to whom it is made.
func Ephemeral(m Message) Reply { return Reply{Type: "ephemeral", Text: m.Text, Blocks: m.Blocks} }

// Respond replies over a response_url. Slack takes five replies within thirty minutes
// (Slack, "Handling user interaction").
func (c *Client) Respond(ctx context.Context, url string, r Reply) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("response_url: %w", err)
	}
	return c.do(ctx, call{method: responseURL}, func(ctx context.Context) error { return c.send(ctx, url, body) })
}

func (c *Client) send(ctx context.Context, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return &access.Error{Code: access.Internal, Op: responseURL} // the address is a secret
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.cfg.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 4<<10)) // so that the connection can be used again
	if response.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: response.StatusCode, Status: response.Status}
	}
	return nil
}
