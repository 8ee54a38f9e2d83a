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

// interactionKind is how an interaction reached us.
type interactionKind string

const (
	kindCommand    interactionKind = "command"
	kindClick      interactionKind = "click"
	kindSubmission interactionKind = "submission"
	kindHomeOpened interactionKind = "home_opened"
	kindSuggestion interactionKind = "suggestion"  // somebody types into a menu whose options we suggest; never stored
	kindUserChange interactionKind = "user_change" // Slack says that an account has changed: that somebody left, or is back
)

// interaction is one thing that somebody did in Slack, in the form in which it is stored.
// It holds no token; Trigger is valid for three seconds and not stored.
type interaction struct {
	ID          string          `json:"id"`
	Kind        interactionKind `json:"kind"`
	Person      access.UserID   `json:"person"`
	At          time.Time       `json:"at"`
	Channel     string          `json:"channel,omitempty"`
	ResponseURL string          `json:"response_url,omitempty"`
	Trigger     string          `json:"-"`

	Text string `json:"text,omitempty"` // of a command

	Action  string `json:"action,omitempty"` // of a click
	Value   string `json:"value,omitempty"`
	Message string `json:"message,omitempty"` // time stamp of the message it was in
	Private bool   `json:"private,omitempty"` // only this person sees that message
	Home    bool   `json:"home,omitempty"`    // it was in the Home tab
	View    string `json:"view,omitempty"`    // id of the modal that it was in

	Modal    string          `json:"modal,omitempty"` // callback id of what was submitted, or clicked in
	Metadata string          `json:"metadata,omitempty"`
	State    json.RawMessage `json:"state,omitempty"`

	command  command         // what Text says
	unclear  error           // why Text says nothing
	standing access.Standing // how Slack says that the person stands now; of a kindUserChange
	fresh    bool            // it was never begun before
}

// errIrrelevant is returned for a delivery that asks nothing of us.
var errIrrelevant = errors.New("nothing for us")

// readInteraction reads from an envelope what we need of it.
func readInteraction(e socket.Envelope) (interaction, error) {
	in := interaction{ID: e.ID}
	var err error
	switch e.Type {
	case "slash_commands":
		err = in.readCommand(e.Payload)
	case "interactive":
		err = in.readInteractive(e.Payload)
	case "events_api":
		err = in.readEvent(e.Payload)
	default:
		err = errIrrelevant
	}
	if err == nil && in.Person == "" {
		err = errIrrelevant
	}
	return in, err
}

// readStored reads what an interaction was stored as.
func readStored(payload []byte) (interaction, error) {
	var in interaction
	if err := json.Unmarshal(payload, &in); err != nil {
		return in, fmt.Errorf("stored interaction: %w", err)
	}
	in.parse()
	return in, nil
}

// parse reads the text of a command, once for all that follows.
func (in *interaction) parse() {
	if in.Kind == kindCommand {
		in.command, in.unclear = parseFor(*in)
	}
}

func (in *interaction) readCommand(payload []byte) error {
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
	in.Kind, in.Person, in.Channel, in.Text = kindCommand, p.User, p.Channel, access.CleanText(p.Text)
	in.ResponseURL, in.Trigger = p.ResponseURL, p.Trigger
	in.parse()
	return nil
}

// interactivePayload is what we need of a click or a submitted modal.
type interactivePayload struct {
	Type        string                     `json:"type"`
	User        struct{ ID access.UserID } `json:"user"`
	ResponseURL string                     `json:"response_url"`
	Trigger     string                     `json:"trigger_id"`
	Callback    string                     `json:"callback_id"` // of a shortcut
	Typed       string                     `json:"value"`       // of a suggestion
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

func (in *interaction) readInteractive(payload []byte) error {
	var p interactivePayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("interaction: %w", err)
	}
	in.Person, in.Trigger, in.ResponseURL = p.User.ID, p.Trigger, p.ResponseURL
	switch {
	case p.Type == "block_actions" && len(p.Actions) > 0:
		in.readClick(p)
	case p.Type == "shortcut" && p.Callback == render.ShortcutAsk:
		in.Kind, in.Action = kindClick, render.ActionAsk
	case p.Type == "block_suggestion":
		in.Kind, in.Value = kindSuggestion, p.Typed
	case p.Type == "view_submission":
		in.Kind, in.Modal, in.Metadata, in.State = kindSubmission, p.View.Callback, p.View.Metadata, p.View.State
	default:
		return errIrrelevant
	}
	return nil
}

func (in *interaction) readClick(p interactivePayload) {
	pressed := p.Actions[0]
	in.Kind, in.Action, in.Value = kindClick, pressed.ID, pressed.Value
	if in.Value == "" {
		in.Value = pressed.Selected.Value
	}
	in.Channel, in.Message, in.Private = p.Container.Channel, p.Container.Message, p.Container.Ephemeral
	in.Home = p.Container.Type == "view" && p.View.Type == "home"
	if p.View.Type == "modal" {
		in.View, in.Modal, in.Metadata, in.State = p.View.ID, p.View.Callback, p.View.Metadata, p.View.State
	}
}

// readEvent takes the identity of the event, not of the envelope: a second delivery
// comes in another envelope.
func (in *interaction) readEvent(payload []byte) error {
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
		in.ID = p.ID
	}
	switch {
	case p.Event.Type == "app_home_opened" && p.Event.Tab == "home":
		in.Kind = kindHomeOpened
		return json.Unmarshal(p.Event.User, &in.Person)
	case p.Event.Type == "user_change":
		var u userRecord
		err := json.Unmarshal(p.Event.User, &u)
		in.Kind, in.Person, in.standing = kindUserChange, u.ID, u.standing()
		return err
	}
	return errIrrelevant
}

// userRecord is what we need of a user's record in an event.
type userRecord struct {
	ID              access.UserID `json:"id"`
	Deleted         bool          `json:"deleted"`
	Restricted      bool          `json:"is_restricted"`
	UltraRestricted bool          `json:"is_ultra_restricted"`
}

// standing returns how the person stands by the event. It only shows whether to ask the
// directory, which decides.
func (u userRecord) standing() access.Standing {
	switch {
	case u.Deleted:
		return access.Deactivated
	case u.Restricted || u.UltraRestricted:
		return access.Guest
	}
	return access.Member
}

// id returns the id that the value of a button begins with; 0 when there is none.
func (in interaction) id() int64 {
	id, _ := render.ReadDecision(in.Value)
	return id
}

// ids returns the ids that the value of a button consists of; false unless they are count.
func (in interaction) ids(count int) ([]int64, bool) {
	var ids []int64
	for part := range strings.SplitSeq(in.Value, ":") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, false
		}
		ids = append(ids, n)
	}
	return ids, len(ids) == count
}

// form returns what was entered into a modal; nil when that cannot be read.
func (in interaction) form() *slack.ViewState {
	var state slack.ViewState
	if json.Unmarshal(in.State, &state) != nil {
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
