package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/bot/socket"
	"sshkeybot/internal/access"
)

// actKind says what sort of thing somebody did.
type actKind string

const (
	aCommand    actKind = "command"
	aClick      actKind = "click"
	aSubmission actKind = "submission"
	aHomeOpened actKind = "home_opened"
	aLeft       actKind = "left" // Slack says that somebody left, or is back
)

// act is one thing that somebody did in Slack, in the form in which it is stored.
// It holds no token; Trigger is good for three seconds and not stored.
type act struct {
	ID          string        `json:"id"`
	Kind        actKind       `json:"kind"`
	Person      access.UserID `json:"person"`
	At          time.Time     `json:"at"`
	Channel     string        `json:"channel,omitempty"`
	ResponseURL string        `json:"response_url,omitempty"`
	Trigger     string        `json:"-"`

	Text string `json:"text,omitempty"` // of a command

	Action  string `json:"action,omitempty"` // of a click
	Value   string `json:"value,omitempty"`
	Message string `json:"message,omitempty"` // time stamp of the message it was in
	Private bool   `json:"private,omitempty"` // only this person sees that message
	Home    bool   `json:"home,omitempty"`    // it was in the Home tab
	View    string `json:"-"`                 // id of the modal that it was in

	Modal    string          `json:"modal,omitempty"` // callback id of a submission
	Metadata string          `json:"metadata,omitempty"`
	State    json.RawMessage `json:"state,omitempty"`

	standing access.Standing // how Slack says that the person stands now; of aLeft
	fresh    bool            // it was never begun before
}

// errIrrelevant is a delivery that asks nothing of us.
var errIrrelevant = errors.New("nothing for us")

// readAct takes from an envelope what counts.
func readAct(e socket.Envelope) (act, error) {
	a := act{ID: e.ID}
	var err error
	switch e.Type {
	case "slash_commands":
		err = a.readCommand(e.Payload)
	case "interactive":
		err = a.readInteraction(e.Payload)
	case "events_api":
		err = a.readEvent(e.Payload)
	default:
		err = errIrrelevant
	}
	if err == nil && a.Person == "" {
		err = errIrrelevant
	}
	return a, err
}

func (a *act) readCommand(payload []byte) error {
	var p struct {
		User        access.UserID `json:"user_id"`
		Channel     string        `json:"channel_id"`
		Text        string        `json:"text"`
		ResponseURL string        `json:"response_url"`
		Trigger     string        `json:"trigger_id"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("slash command: %w", err)
	}
	a.Kind, a.Person, a.Channel, a.Text = aCommand, p.User, p.Channel, access.CleanText(p.Text)
	a.ResponseURL, a.Trigger = p.ResponseURL, p.Trigger
	return nil
}

// interaction is what counts of a click or a submitted modal.
type interaction struct {
	Type        string                     `json:"type"`
	User        struct{ ID access.UserID } `json:"user"`
	ResponseURL string                     `json:"response_url"`
	Trigger     string                     `json:"trigger_id"`
	Container   struct {
		Type      string `json:"type"`
		Channel   string `json:"channel_id"`
		Message   string `json:"message_ts"`
		Ephemeral bool   `json:"is_ephemeral"`
	} `json:"container"`
	Actions []struct {
		ID       string                 `json:"action_id"`
		Value    string                 `json:"value"`
		Selected struct{ Value string } `json:"selected_option"`
	} `json:"actions"`
	View struct {
		ID       string          `json:"id"`
		Type     string          `json:"type"`
		Callback string          `json:"callback_id"`
		Metadata string          `json:"private_metadata"`
		State    json.RawMessage `json:"state"`
	} `json:"view"`
}

func (a *act) readInteraction(payload []byte) error {
	var p interaction
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("interaction: %w", err)
	}
	a.Person, a.Trigger, a.ResponseURL = p.User.ID, p.Trigger, p.ResponseURL
	switch {
	case p.Type == "block_actions" && len(p.Actions) > 0:
		a.readClick(p)
	case p.Type == "view_submission":
		a.Kind, a.Modal, a.Metadata, a.State = aSubmission, p.View.Callback, p.View.Metadata, p.View.State
	default:
		return errIrrelevant
	}
	return nil
}

func (a *act) readClick(p interaction) {
	pressed := p.Actions[0]
	a.Kind, a.Action, a.Value = aClick, pressed.ID, pressed.Value
	if a.Value == "" {
		a.Value = pressed.Selected.Value
	}
	a.Channel, a.Message, a.Private = p.Container.Channel, p.Container.Message, p.Container.Ephemeral
	a.Home = p.Container.Type == "view" && p.View.Type == "home"
	if p.View.Type == "modal" {
		a.View = p.View.ID
	}
}

// readEvent takes the identity of the event, not of the envelope: a second delivery
// comes in another envelope.
func (a *act) readEvent(payload []byte) error {
	var p struct {
		ID    string `json:"event_id"`
		Event struct {
			Type string          `json:"type"`
			Tab  string          `json:"tab"`
			User json.RawMessage `json:"user"` // an id, or a whole record
		} `json:"event"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if p.ID != "" {
		a.ID = p.ID
	}
	switch {
	case p.Event.Type == "app_home_opened" && p.Event.Tab == "home":
		a.Kind = aHomeOpened
		return json.Unmarshal(p.Event.User, &a.Person)
	case p.Event.Type == "user_change":
		var u account
		err := json.Unmarshal(p.Event.User, &u)
		a.Kind, a.Person, a.standing = aLeft, u.ID, u.standing()
		return err
	}
	return errIrrelevant
}

// account is what counts of a user's record in an event.
type account struct {
	ID              access.UserID `json:"id"`
	Deleted         bool          `json:"deleted"`
	Restricted      bool          `json:"is_restricted"`
	UltraRestricted bool          `json:"is_ultra_restricted"`
}

// standing is how the person stands by what the event says. It only shows whether to
// look: the directory tells.
func (u account) standing() access.Standing {
	switch {
	case u.Deleted:
		return access.Deactivated
	case u.Restricted || u.UltraRestricted:
		return access.Guest
	}
	return access.Member
}

// number reads the id that the value of a button begins with; 0 when there is none.
func (a act) number() int64 {
	id, _ := render.ReadDecision(a.Value)
	return id
}

// numbers reads a value of several ids.
func (a act) numbers(count int) ([]int64, bool) {
	var ids []int64
	for part := range strings.SplitSeq(a.Value, ":") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, false
		}
		ids = append(ids, n)
	}
	return ids, len(ids) == count
}

// form reads what was entered into a modal.
func (a act) form() *slack.ViewState {
	var state slack.ViewState
	if json.Unmarshal(a.State, &state) != nil {
		return nil // as if nothing had been entered
	}
	for _, block := range state.Values {
		for id, entered := range block {
			entered.Value = access.CleanText(entered.Value)
			block[id] = entered
		}
	}
	return &state
}
