package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
)

const (
	callTimeout = 15 * time.Second
	repeats     = 3 // of a call that Slack did not carry out
)

// Ref names a message: the channel and time stamp that Slack answered.
type Ref struct{ Channel, TS string }

// API calls Slack's Web API at the pace that Slack allows. Its errors are
// *access.Error: RateLimited and Unavailable where nothing happened and coming
// back later helps, UnknownOutcome where an answer was lost, Unauthorized where
// our token is refused, and others where Slack will not do it; slackCode tells
// Slack's own word.
type API struct {
	Log   *slog.Logger         // nil says nothing
	Dated func(date time.Time) // takes the Date of every answer; may be nil

	client *slack.Client
	http   *http.Client
	gate   *gate
	doors  *doors
}

// NewAPI makes an API. An empty url is Slack's own; a nil client is one with a timeout.
func NewAPI(token, url string, client *http.Client) *API {
	a := &API{gate: newGate(), doors: newDoors()}
	if client == nil {
		client = &http.Client{Timeout: callTimeout, Transport: dates{a}}
	}
	options := []slack.Option{slack.OptionHTTPClient(client)}
	if url != "" {
		options = append(options, slack.OptionAPIURL(url))
	}
	a.client, a.http = slack.New(token, options...), client
	return a
}

// call is one method of the Web API.
type call struct {
	method  string
	place   string // channel, where the method is limited by channel
	channel string // that a message is for
	safe    bool   // doing it twice is doing it once
}

// do makes the call, again where Slack said that it was not carried out, or where
// it can do no harm. A post whose answer was lost is not repeated.
func (a *API) do(ctx context.Context, c call, make func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		if err := a.doors.pass(c); err != nil {
			return err
		}
		if err := a.gate.pass(ctx, c); err != nil {
			return err
		}
		err := a.doors.learn(c, failure(c, make(ctx)))
		switch {
		case err == nil || attempt == repeats:
			return err
		case access.CodeOf(err) == access.RateLimited:
			a.gate.hold(c, access.RetryAfter(err))
		case c.safe && access.CodeOf(err) == access.Unavailable:
			if !sleep(ctx, rand.N(200*time.Millisecond)*time.Duration(attempt)) {
				return err
			}
		default:
			return err
		}
	}
}

// Post sends a message to a channel, or to a person given their user ID, and
// into a thread unless thread is empty.
func (a *API) Post(ctx context.Context, channel, thread string, m render.Message) (ref Ref, err error) {
	c := call{method: "chat.postMessage", place: channel, channel: channel}
	err = a.show(ctx, c, m, func(ctx context.Context, options ...slack.MsgOption) (err error) {
		options = append(options, slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
		if thread != "" {
			options = append(options, slack.MsgOptionTS(thread))
		}
		ref.Channel, ref.TS, err = a.client.PostMessageContext(ctx, channel, options...)
		return err
	})
	return ref, err
}

// Update replaces what a message shows.
func (a *API) Update(ctx context.Context, at Ref, m render.Message) error {
	c := call{method: "chat.update", channel: at.Channel, safe: true}
	return a.show(ctx, c, m, func(ctx context.Context, options ...slack.MsgOption) error {
		_, _, _, err := a.client.UpdateMessageContext(ctx, at.Channel, at.TS, options...)
		return err
	})
}

// show sends a message, and its text alone where Slack does not take its form: what
// was decided must be seen, with or without the rest.
func (a *API) show(ctx context.Context, c call, m render.Message, send func(context.Context, ...slack.MsgOption) error) error {
	err := a.do(ctx, c, func(ctx context.Context) error { return send(ctx, content(m)...) })
	if !refusesForm(slackCode(err)) {
		return err
	}
	a.log().Error("Slack refuses the form of a message, so its text is sent alone", "method", c.method, "channel", c.channel, "error", err)
	return a.do(ctx, c, func(ctx context.Context) error {
		return send(ctx, slack.MsgOptionText(render.Plain(m), false), slack.MsgOptionBlocks())
	})
}

func (a *API) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}

// refusesForm tells of a code that is about what a message consists of.
func refusesForm(code string) bool {
	return strings.HasPrefix(code, "invalid_blocks") || strings.HasPrefix(code, "msg_")
}

// Whisper shows a message to one person in a channel that both are in.
func (a *API) Whisper(ctx context.Context, channel string, to access.UserID, m render.Message) error {
	return a.do(ctx, call{method: "chat.postEphemeral"}, func(ctx context.Context) error {
		_, err := a.client.PostEphemeralContext(ctx, channel, string(to), content(m)...)
		return err
	})
}

func content(m render.Message) []slack.MsgOption {
	options := []slack.MsgOption{slack.MsgOptionText(m.Text, false)}
	if len(m.Blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(m.Blocks...))
	}
	return options
}

// reply is a message as an acknowledgement and a response_url carry it.
type reply struct {
	Type    string        `json:"response_type"`
	Replace bool          `json:"replace_original"`
	Text    string        `json:"text"`
	Blocks  []slack.Block `json:"blocks,omitempty"`
}

func private(m render.Message) reply { return reply{Type: "ephemeral", Text: m.Text, Blocks: m.Blocks} }

// Respond answers over a response_url, for this person only. Slack takes five
// answers within thirty minutes (Slack, "Handling user interaction").
func (a *API) Respond(ctx context.Context, url string, r reply) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("response_url: %w", err)
	}
	return a.do(ctx, call{method: responseURL}, func(ctx context.Context) error { return a.send(ctx, url, body) })
}

func (a *API) send(ctx context.Context, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return &access.Error{Code: access.Internal, Op: "response_url"} // the address is a secret
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 4<<10)) // so that the connection can be used again
	if answer.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: answer.StatusCode, Status: answer.Status}
	}
	return nil
}

// OpenModal shows a modal to the person who did something three seconds ago at most.
func (a *API) OpenModal(ctx context.Context, trigger string, v slack.ModalViewRequest) error {
	return a.do(ctx, call{method: "views.open"}, func(ctx context.Context) error {
		_, err := a.client.OpenViewContext(ctx, trigger, v)
		return err
	})
}

// UpdateModal replaces what an open modal shows.
func (a *API) UpdateModal(ctx context.Context, id string, v slack.ModalViewRequest) error {
	return a.do(ctx, call{method: "views.update", safe: true}, func(ctx context.Context) error {
		_, err := a.client.UpdateViewContext(ctx, v, "", "", id)
		return err
	})
}

// PublishHome replaces a person's Home tab.
func (a *API) PublishHome(ctx context.Context, to access.UserID, v slack.HomeTabViewRequest) error {
	return a.do(ctx, call{method: "views.publish", safe: true}, func(ctx context.Context) error {
		_, err := a.client.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: string(to), View: v})
		return err
	})
}

// Upload shares a file in a thread; the bot must be in the channel.
func (a *API) Upload(ctx context.Context, at Ref, name, title string, data []byte) error {
	return a.do(ctx, call{method: "files.upload", place: at.Channel}, func(ctx context.Context) error {
		_, err := a.client.UploadFileContext(ctx, slack.UploadFileParameters{
			Filename: name, Title: title, FileSize: len(data), Reader: bytes.NewReader(data), Channel: at.Channel, ThreadTimestamp: at.TS,
		})
		return err
	})
}

// User asks who somebody is, now.
func (a *API) User(ctx context.Context, id access.UserID) (user *slack.User, err error) {
	err = a.do(ctx, call{method: "users.info", safe: true}, func(ctx context.Context) (err error) {
		user, err = a.client.GetUserInfoContext(ctx, string(id))
		return err
	})
	return user, err
}

// Users reads a page of the list of all users, from the cursor that the page before
// answered; an empty next one means that this is the last.
func (a *API) Users(ctx context.Context, cursor string) (users []slack.User, next string, err error) {
	err = a.do(ctx, call{method: "users.list", safe: true}, func(ctx context.Context) error {
		page, err := a.client.GetUsersPaginated(slack.GetUsersOptionCursor(cursor), slack.GetUsersOptionIncludeLocale(false)).Next(ctx)
		users, next = page.Users, page.Cursor
		return err
	})
	return users, next, err
}

// Group lists the active members of a user group.
func (a *API) Group(ctx context.Context, id string) (members []string, err error) {
	err = a.do(ctx, call{method: "usergroups.users.list", safe: true}, func(ctx context.Context) (err error) {
		members, err = a.client.GetUserGroupMembersContext(ctx, id)
		return err
	})
	return members, err
}

// Self asks who we are.
func (a *API) Self(ctx context.Context) (self *slack.AuthTestResponse, err error) {
	err = a.do(ctx, call{method: "auth.test", safe: true}, func(ctx context.Context) (err error) {
		self, err = a.client.AuthTestContext(ctx)
		return err
	})
	return self, err
}

// Refused answers Slack's code while it refuses the bot token, and "" otherwise.
func (a *API) Refused() string { return a.doors.refused() }
